import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Answer, type Delivery, FIRST_DELAY_MS, FRESH_MS, LAST_DELAY_MS, newDelivery } from '../../src/delivery';
import type { PostedEvent } from '../../src/event';
import { LEASE_MS, memoryShelf, newOutbox, type Outbox } from '../../src/outbox';
import { event, NOW } from './sample';

/** A line on which the test answers, and a clock that it moves. */
class Rig {
    now = NOW;
    online = true;
    readonly bodies: { key?: string; events: PostedEvent[] }[] = [];
    readonly delays: number[] = [];
    answers: (Answer | Error)[] = [];
    readonly outbox: Outbox = newOutbox(memoryShelf());
    readonly delivery: Delivery = newDelivery(this.outbox, {
        now: () => this.now,
        isOnline: () => this.online,
        post: async (body) => {
            this.bodies.push(JSON.parse(body));
            const answer = this.answers.shift() ?? { status: 202, results: [] };
            if (answer instanceof Error) throw answer;
            return answer;
        },
        later: (callback, delayMs) => {
            this.delays.push(delayMs);
            this.timers.push(callback);
        },
    });
    private readonly timers: (() => void)[] = [];

    constructor() {
        this.delivery.allow(true, 'adr_public_x');
    }

    put(...ids: string[]): void {
        for (const id of ids) this.outbox.put(event(id), this.now);
    }

    async flush(): Promise<void> {
        this.delivery.flush();
        await settled();
    }

    async timer(): Promise<void> {
        this.timers.shift()!();
        await settled();
    }

    sent(): string[][] {
        return this.bodies.map(({ events }) => events.map(({ event_id }) => event_id));
    }
}

/** Lets promises that are resolved come to their end. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what the server has answered for is not sent again', async () => {
    for (const status of [200, 202, 400, 413, 422]) {
        const rig = new Rig();
        rig.answers = [{ status, results: [] }];
        rig.put('a');
        await rig.flush();
        assert.ok(rig.outbox.isEmpty(), `${status}`);
        assert.deepEqual(rig.delays, []);
    }
});

test('what may still come to an end is kept and tried later', async () => {
    for (const answer of [401, 403, 404, 429, 500, 503, new Error('no answer')]) {
        const rig = new Rig();
        rig.answers = [typeof answer === 'number' ? { status: answer, results: [] } : answer];
        rig.put('a');
        await rig.flush();
        assert.ok(!rig.outbox.isEmpty(), `${answer}`);
        await rig.timer();
        assert.deepEqual(rig.sent(), [['a'], ['a']], `${answer}`);
        assert.ok(rig.outbox.isEmpty());
    }
});

test('the body has the public key and the events', async () => {
    const rig = new Rig();
    rig.put('a');
    await rig.flush();
    assert.deepEqual(rig.bodies, [{ key: 'adr_public_x', events: [event('a')] }]);
});

test('of a batch only what the queue did not take is sent again', async () => {
    const rig = new Rig();
    rig.answers = [{ status: 202, results: ['queued', 'unavailable', 'rejected'] }];
    rig.put('a', 'b', 'c');
    await rig.flush();
    await rig.timer();
    assert.deepEqual(rig.sent(), [['a', 'b', 'c'], ['b']]);
});

test('more than a request takes goes out in several', async () => {
    const rig = new Rig();
    rig.put(...Array.from({ length: 45 }, (_, nth) => `e${nth}`));
    await rig.flush();
    assert.deepEqual(rig.sent().map(({ length }) => length), [20, 20, 5]);
});

test('the waiting time doubles up to its limit and starts anew after a success', async () => {
    const rig = new Rig();
    rig.answers = Array.from({ length: 9 }, () => new Error('no answer'));
    rig.put('a');
    await rig.flush();
    for (let nth = 0; nth < 9; nth++) await rig.timer();
    assert.equal(rig.delays[0], FIRST_DELAY_MS);
    assert.equal(rig.delays[1], 2 * FIRST_DELAY_MS);
    assert.equal(rig.delays[8], LAST_DELAY_MS);
    rig.answers = [new Error('no answer')];
    rig.put('b');
    await rig.flush();
    assert.equal(rig.delays[9], FIRST_DELAY_MS);
});

test('one timer waits, however many calls fail', async () => {
    const rig = new Rig();
    rig.answers = [new Error('no answer'), new Error('no answer')];
    rig.put('a');
    await rig.flush();
    rig.put('b');
    await rig.flush();
    assert.equal(rig.delays.length, 1);
});

test('nothing is posted while the browser is offline', async () => {
    const rig = new Rig();
    rig.online = false;
    rig.put('a');
    await rig.flush();
    assert.deepEqual(rig.bodies, []);
    rig.online = true;
    await rig.flush();
    assert.deepEqual(rig.sent(), [['a']]);
});

test('nothing is posted without permission', async () => {
    const rig = new Rig();
    rig.delivery.allow(false);
    rig.put('a');
    await rig.flush();
    assert.deepEqual([rig.bodies, rig.delays], [[], []]);
});

test('a fresh event carries no time, one that waited carries its own in whole seconds', async () => {
    const rig = new Rig();
    rig.put('old');
    rig.now = NOW + FRESH_MS + 500;
    rig.put('new');
    await rig.flush();
    const [old, fresh] = rig.bodies[0]!.events;
    assert.equal(old!.event_time, Math.floor(NOW / 1000));
    assert.ok(!('event_time' in fresh!));
});

test('the body is posted before the call returns, for the page may go away', () => {
    const rig = new Rig();
    rig.put('a');
    rig.delivery.flush();
    assert.deepEqual(rig.sent(), [['a']]);
});

test('what a page that went away was sending is sent when its lease has ended', async () => {
    const rig = new Rig();
    rig.put('a');
    rig.outbox.take(NOW);
    await rig.flush();
    assert.deepEqual(rig.bodies, []);
    rig.now += LEASE_MS + 1;
    await rig.timer();
    assert.deepEqual(rig.sent(), [['a']]);
});
