import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { clickId, keepCookies, type MetaIds } from '../../src/cookies';
import { BrowserJar } from './browser_jar';

/** A row of what Meta's capi-param-builder 1.3.2 does; its appendix, the fifth part, is that tool's own. */
interface Row {
    note: string;
    host: string;
    queries: { fbclid?: string[] };
    cookies: Record<string, string>;
    referer: string | null;
    fbc: string;
    fbp: string;
    cookies_to_set: { name: string; domain: string; max_age: number }[];
}

// Relative to dist/tests/unit.
const rows: Row[] = JSON.parse(
    readFileSync(new URL('../../../../shared/core/tests/vectors/fbc_fbp.json', import.meta.url), 'utf8'),
);

const withoutAppendix = (value: string): string => value.split('.').slice(0, 4).join('.');

function visit(jar: BrowserJar, host: string, fbclid?: string): MetaIds {
    return keepCookies({ jar, host, secure: true, now: 1700000000123, random: 1098115397, fbclid });
}

test('cookies are those of the official parameter builder', () => {
    assert.ok(rows.length >= 9);
    for (const row of rows) {
        const host = row.host.split(':')[0]!;
        const jar = new BrowserJar(host, row.cookies);
        const query = row.queries.fbclid ? '?fbclid=' + row.queries.fbclid[0] : '';
        const ids = visit(jar, host, clickId(query, row.referer ?? ''));
        assert.equal(ids.fbp, withoutAppendix(row.fbp), row.note);
        assert.equal(ids.fbc, withoutAppendix(row.fbc), row.note);
        for (const { name, domain, max_age } of row.cookies_to_set) {
            const { domain: kept, attributes } = jar.kept.get(name)!;
            // A name without a dot, or an address, gets a cookie of its own without a domain.
            assert.equal(kept ?? host, domain.replace(/[[\]]/g, ''), row.note);
            assert.ok(attributes.includes(`max-age=${max_age}`), row.note);
        }
    }
});

test('the widest domain that the browser takes is used', () => {
    for (const [host, domain, index] of [
        ['shop.example.com', 'example.com', 1],
        ['a.b.c.example.co.uk', 'example.co.uk', 2],
        ['acme.github.io', 'acme.github.io', 2],
        ['intranet', undefined, 0],
        ['192.0.2.7', undefined, 0],
        ['[2001:db8::1]', undefined, 0],
    ] as const) {
        const jar = new BrowserJar(host);
        assert.equal(visit(jar, host).fbp, `fb.${index}.1700000000123.1098115397`, host);
        assert.equal(jar.kept.get('_fbp')!.domain, domain, host);
    }
});

test('a cookie is renewed where it stands, value and appendix unchanged', () => {
    const old = 'fb.2.1554763741205.AbCdEf.AQIAAQMC';
    const jar = new BrowserJar('www.example.co.uk', { _fbc: old, _fbp: 'fb.0.1.2' });
    assert.deepEqual(visit(jar, 'www.example.co.uk', 'AbCdEf'), { fbc: old, fbp: 'fb.0.1.2' });
    assert.equal(jar.kept.get('_fbc')!.domain, 'example.co.uk');
    assert.equal(jar.kept.get('_fbp')!.domain, undefined);
    assert.deepEqual(jar.refused, []);
});

test('without a click id there is no _fbc', () => {
    const jar = new BrowserJar('example.com');
    assert.equal(visit(jar, 'example.com').fbc, undefined);
    assert.ok(!jar.kept.has('_fbc'));
});

test('what Meta would not understand is replaced, or left out', () => {
    for (const bad of ['x', 'fb.1.2', 'fb.1.2.3.4567', 'fb.1.2.3.AQICAQMC.x', 'fb.a.2.3', 'fb.1..3']) {
        const jar = new BrowserJar('example.com', { _fbp: bad, _fbc: bad });
        const ids = visit(jar, 'example.com');
        assert.deepEqual(ids, { fbp: 'fb.1.1700000000123.1098115397', fbc: undefined }, bad);
    }
});

test('a browser that keeps no cookies has no ids, so that nobody is taken for somebody new each time', () => {
    assert.deepEqual(visit(new BrowserJar('example.com', {}, false), 'example.com', 'Id'), {
        fbp: undefined,
        fbc: undefined,
    });
});

test('cookies are secure where the page is', () => {
    for (const secure of [true, false]) {
        const jar = new BrowserJar('example.com');
        keepCookies({ jar, host: 'example.com', secure, now: 1, random: 1 });
        const { attributes } = jar.kept.get('_fbp')!;
        assert.equal(attributes.includes('secure'), secure);
        assert.ok(attributes.includes('samesite=lax') && attributes.includes('path=/'));
    }
});

test('a click id is taken whole, in its own case, or not at all', () => {
    assert.equal(clickId('?a=1&fbclid=IwAR2F4-dbP0_aem_X&b=2'), 'IwAR2F4-dbP0_aem_X');
    assert.equal(clickId('', 'https://l.facebook.com/?fbclid=Abc#x'), 'Abc');
    assert.equal(clickId('?fbclid=New', 'https://l.facebook.com/?fbclid=Old'), 'New');
    for (const bad of ['', '?fbclid=', '?xfbclid=a', '?fbclid=a.b', '?fbclid=a;b', `?fbclid=${'x'.repeat(901)}`]) {
        assert.equal(clickId(bad), undefined, bad);
    }
});
