import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Browser } from 'playwright-core';

import { fbqCalls, openBrowser, openSite, ready, type Site } from './site';
import { adrelayUrl, openShop, type Shop } from './stack';

let site: Site;
let shop: Shop;
let browser: Browser;
let relay: ChildProcess;
let port: string;
let origin: string;

before(async () => {
    site = await openSite();
    origin = `http://www.shop.example:${site.port}`;
    shop = await openShop([]);
    browser = await openBrowser();
    // Relative to dist/tests/browser.
    const program = fileURLToPath(new URL('../../../examples/relay/server.mjs', import.meta.url));
    const env = {
        ...process.env,
        ADRELAY_URL: adrelayUrl,
        ADRELAY_KEY: shop.ingestKey,
        ORIGINS: origin,
        COOKIE_DOMAIN: 'shop.example',
        PROXY_HOPS: '1',
        PORT: '0',
    };
    relay = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(relay.stdout!), 'line')) as [string];
    port = new URL(line).port;
});

after(async () => {
    relay?.kill();
    await browser?.close();
    site?.close();
});

test('a page’s event goes through the relay to Meta under the pixel’s id, with the visitor’s agent and the cookies', async () => {
    const endpoint = `http://track.shop.example:${port}/relay/events`;
    site.pages.set('/', {
        settings: { endpoint, consent: 'granted', credentials: 'include' },
        pixel: true,
        calls: [['track', 'Lead', { content_name: 'offer' }]],
    });
    const context = await browser.newContext();
    const page = await context.newPage();
    const answered = page.waitForResponse(endpoint);
    await page.goto(`${origin}/?fbclid=AbC_d-E`);
    await ready(page);
    const [, , , { eventID }] = (await fbqCalls(page))[0] as [unknown, unknown, unknown, { eventID: string }];
    const answer = await answered;
    assert.equal(answer.status(), 202);
    const set = (await answer.headersArray()).filter(({ name }) => name.toLowerCase() === 'set-cookie');
    assert.equal(set.length, 2);

    const { event } = await shop.arrived(eventID);
    const kept = Object.fromEntries((await context.cookies(origin)).map(({ name, value }) => [name, value]));
    assert.deepEqual([event.user_data['fbp'], event.user_data['fbc']], [kept['_fbp'], kept['_fbc']]);
    assert.equal(event.user_data['client_user_agent'], await page.evaluate('navigator.userAgent'));
    // The site's own server has set them anew: still one of each.
    assert.deepEqual((await context.cookies()).map(({ name, domain }) => name + domain).sort(), [
        '_fbc.shop.example',
        '_fbp.shop.example',
    ]);
    await context.close();
});

test('the visitor’s address reaches Meta, not the relay’s', async () => {
    const event = {
        event_name: 'Contact',
        event_id: 'relay-address-1',
        event_source_url: `${origin}/`,
        consent: 'granted',
        user_data: {},
    };
    const response = await fetch(`http://127.0.0.1:${port}/relay/events`, {
        method: 'POST',
        headers: { origin, 'user-agent': 'Mozilla/5.0 (visitor)', 'x-forwarded-for': '203.0.113.9' },
        body: JSON.stringify({ events: [event] }),
    });
    assert.equal(response.status, 202);
    const { user_data } = (await shop.arrived('relay-address-1')).event;
    assert.equal(user_data['client_ip_address'], '203.0.113.9');
    assert.equal(user_data['client_user_agent'], 'Mozilla/5.0 (visitor)');
});
