// Events on their way to the server. They stand in localStorage from the call until an answer, one entry each, so that
// neither an outage nor the next page loses them and tabs don't overwrite one another's.

import type { PostedEvent } from './event';

const PREFIX = 'adrelay:';

/** Entries of the outbox; beyond it the oldest go. */
export const MAX_ENTRIES = 100;
/** Bytes of all entries: less than the 64 KiB that a request, and all keepalive requests under way, may have. */
export const MAX_BYTES = 48 * 1024;
/** Meta takes events of up to 7 days. */
export const MAX_AGE_MS = 6 * 24 * 3600 * 1000;
/** Events of one request. */
export const MAX_BATCH = 20;
/** How long an entry is left to the page that sends it. A page that went away never says what became of it. */
export const LEASE_MS = 30_000;

/** The part of `Storage` that is used. */
export type Shelf = Pick<Storage, 'length' | 'key' | 'getItem' | 'setItem' | 'removeItem'>;

/** An entry that was taken to be sent. */
export interface Entry {
    key: string;
    event: PostedEvent;
    /** Unix milliseconds of the call that made it. */
    at: number;
}

interface Stored {
    event: PostedEvent;
    /** When (unix milliseconds) somebody last took it to send it; 0 is never. */
    takenAt: number;
}

/** All times are unix milliseconds. */
export interface Outbox {
    /** Puts an event in, at the expense of the oldest. False where it is larger than the whole outbox. */
    put(event: PostedEvent, at: number): boolean;
    /** Up to a request's worth of what nobody is sending, oldest first: the caller's until the lease ends. */
    take(now: number): Entry[];
    /** Gives back what could not be sent; what has been dropped meanwhile stays dropped. */
    release(entries: Entry[]): void;
    drop(entries: Entry[]): void;
    clear(): void;
    isEmpty(): boolean;
}

/** A shelf for browsers that keep nothing. */
export function memoryShelf(): Shelf {
    const items = new Map<string, string>();
    return {
        get length() {
            return items.size;
        },
        key: (index) => [...items.keys()][index] ?? null,
        getItem: (key) => items.get(key) ?? null,
        setItem: (key, text) => void items.set(key, text),
        removeItem: (key) => void items.delete(key),
    };
}

const bytesOf = (text: string): number => new Blob([text]).size;

// A key is the prefix, the time in 13 digits, and what names the event.
const timeOf = (key: string): number => +key.slice(PREFIX.length, PREFIX.length + 13);
const nameOf = (key: string): string => key.slice(PREFIX.length + 13);

export function newOutbox(shelf: Shelf): Outbox {
    const keys = (): string[] =>
        Array.from({ length: shelf.length }, (_, index) => shelf.key(index) ?? '')
            .filter((key) => key.startsWith(PREFIX))
            .sort((a, b) => timeOf(a) - timeOf(b));
    const text = (key: string): string => shelf.getItem(key) ?? '';
    const remove = (key: string): void => shelf.removeItem(key);
    const write = (key: string, event: PostedEvent, takenAt: number): string => {
        const text = JSON.stringify({ event, takenAt } satisfies Stored);
        try {
            shelf.setItem(key, text);
        } catch {
            // The storage is full or switched off; what stands in it waits for another page.
            shelf = memoryShelf();
            shelf.setItem(key, text);
        }
        return text;
    };

    return {
        put(event, at) {
            const name = `:${event.event_name}:${event.event_id}`;
            if (keys().some((key) => nameOf(key) === name)) return true;
            const key = PREFIX + at + name;
            if (bytesOf(write(key, event, 0)) > MAX_BYTES) {
                remove(key);
                return false;
            }
            const all = keys();
            let bytes = all.reduce((sum, key) => sum + bytesOf(text(key)), 0);
            while (all.length > MAX_ENTRIES || bytes > MAX_BYTES) {
                const oldest = all.shift()!;
                bytes -= bytesOf(text(oldest));
                remove(oldest);
            }
            return true;
        },
        take(now) {
            const taken: Entry[] = [];
            for (const key of keys()) {
                const at = timeOf(key);
                try {
                    const { event, takenAt }: Stored = JSON.parse(text(key));
                    // A time far ahead is that of a clock which has been set right since.
                    if (!event || !(Math.abs(now - at) < MAX_AGE_MS)) remove(key);
                    else if (taken.length < MAX_BATCH && Math.abs(now - takenAt) > LEASE_MS) {
                        taken.push({ key, event, at });
                        write(key, event, now);
                    }
                } catch {
                    remove(key);
                }
            }
            return taken;
        },
        release(entries) {
            for (const { key, event } of entries) if (text(key)) write(key, event, 0);
        },
        drop: (entries) => entries.forEach(({ key }) => remove(key)),
        clear: () => keys().forEach(remove),
        isEmpty: () => !keys().length,
    };
}
