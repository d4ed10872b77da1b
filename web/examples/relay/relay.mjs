// Takes the page's events on the site's own domain, and posts them to adrelay with an ingest key.

import { createServer } from 'node:http';
import { isIP } from 'node:net';

/** What `POST /b/events` takes too, so that the same snippet serves both. */
const MAX_BYTES = 64 * 1024;
const MAX_EVENTS = 20;
const TIMEOUT_MS = 10_000;
const COOKIE_LIFE_S = 7776000;
const COOKIE = /^fb\.\d+\.\d+\.[^.;\s]+(\.[\w-]{2}([\w-]{6})?)?$/;

/**
 * @typedef {object} Settings
 * @property {string} adrelayUrl adrelay's base URL
 * @property {string} key an ingest key; it never reaches a page
 * @property {string[]} origins the pages that may post
 * @property {string[]} eventNames what pages may say; a Purchase is better told by what books the order
 * @property {string} [cookieDomain] set both cookies for this domain; absent: set none
 * @property {number} proxyHops proxies of your own in front, each of which adds to X-Forwarded-For
 */

/** @typedef {Record<string, any>} Json */

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
    const chunks = [];
    let bytes = 0;
    // Whose body is too large gets an answer nevertheless.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) return undefined;
        chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
}

/**
 * The visitor's address: the connection's, or what the outermost proxy of your own saw.
 * @param {import('node:http').IncomingMessage} request
 * @param {number} hops
 */
function visitorOf(request, hops) {
    const forwarded = String(request.headers['x-forwarded-for'] ?? '').split(',');
    const address = hops > 0 ? forwarded.at(-hops)?.trim() : request.socket.remoteAddress;
    return address && isIP(address) ? address.replace(/^::ffff:/, '') : undefined;
}

/**
 * The page's event as a server may post it. A page can say anything, so only this much of it is believed: no pixel, no
 * test code, no address, and no amounts of money.
 * @param {Json} event
 * @param {Json} visitor
 */
function trusted(event, visitor) {
    const { event_name, event_id, event_time, event_source_url, consent, user_data, custom_data } = event;
    const { value, predicted_ltv, net_revenue, ...rest } = custom_data ?? {};
    const ids = { fbp: user_data?.fbp, fbc: user_data?.fbc };
    return {
        ...{ event_name, event_id, event_time, event_source_url, consent },
        action_source: 'website',
        user_data: { ...ids, ...visitor },
        custom_data: rest,
    };
}

/**
 * Both cookies of the last event, for the whole site. They are readable by scripts, as the snippet and the Pixel need.
 * @param {Json[]} events
 * @param {Settings} settings
 */
function cookiesOf(events, { cookieDomain, origins }) {
    if (!cookieDomain) return [];
    const secure = origins.every((origin) => origin.startsWith('https:')) ? '; Secure' : '';
    const { user_data } = events[events.length - 1] ?? {};
    return Object.entries({ _fbp: user_data?.fbp, _fbc: user_data?.fbc })
        .filter(([, value]) => typeof value === 'string' && COOKIE.test(value))
        .map(
            ([name, value]) =>
                `${name}=${value}; Domain=${cookieDomain}; Path=/; Max-Age=${COOKIE_LIFE_S}; SameSite=Lax${secure}`,
        );
}

/**
 * @param {Json[]} events
 * @param {Settings} settings
 */
async function forward(events, { adrelayUrl, key }) {
    const response = await fetch(`${adrelayUrl}/api/v1/meta/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ events }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, text: await response.text() };
}

/**
 * What is to be answered: a status and a body that the snippet understands. What is 5xx it posts again.
 * @param {import('node:http').IncomingMessage} request
 * @param {Settings} settings
 * @returns {Promise<{status: number, text: string, cookies?: string[]}>}
 */
async function relay(request, settings) {
    /** @type {Json[]} */
    let events;
    try {
        const body = await bodyOf(request);
        if (body === undefined) return { status: 413, text: '{}' };
        events = JSON.parse(body).events;
        if (!Array.isArray(events) || !events.length || events.length > MAX_EVENTS) throw new Error('events');
    } catch {
        return { status: 400, text: '{}' };
    }
    const visitor = {
        client_ip_address: visitorOf(request, settings.proxyHops),
        client_user_agent: request.headers['user-agent'],
    };
    // Results come back in the order of what was posted, so what is not passed on is answered for in its place.
    const passes = events.map((event) => event?.consent === 'granted' && settings.eventNames.includes(event.event_name));
    const passed = events.filter((_, index) => passes[index]);
    if (!passed.length) return { status: 422, text: '{}' };
    try {
        const answer = await forward(passed.map((event) => trusted(event, visitor)), settings);
        const results = JSON.parse(answer.text).results ?? [];
        const inOrder = passes.map((pass) => (pass ? { status: results.shift()?.status } : { status: 'rejected' }));
        // A key that is refused is the relay's trouble, not the page's: the page keeps its events until that is mended.
        const status = [401, 403, 404].includes(answer.status) ? 503 : answer.status;
        return { status, text: JSON.stringify({ results: inOrder }), cookies: cookiesOf(passed, settings) };
    } catch (error) {
        console.error('adrelay did not answer:', error instanceof Error ? error.message : error);
        return { status: 503, text: '{}' };
    }
}

/** @param {Settings} settings */
export function relayServer(settings) {
    return createServer(async (request, response) => {
        const { origin = '' } = request.headers;
        const path = (request.url ?? '').split('?')[0];
        const refusal =
            path !== '/relay/events' ? 404 : request.method !== 'POST' ? 405 : !settings.origins.includes(origin) ? 403 : 0;
        const answer = refusal ? { status: refusal, text: '{}' } : await relay(request, settings);
        response.statusCode = answer.status;
        response.setHeader('content-type', 'application/json');
        if (settings.origins.includes(origin)) {
            // For a relay on a subdomain: with `credentials: 'include'` the page's browser takes its cookies.
            response.setHeader('access-control-allow-origin', origin);
            response.setHeader('access-control-allow-credentials', 'true');
            response.setHeader('vary', 'Origin');
        }
        if ('cookies' in answer && answer.cookies?.length) response.setHeader('set-cookie', answer.cookies);
        // What was too large is not read to its end.
        if (!request.complete) response.setHeader('connection', 'close');
        response.end(answer.text);
    });
}
