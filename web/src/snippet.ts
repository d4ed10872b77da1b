// What pages load: it takes the place of the queue that the page's first lines made, and carries out what stands in it.

import { clickId, keepCookies } from './cookies';
import { type Answer, newDelivery } from './delivery';
import type { CustomData } from './event';
import { newEventId, random31 } from './event_id';
import { memoryShelf, newOutbox, type Shelf } from './outbox';
import { type Consent, newTracker, type Settings, type TrackOptions } from './tracker';

type Command =
    | ['init', Settings]
    | ['track', string, CustomData?, TrackOptions?]
    | ['consent', Consent];

interface Adrelay {
    (...command: Command): void;
    /** Calls made before this file was loaded. */
    q?: ArrayLike<unknown>[];
    loaded?: boolean;
}

declare global {
    interface Window {
        adrelay?: Adrelay;
        fbq?: (...args: unknown[]) => void;
    }
}

function start(): void {
    const warn = (message: unknown): void => console.warn('adrelay:', message);
    const now = (): number => Date.now();
    // An app may change the URL before there is consent to keep what stands in it.
    const fbclid = clickId(location.search, document.referrer);
    let settings: Settings | undefined;

    let shelf: Shelf;
    try {
        shelf = localStorage;
    } catch {
        shelf = memoryShelf();
    }

    const post = async (body: string): Promise<Answer> => {
        const { endpoint, credentials = 'same-origin' } = settings!;
        if (!('keepalive' in Request.prototype)) {
            // Its answer is never told; a browser that takes it for sending is believed.
            return { status: navigator.sendBeacon(endpoint, body) ? 202 : 0, results: [] };
        }
        // A body of text needs no preflight.
        const response = await fetch(endpoint, { method: 'POST', body, credentials, keepalive: true });
        const answer = await response.json().catch(() => ({}));
        const results: { status: string; errors?: unknown }[] = answer.results ?? [];
        for (const result of results) if (result.errors) warn(result);
        return { status: response.status, results: results.map(({ status }) => status) };
    };

    const outbox = newOutbox(shelf);
    const delivery = newDelivery(outbox, {
        now,
        post,
        isOnline: () => navigator.onLine,
        later: (callback, delayMs) => void setTimeout(callback, delayMs),
    });
    const tracker = newTracker(
        {
            now,
            warn,
            url: () => location.href,
            newId: newEventId,
            fbq: () => window.fbq,
            cookies: () =>
                keepCookies({
                    jar: { read: () => document.cookie, write: (cookie) => void (document.cookie = cookie) },
                    host: location.hostname,
                    secure: location.protocol === 'https:',
                    now: now(),
                    random: random31(),
                    fbclid,
                }),
        },
        outbox,
        delivery,
    );

    const adrelay: Adrelay = (...[command, ...args]) => {
        // Whatever goes wrong here, the page's own work goes on.
        try {
            if (command === 'init') tracker.init((settings = args[0] as Settings));
            else if (command === 'track') tracker.track(...(args as [string, CustomData?, TrackOptions?]));
            else if (command === 'consent') tracker.consent(args[0] as Consent);
            else warn(command);
        } catch (error) {
            warn(error);
        }
    };
    adrelay.loaded = true;
    const early = window.adrelay?.q ?? [];
    window.adrelay = adrelay;
    addEventListener('online', () => delivery.flush());
    for (const call of early) adrelay(...(Array.from(call) as Command));
}

if (!window.adrelay?.loaded) start();
