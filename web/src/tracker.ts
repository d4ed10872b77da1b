// What a page's calls come to: the pixel's call and the server's event under one id, once there is consent.

import type { MetaIds } from './cookies';
import type { Delivery } from './delivery';
import { type CustomData, STANDARD_EVENTS } from './event';
import type { Outbox } from './outbox';

/** Calls that wait in memory for consent; beyond it the oldest go. */
export const MAX_HELD = 50;

/** Ids given by the page that are remembered. */
const MAX_SEEN = 500;

/** Characters of a URL; of a longer one the query is left out. */
const MAX_URL = 8000;

export type Consent = 'granted' | 'denied' | 'unknown';

export interface Settings {
    /** Where events are posted, e.g. `https://api.example.com/b/events`, or a relay of your own. */
    endpoint: string;
    /** The source's public key; a relay needs none. */
    key?: string;
    /** What is known at the start; `unknown` unless told. */
    consent?: Consent;
    /** `false`: leave the Meta Pixel alone. */
    pixel?: boolean;
    /** `include` sends and takes cookies across origins, for a relay on a subdomain. */
    credentials?: RequestCredentials;
}

export interface TrackOptions {
    /** Your own id, e.g. an order's, that a server event shares. */
    event_id?: string | number;
}

/** What the tracker needs of a page. */
export interface Page {
    /** Unix milliseconds. */
    now(): number;
    url(): string;
    newId(): string;
    /** Reads the cookies, and writes what is missing. */
    cookies(): MetaIds;
    /** Meta's function, where the page has it. */
    fbq(): ((...args: unknown[]) => void) | undefined;
    warn(message: unknown): void;
}

export interface Tracker {
    init(settings: Settings): void;
    track(name: string, data?: CustomData, options?: TrackOptions): void;
    consent(state: Consent): void;
}

interface Call {
    name: string;
    data: CustomData | undefined;
    id: string;
    at: number;
    url: string;
}

export function newTracker(page: Page, outbox: Outbox, delivery: Delivery): Tracker {
    let settings: Settings | undefined;
    let state: Consent | undefined;
    let held: Call[] = [];
    const seen = new Set<string>();

    const carryOut = ({ name, data, id, at, url }: Call, user_data: MetaIds): void => {
        const event = {
            event_name: name,
            event_id: id,
            action_source: 'website',
            event_source_url: url.length > MAX_URL ? url.split('?')[0]! : url,
            consent: 'granted',
            user_data,
            custom_data: data,
        } as const;
        if (!outbox.put(event, at)) page.warn(name + ' is too large');
        if (settings!.pixel === false) return;
        page.fbq()?.(STANDARD_EVENTS.includes(name) ? 'track' : 'trackCustom', name, data, { eventID: id });
    };

    const proceed = (): void => {
        const granted = !!settings && state === 'granted';
        delivery.allow(granted, settings?.key);
        if (!granted) return;
        const ids = page.cookies();
        for (let call; (call = held.shift()); ) {
            try {
                carryOut(call, ids);
            } catch (error) {
                // What JSON can't hold, or the pixel's trouble: the other calls go on.
                page.warn(error);
            }
        }
        delivery.flush();
    };

    const consent = (now: Consent): void => {
        // A misspelt word must not read as a yes.
        state = now === 'granted' || now === 'denied' ? now : 'unknown';
        if (state === 'denied') {
            held = [];
            seen.clear();
            outbox.clear();
        }
        proceed();
    };

    return {
        consent,
        init(given) {
            if (!given?.endpoint) return page.warn('init needs an endpoint');
            settings = given;
            // What was said by a call of its own counts for more than what was known at the start.
            consent(state ?? given.consent ?? 'unknown');
        },
        track(name, data, options) {
            if (!name) return page.warn('track needs a name');
            if (state === 'denied') return;
            const given = options?.event_id;
            const id = '' + (given ?? page.newId());
            if (given != null) {
                if (seen.has(name + ' ' + id)) return;
                if (seen.size >= MAX_SEEN) seen.clear();
                seen.add(name + ' ' + id);
            }
            held.push({ name, data, id, at: page.now(), url: page.url() });
            if (held.length > MAX_HELD) held.shift();
            proceed();
        },
    };
}
