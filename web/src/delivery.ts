// From the outbox to the server, until it has answered.

import type { Entry, Outbox } from './outbox';

/** Waiting time after a failure in milliseconds; it doubles up to the second. */
export const FIRST_DELAY_MS = 5_000;
export const LAST_DELAY_MS = 300_000;

/** An event younger than this is posted without a time: the server's clock is right, a visitor's may not be. */
export const FRESH_MS = 60_000;

/** What the server answered. */
export interface Answer {
    status: number;
    /** Each event's `status`, in order; empty where the answer names none. */
    results: string[];
}

/** What delivery needs of a page. */
export interface Line {
    now(): number;
    /** Certainly offline is false; true promises nothing. */
    isOnline(): boolean;
    /** Posts a body. Rejects where no answer comes, or none that the page may read. */
    post(body: string): Promise<Answer>;
    /** Calls back in so many milliseconds. */
    later(callback: () => void, delayMs: number): void;
}

export interface Delivery {
    /** Lets events go, under this public key (a relay takes none), or holds them back. */
    allow(yes: boolean, key?: string): void;
    /** Sends what nobody is sending. It posts before it returns, so that the page may go away at once. */
    flush(): void;
}

export function newDelivery(outbox: Outbox, line: Line): Delivery {
    let allowed = false;
    let key: string | undefined;
    let delayMs = FIRST_DELAY_MS;
    let waiting = false;

    const flush = (): void => {
        if (!allowed || !line.isOnline()) return;
        const now = line.now();
        const entries = outbox.take(now);
        if (!entries.length) return tryLater();
        const events = entries.map(({ event, at }) =>
            now - at < FRESH_MS ? event : { ...event, event_time: Math.floor(at / 1000) },
        );
        line.post(JSON.stringify({ key, events })).then(
            (answer) => settle(entries, answer),
            () => settle(entries),
        );
    };

    const settle = (entries: Entry[], answer?: Answer): void => {
        // These answers are final. Others may come to an end: a full queue, a key or an origin that gets mended.
        const final = answer && /^(2..|400|413|422)$/.test('' + answer.status);
        const isUnsent = (_: Entry, index: number): boolean => !final || answer.results[index] === 'unavailable';
        const unsent = entries.filter(isUnsent);
        outbox.release(unsent);
        outbox.drop(entries.filter((entry) => !unsent.includes(entry)));
        if (unsent.length) return tryLater();
        delayMs = FIRST_DELAY_MS;
        flush();
    };

    const tryLater = (): void => {
        if (waiting || outbox.isEmpty()) return;
        waiting = true;
        line.later(() => {
            waiting = false;
            flush();
        }, delayMs);
        delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
    };

    return {
        flush,
        allow(yes, publicKey) {
            allowed = yes;
            key = publicKey;
        },
    };
}
