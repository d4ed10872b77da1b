// The local stack, as the commands of `stack run` see it: adrelay by its HTTP API, Meta by the simulator's.

import assert from 'node:assert/strict';

type Json = Record<string, any>;

/** An event as Meta holds it. */
export interface Held {
    event_name: string;
    event_id: string;
    /** How often it came. */
    copies: number;
    event: { event_time: number; user_data: Json; custom_data?: Json; event_source_url?: string };
}

export interface Shop {
    pixel: string;
    publicKey: string;
    ingestKey: string;
    /** What Meta holds of the pixel. */
    held(): Promise<Held[]>;
    /** Waits until Meta holds this event. */
    arrived(eventId: string): Promise<Held>;
}

function variable(name: string): string {
    const value = process.env[name];
    assert.ok(value, `${name} is missing: run this through \`make test-web\``);
    return value;
}

export const adrelayUrl = variable('ADRELAY_URL');

async function call(url: string, body?: Json): Promise<Json> {
    const headers = { authorization: `Bearer ${variable('ADRELAY_ADMIN_KEY')}`, 'content-type': 'application/json' };
    const response = await fetch(url, body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers });
    const text = await response.text();
    assert.ok(response.ok, `${url}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
}

/** Polls until there is a value, for at most `limit_s` seconds. */
export async function within<T>(limit_s: number, what: string, look: () => Promise<T | undefined>): Promise<T> {
    const end = Date.now() + limit_s * 1000;
    for (;;) {
        const value = await look();
        if (value !== undefined) return value;
        assert.ok(Date.now() < end, `not within ${limit_s} s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
}

/** Opens a shop whose pages are at `origins`: tenant, connection, pixel, source, keys. */
export async function openShop(origins: string[]): Promise<Shop> {
    const sim = variable('GRAPH_SIM_URL');
    const api = (path: string, body: Json): Promise<Json> => call(`${adrelayUrl}/api/v1/${path}`, body);
    const name = `${Date.now()}${process.pid}`;
    const [pixel, token] = [`8${name}`.slice(0, 18), `EAAB${name}web`];
    await call(`${sim}/_sim/tokens`, { token, pixels: [pixel], scopes: ['ads_management'] });
    const { id: tenant_id } = await api('tenants', { name: `Web ${name}` });
    const connection = await api('connections', { tenant_id, kind: 'system_user', access_token: token });
    await api('pixels', { tenant_id, pixel_id: pixel, connection_id: connection['id'], enabled: true });
    const source = { tenant_id, id: 'web', name: 'Web', pixel_ids: [pixel], allowed_origins: origins };
    await api('sources', { ...source, consent_policy: 'require' });
    const key = async (scope: string): Promise<string> =>
        (await api('keys', { tenant_id, source_id: 'web', scope, name: 'test' }))['key'];
    const held = async (): Promise<Held[]> => (await call(`${sim}/_sim/events?pixel_id=${pixel}`))['events'];
    return {
        pixel,
        publicKey: await key('public'),
        ingestKey: await key('ingest'),
        held,
        arrived: (eventId) =>
            within(120, `Meta holds ${eventId}`, async () => (await held()).find((one) => one.event_id === eventId)),
    };
}
