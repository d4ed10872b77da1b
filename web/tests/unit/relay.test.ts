import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';

import { relayServer, type Settings } from '../../examples/relay/relay.mjs';

const ORIGIN = 'https://www.shop.example';
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64)';
const FBP = 'fb.1.1596403881668.1098115397';
const FBC = 'fb.1.1554763741205.AbCdEf';

const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

async function listen(server: Server): Promise<string> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Received {
    url: string | undefined;
    headers: IncomingHttpHeaders;
    events: Record<string, any>[];
}

/** A relay in front of an adrelay that answers as told. */
async function rig(more: Partial<Settings> = {}, answer = { status: 202, body: '' }) {
    const received: Received[] = [];
    const adrelayUrl = await listen(
        createServer(async (request, response) => {
            let body = '';
            for await (const chunk of request) body += chunk;
            const { events } = JSON.parse(body);
            received.push({ url: request.url, headers: request.headers, events });
            const results = events.map(({ event_id }: { event_id: string }) => ({ event_id, status: 'queued' }));
            response.statusCode = answer.status;
            response.end(answer.body || JSON.stringify({ results }));
        }),
    );
    const url = await listen(
        relayServer({
            adrelayUrl,
            key: 'adr_ingest_x',
            origins: [ORIGIN],
            eventNames: ['Lead', 'PageView'],
            proxyHops: 1,
            ...more,
        }),
    );
    const post = (events: unknown, headers: Record<string, string> = {}): Promise<Response> =>
        fetch(`${url}/relay/events`, {
            method: 'POST',
            headers: { origin: ORIGIN, 'user-agent': AGENT, 'x-forwarded-for': '198.51.100.1, 203.0.113.9', ...headers },
            body: typeof events === 'string' ? events : JSON.stringify({ events }),
        });
    return { received, post, url };
}

const lead = (more: object = {}): object => ({
    event_name: 'Lead',
    event_id: 'id-1',
    event_source_url: `${ORIGIN}/`,
    consent: 'granted',
    user_data: { fbp: FBP, fbc: FBC },
    custom_data: { content_name: 'offer' },
    ...more,
});

test('an event is passed on under its id, with the visitor’s address and agent, by the ingest key', async () => {
    const { received, post } = await rig();
    const answer = await post([lead({ event_time: 1795219200 })]);
    assert.equal(answer.status, 202);
    assert.deepEqual(await answer.json(), { results: [{ status: 'queued' }] });
    const [{ url, headers, events }] = received as [Received];
    assert.equal(url, '/api/v1/meta/events');
    assert.equal(headers.authorization, 'Bearer adr_ingest_x');
    assert.deepEqual(events, [
        {
            event_name: 'Lead',
            event_id: 'id-1',
            event_time: 1795219200,
            event_source_url: `${ORIGIN}/`,
            consent: 'granted',
            action_source: 'website',
            user_data: { fbp: FBP, fbc: FBC, client_ip_address: '203.0.113.9', client_user_agent: AGENT },
            custom_data: { content_name: 'offer' },
        },
    ]);
});

test('without proxies of its own a forwarded address is not believed', async () => {
    const { received, post } = await rig({ proxyHops: 0 });
    await post([lead()]);
    assert.equal(received[0]!.events[0]!['user_data'].client_ip_address, '127.0.0.1');
});

test('what a page must not say is left out', async () => {
    const { received, post } = await rig();
    const user_data = { client_ip_address: '192.0.2.1', lead_id: '123456789012345', email: 'bob@example.com' };
    await post([lead({ pixel_id: '1', test_event_code: 'T', user_data, custom_data: { value: 9, currency: 'EUR' } })]);
    const [event] = received[0]!.events;
    assert.deepEqual(event!['user_data'], { client_ip_address: '203.0.113.9', client_user_agent: AGENT });
    assert.deepEqual(event!['custom_data'], { currency: 'EUR' });
    assert.ok(!('pixel_id' in event!) && !('test_event_code' in event!));
});

test('results stand in the order of the events, also where some were not passed on', async () => {
    const { received, post } = await rig();
    const denied = lead({ event_id: 'b', consent: 'denied' });
    const answer = await post([lead({ event_name: 'Purchase' }), lead({ event_id: 'a' }), denied, null]);
    const { results } = (await answer.json()) as { results: { status: string }[] };
    assert.deepEqual(results.map(({ status }) => status), ['rejected', 'queued', 'rejected', 'rejected']);
    assert.deepEqual(received[0]!.events.map(({ event_id }) => event_id), ['a']);
    assert.equal((await post([denied])).status, 422);
    assert.equal(received.length, 1);
});

test('both cookies are set for the site where it wants that, and only where they are in order', async () => {
    const { post } = await rig({ cookieDomain: 'shop.example' });
    const set = (await post([lead()])).headers.get('set-cookie')!;
    const rest = 'Domain=shop.example; Path=/; Max-Age=7776000; SameSite=Lax; Secure';
    assert.equal(set, `_fbp=${FBP}; ${rest}, _fbc=${FBC}; ${rest}`);
    const forged = await post([lead({ user_data: { fbp: 'fb.1.2.x; Domain=evil.example', fbc: 7 } })]);
    assert.equal(forged.headers.get('set-cookie'), null);
    const { post: plain } = await rig();
    assert.equal((await plain([lead()])).headers.get('set-cookie'), null);
});

test('other origins, other paths and other methods are refused', async () => {
    const { received, post, url } = await rig();
    for (const origin of ['https://evil.example', 'null']) {
        const answer = await post([lead()], { origin });
        assert.equal(answer.status, 403);
        assert.equal(answer.headers.get('access-control-allow-origin'), null);
    }
    assert.equal((await fetch(`${url}/relay/events`)).status, 405);
    assert.equal((await fetch(`${url}/other`, { method: 'POST' })).status, 404);
    assert.equal(received.length, 0);
});

test('bodies that are no events, too many or too large are refused', async () => {
    const { received, post } = await rig();
    for (const bad of ['', '{', 'null', '{"events":{}}', [], Array.from({ length: 21 }, () => lead())]) {
        assert.equal((await post(bad)).status, 400, JSON.stringify(bad));
    }
    assert.equal((await post('x'.repeat(65 * 1024))).status, 413);
    assert.equal(received.length, 0);
});

test('while adrelay does not answer, or refuses the key, the page is asked to keep its events', async () => {
    const { post: gone } = await rig({ adrelayUrl: 'http://127.0.0.1:1' });
    assert.equal((await gone([lead()])).status, 503);
    for (const [status, expected] of [[401, 503], [403, 503], [503, 503], [429, 429], [422, 422]] as const) {
        const { post } = await rig({}, { status, body: '{}' });
        assert.equal((await post([lead()])).status, expected, `${status}`);
    }
});
