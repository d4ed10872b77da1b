import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { PostedEvent } from '../../src/event';
import { memoryShelf, newOutbox, type Outbox } from '../../src/outbox';
import { type Consent, MAX_HELD, newTracker, type Settings, type Tracker } from '../../src/tracker';
import { NOW } from './sample';

class Rig {
    readonly fbq: unknown[][] = [];
    readonly warnings: unknown[] = [];
    readonly allowed: [boolean, (string | undefined)?][] = [];
    hasPixel = true;
    url = 'https://shop.example/landing?fbclid=Abc';
    cookiesMade = 0;
    readonly outbox: Outbox = newOutbox(memoryShelf());
    private ids = 0;
    readonly tracker: Tracker = newTracker(
        {
            now: () => NOW,
            url: () => this.url,
            newId: () => `id-${++this.ids}`,
            cookies: () => {
                this.cookiesMade++;
                return { fbp: 'fb.1.1.2' };
            },
            fbq: () => (this.hasPixel ? (...args) => void this.fbq.push(args) : undefined),
            warn: (message) => void this.warnings.push(message),
        },
        this.outbox,
        { allow: (...args) => void this.allowed.push(args), flush: () => {} },
    );

    init(consent?: Consent, more: Partial<Settings> = {}): this {
        const settings: Settings = { endpoint: 'https://api.example/b/events', key: 'adr_public_x', ...more };
        this.tracker.init(consent ? { ...settings, consent } : settings);
        return this;
    }

    posted(): PostedEvent[] {
        return this.outbox.take(NOW).map(({ event }) => event);
    }
}

test('pixel and server get one id', () => {
    const rig = new Rig().init('granted');
    rig.tracker.track('Lead', { content_name: 'x' });
    assert.deepEqual(rig.fbq, [['track', 'Lead', { content_name: 'x' }, { eventID: 'id-1' }]]);
    assert.deepEqual(rig.posted(), [
        {
            event_name: 'Lead',
            event_id: 'id-1',
            action_source: 'website',
            event_source_url: 'https://shop.example/landing?fbclid=Abc',
            consent: 'granted',
            user_data: { fbp: 'fb.1.1.2' },
            custom_data: { content_name: 'x' },
        },
    ]);
});

test('an id of the page is used for both, also a number', () => {
    const rig = new Rig().init('granted');
    rig.tracker.track('Purchase', { value: 1, currency: 'EUR' }, { event_id: 1001 });
    assert.deepEqual(rig.fbq[0]![3], { eventID: '1001' });
    assert.equal(rig.posted()[0]!.event_id, '1001');
});

test('a custom event is one for the pixel too', () => {
    const rig = new Rig().init('granted');
    rig.tracker.track('WidgetView');
    assert.deepEqual(rig.fbq[0]!.slice(0, 2), ['trackCustom', 'WidgetView']);
});

test('the server event goes out without a pixel, with one that throws, and with one to be left alone', () => {
    const none = new Rig().init('granted');
    none.hasPixel = false;
    none.tracker.track('Lead');
    assert.equal(none.posted().length, 1);

    const throws = new Rig().init('granted');
    throws.fbq.push = () => {
        throw new Error('pixel');
    };
    throws.tracker.track('Lead');
    assert.equal(throws.posted().length, 1);
    assert.equal(throws.warnings.length, 1);

    const alone = new Rig().init('granted', { pixel: false });
    alone.tracker.track('Lead');
    assert.deepEqual(alone.fbq, []);
    assert.equal(alone.posted().length, 1);
});

test('one id of one name is tracked once', () => {
    const rig = new Rig().init('granted');
    for (const name of ['Lead', 'Lead', 'Subscribe']) rig.tracker.track(name, {}, { event_id: 'order-1' });
    assert.deepEqual(rig.fbq.map(([, name]) => name), ['Lead', 'Subscribe']);
    assert.equal(rig.posted().length, 2);
});

test('unknown consent holds everything in memory, and consent releases it with its own page', () => {
    const rig = new Rig().init();
    rig.tracker.track('PageView');
    rig.url = 'https://shop.example/next';
    rig.tracker.track('ViewContent');
    assert.deepEqual([rig.fbq, rig.cookiesMade, rig.outbox.isEmpty()], [[], 0, true]);
    assert.deepEqual(rig.allowed.at(-1), [false, 'adr_public_x']);
    rig.tracker.consent('granted');
    assert.deepEqual(rig.allowed.at(-1), [true, 'adr_public_x']);
    assert.equal(rig.fbq.length, 2);
    assert.deepEqual(
        rig.posted().map(({ event_source_url }) => event_source_url),
        ['https://shop.example/landing?fbclid=Abc', 'https://shop.example/next'],
    );
});

test('calls held are bounded; the oldest go', () => {
    const rig = new Rig().init('unknown');
    for (let nth = 0; nth < MAX_HELD + 2; nth++) rig.tracker.track('Lead', {}, { event_id: `e${nth}` });
    rig.tracker.consent('granted');
    assert.equal(rig.fbq.length, MAX_HELD);
    assert.deepEqual(rig.fbq[0]![3], { eventID: 'e2' });
});

test('denied consent sends nothing, sets no cookie and empties the outbox', () => {
    const rig = new Rig().init('granted');
    rig.tracker.track('Lead');
    const cookiesMade = rig.cookiesMade;
    rig.tracker.consent('denied');
    assert.ok(rig.outbox.isEmpty());
    rig.tracker.track('Lead');
    assert.deepEqual([rig.fbq.length, rig.cookiesMade, rig.outbox.isEmpty()], [1, cookiesMade, true]);
    assert.deepEqual(rig.allowed.at(-1), [false, 'adr_public_x']);
});

test('what was denied is not sent after a change of mind, what comes then is', () => {
    const rig = new Rig().init('unknown');
    rig.tracker.track('Lead', {}, { event_id: 'a' });
    rig.tracker.consent('denied');
    rig.tracker.consent('granted');
    assert.deepEqual(rig.fbq, []);
    rig.tracker.track('Lead', {}, { event_id: 'a' });
    assert.equal(rig.posted().length, 1);
});

test('a word that is none is no consent', () => {
    const rig = new Rig().init('grant' as Consent);
    rig.tracker.track('Lead');
    assert.deepEqual([rig.fbq, rig.cookiesMade], [[], 0]);
});

test('what was said before init counts for more than what init knows', () => {
    const granted = new Rig();
    granted.tracker.track('Lead');
    granted.tracker.consent('granted');
    assert.equal(granted.cookiesMade, 0);
    granted.init('unknown');
    assert.equal(granted.posted().length, 1);

    const denied = new Rig();
    denied.tracker.consent('denied');
    denied.init('granted');
    denied.tracker.track('Lead');
    assert.deepEqual(denied.fbq, []);
});

test('cookies are kept from the first page on, event or not', () => {
    assert.equal(new Rig().init('granted').cookiesMade, 1);
});

test('a wrong call is told, and does nothing', () => {
    const rig = new Rig();
    rig.tracker.init({} as Settings);
    rig.tracker.track('');
    assert.equal(rig.warnings.length, 2);
    const round: Record<string, unknown> = {};
    round['self'] = round;
    rig.init('granted');
    rig.tracker.track('Lead', round);
    rig.tracker.track('Contact');
    assert.equal(rig.warnings.length, 3);
    assert.deepEqual(rig.posted().map(({ event_name }) => event_name), ['Contact']);
});

test('of a URL longer than the server takes the query is left out', () => {
    const rig = new Rig().init('granted');
    rig.url = `https://shop.example/p?x=${'y'.repeat(9000)}`;
    rig.tracker.track('Lead');
    assert.equal(rig.posted()[0]!.event_source_url, 'https://shop.example/p');
});
