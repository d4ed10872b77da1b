import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Browser, BrowserContext, Page, Request } from 'playwright-core';

import type { Settings } from '../../src/tracker';
import { adrelay, type Door, doorBefore, fbqCalls, openBrowser, openSite, type PageOptions, ready, type Site } from './site';
import { adrelayUrl, openShop, type Shop, within } from './stack';

const ENDPOINT = `${adrelayUrl}/b/events`;
const FBCLID = 'IwAR2F4-dbP0l7Mn1IawQQGCINEz7PYXQvwjNwB_qa2ofrHyiLjcbCRxTDMgk';

let site: Site;
let shop: Shop;
let browser: Browser;
let door: Door | undefined;

before(async () => {
    site = await openSite();
    shop = await openShop([`http://localhost:${site.port}`]);
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    site?.close();
    door?.close();
});

interface Visit {
    context: BrowserContext;
    page: Page;
    requests: Request[];
    /** Requests to adrelay. */
    posts(): Request[];
}

/** A visitor nobody has seen, on a page with these options. */
async function visit(options: Omit<PageOptions, 'settings'> & Partial<Pick<Settings, 'consent' | 'endpoint'>>, query = ''): Promise<Visit> {
    const { consent = 'granted', endpoint = ENDPOINT, ...rest } = options;
    site.pages.set('/', { ...rest, settings: { endpoint, key: shop.publicKey, consent } });
    const context = await browser.newContext();
    const page = await context.newPage();
    const requests: Request[] = [];
    context.on('request', (request) => requests.push(request));
    await page.goto(`http://localhost:${site.port}/${query}`);
    await ready(page);
    const posts = (): Request[] => requests.filter((request) => request.url() === ENDPOINT);
    return { context, page, requests, posts };
}

const cookies = async ({ context }: Visit): Promise<Record<string, string>> =>
    Object.fromEntries((await context.cookies()).map(({ name, value }) => [name, value]));

/** Everything that the page asked for before has begun. */
const requestsAreSeen = (page: Page): Promise<void> => page.evaluate("fetch('/nothing').then(() => undefined)");

const outbox = (page: Page): Promise<number> =>
    page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('adrelay:')).length");

const emptied = (page: Page): Promise<true> =>
    within(30, 'the outbox is empty', async () => (await outbox(page)) === 0 || undefined);

test('pixel call and server call carry one event id, and both cookies arrive at Meta', async () => {
    const visitor = await visit({ pixel: true, calls: [['track', 'PageView', { content_name: 'home' }]] }, `?fbclid=${FBCLID}`);
    const calls = await fbqCalls(visitor.page);
    assert.equal(calls.length, 1);
    const [command, name, data, { eventID }] = calls[0] as [string, string, unknown, { eventID: string }];
    assert.deepEqual([command, name, data], ['track', 'PageView', { content_name: 'home' }]);
    assert.match(eventID, /^[0-9a-f]{32}$/);

    const { _fbp, _fbc } = await cookies(visitor);
    assert.match(_fbp!, /^fb\.0\.\d{13}\.\d{1,10}$/);
    assert.match(_fbc!, new RegExp(`^fb\\.0\\.\\d{13}\\.${FBCLID}$`));
    const lives = (await visitor.context.cookies()).map(({ expires }) => Math.round((expires - Date.now() / 1000) / 86400));
    assert.deepEqual(lives, [90, 90]);

    const held = await shop.arrived(eventID);
    assert.equal(held.event_name, 'PageView');
    assert.deepEqual([held.event.user_data['fbp'], held.event.user_data['fbc']], [_fbp, _fbc]);
    assert.equal(held.event.user_data['client_user_agent'], await visitor.page.evaluate('navigator.userAgent'));
    await visitor.context.close();
});

test('on the next page the cookies are the same, and another click replaces _fbc alone', async () => {
    const visitor = await visit({}, `?fbclid=${FBCLID}`);
    const first = await cookies(visitor);
    await visitor.page.goto(`http://localhost:${site.port}/`);
    await ready(visitor.page);
    assert.deepEqual(await cookies(visitor), first);
    await visitor.page.goto(`http://localhost:${site.port}/?fbclid=Other`);
    await ready(visitor.page);
    const then = await cookies(visitor);
    assert.equal(then['_fbp'], first['_fbp']);
    assert.match(then['_fbc']!, /\.Other$/);
    await visitor.context.close();
});

test('denied consent: no request at all, no cookie, nothing stored, no pixel call', async () => {
    const visitor = await visit(
        { consent: 'denied', pixel: true, calls: [['track', 'PageView'], ['track', 'Lead']] },
        `?fbclid=${FBCLID}`,
    );
    await adrelay(visitor.page, 'track', 'Contact');
    await requestsAreSeen(visitor.page);
    const paths = visitor.requests.map((request) => new URL(request.url()));
    assert.deepEqual(paths.map(({ pathname }) => pathname).filter((path) => path !== '/favicon.ico'), ['/', '/adrelay.js', '/nothing']);
    assert.ok(paths.every(({ host }) => host === `localhost:${site.port}`));
    assert.deepEqual(await cookies(visitor), {});
    assert.deepEqual(await fbqCalls(visitor.page), []);
    assert.equal(await visitor.page.evaluate('localStorage.length'), 0);
    await visitor.context.close();
});

test('unknown consent holds everything until the visitor says yes', async () => {
    const visitor = await visit({ consent: 'unknown', pixel: true, calls: [['track', 'PageView', {}, { event_id: 'held-1' }]] });
    await requestsAreSeen(visitor.page);
    assert.deepEqual([visitor.posts().length, await cookies(visitor), await fbqCalls(visitor.page)], [0, {}, []]);
    await adrelay(visitor.page, 'consent', 'granted');
    assert.equal((await fbqCalls(visitor.page)).length, 1);
    await shop.arrived('held-1');
    await visitor.context.close();
});

test('consent withdrawn empties what was waiting to be sent', async () => {
    const visitor = await visit({});
    await visitor.context.setOffline(true);
    await adrelay(visitor.page, 'track', 'Lead', {}, { event_id: 'withdrawn-1' });
    assert.equal(await outbox(visitor.page), 1);
    await adrelay(visitor.page, 'consent', 'denied');
    assert.equal(await outbox(visitor.page), 0);
    await visitor.context.setOffline(false);
    await requestsAreSeen(visitor.page);
    assert.equal(visitor.posts().length, 0);
    await visitor.context.close();
});

test('what happens offline is delivered once when the browser is online again', async () => {
    const visitor = await visit({ pixel: true });
    await visitor.context.setOffline(true);
    for (const id of ['offline-1', 'offline-2']) await adrelay(visitor.page, 'track', 'Lead', {}, { event_id: id });
    assert.deepEqual([visitor.posts().length, await outbox(visitor.page)], [0, 2]);
    await visitor.context.setOffline(false);
    await emptied(visitor.page);
    assert.equal(visitor.posts().length, 1);
    for (const id of ['offline-1', 'offline-2']) assert.equal((await shop.arrived(id)).copies, 1);
    assert.equal((await fbqCalls(visitor.page)).length, 2);
    await visitor.context.close();
});

test('what a page could not deliver is delivered once from the next', async () => {
    const visitor = await visit({});
    await visitor.context.route(ENDPOINT, (route) => route.abort());
    await adrelay(visitor.page, 'track', 'Lead', {}, { event_id: 'next-page-1' });
    const failed = visitor.posts()[0] ?? (await visitor.context.waitForEvent('request', (one) => one.url() === ENDPOINT));
    await within(30, 'the call failed', async () => failed.failure() ?? undefined);
    // The page hears of it a moment later, and gives the event back.
    await visitor.page.waitForFunction("Object.values(localStorage).some((text) => text.endsWith('\"takenAt\":0}'))");
    await visitor.context.unroute(ENDPOINT);
    await visitor.page.goto(`http://localhost:${site.port}/`);
    await ready(visitor.page);
    await emptied(visitor.page);
    assert.equal((await shop.arrived('next-page-1')).copies, 1);
    assert.equal(visitor.posts().length, 2);
    await visitor.context.close();
});

test('an event arrives although its page has gone before the answer', async () => {
    door = await doorBefore(ENDPOINT);
    const visitor = await visit({ endpoint: door.url });
    await adrelay(visitor.page, 'track', 'Contact', {}, { event_id: 'gone-1' });
    await door.knocked;
    await visitor.page.goto(`http://localhost:${site.port}/adrelay.js`);
    door.open();
    await shop.arrived('gone-1');
    await visitor.context.close();
});

test('without the Meta Pixel the server event goes out all the same', async () => {
    const visitor = await visit({ calls: [['track', 'ViewContent', { content_ids: ['sku-1'] }, { event_id: 'no-pixel-1' }]] });
    assert.equal(await visitor.page.evaluate('typeof fbq'), 'undefined');
    const held = await shop.arrived('no-pixel-1');
    assert.deepEqual(held.event.custom_data, { content_ids: ['sku-1'] });
    await visitor.context.close();
});

test('one id is sent once, however often the page says it', async () => {
    const visitor = await visit({ pixel: true });
    for (let nth = 0; nth < 3; nth++) await adrelay(visitor.page, 'track', 'Lead', {}, { event_id: 'thrice-1' });
    await emptied(visitor.page);
    assert.equal(visitor.posts().length, 1);
    assert.equal((await fbqCalls(visitor.page)).length, 1);
    assert.equal((await shop.arrived('thrice-1')).copies, 1);
    await visitor.context.close();
});

test('cookies are for the whole registered domain, and say how deep that is', async () => {
    site.pages.set('/', { settings: { endpoint: ENDPOINT, consent: 'granted' } });
    for (const [host, domain, index] of [
        ['www.shop.example', '.shop.example', 1],
        ['www.example.co.uk', '.example.co.uk', 2],
        ['127.0.0.1', '127.0.0.1', 0],
    ] as const) {
        const context = await browser.newContext();
        const page = await context.newPage();
        await page.goto(`http://${host}:${site.port}/?fbclid=${FBCLID}`);
        await ready(page);
        const kept = await context.cookies();
        assert.deepEqual(kept.map(({ name }) => name).sort(), ['_fbc', '_fbp'], host);
        for (const cookie of kept) {
            assert.equal(cookie.domain, domain);
            assert.equal(cookie.value.split('.')[1], `${index}`);
        }
        await context.close();
    }
});
