import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';

import { newEventId, random31 } from '../../src/event_id';

// Node 18 has no global one.
globalThis.crypto ??= webcrypto as Crypto;

test('ids are 32 hexadecimal digits, and no two are alike', () => {
    const ids = new Set(Array.from({ length: 1000 }, newEventId));
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});

test('the random part of a cookie has at most 31 bits', () => {
    for (let nth = 0; nth < 1000; nth++) {
        const number = random31();
        assert.ok(Number.isInteger(number) && number >= 0 && number <= 2147483647, `${number}`);
    }
});
