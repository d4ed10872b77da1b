import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

const MAX_BYTES = 3072;

test('the snippet has at most 3 KiB on its way', (context) => {
    // Relative to dist/tests/unit.
    const size = gzipSync(readFileSync(new URL('../../adrelay.js', import.meta.url)), { level: 9 }).length;
    context.diagnostic(`dist/adrelay.js: ${size} bytes gzipped of ${MAX_BYTES}`);
    assert.ok(size <= MAX_BYTES, `${size} bytes`);
});
