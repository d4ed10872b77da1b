import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
    LEASE_MS,
    MAX_AGE_MS,
    MAX_BATCH,
    MAX_BYTES,
    MAX_ENTRIES,
    memoryShelf,
    newOutbox,
    type Outbox,
    type Shelf,
} from '../../src/outbox';
import { event, NOW } from './sample';

const idsOf = (outbox: Outbox, now: number): string[] => outbox.take(now).map(({ event }) => event.event_id);

function everything(outbox: Outbox, now: number): string[] {
    const ids: string[] = [];
    for (let batch = idsOf(outbox, now); batch.length; batch = idsOf(outbox, now)) ids.push(...batch);
    return ids;
}

test('events come out oldest first, a request at a time', () => {
    const outbox = newOutbox(memoryShelf());
    for (let nth = MAX_BATCH + 4; nth >= 0; nth--) outbox.put(event(`e${nth}`), NOW + nth);
    const first = idsOf(outbox, NOW);
    assert.equal(first.length, MAX_BATCH);
    assert.deepEqual(first.slice(0, 3), ['e0', 'e1', 'e2']);
    assert.equal(idsOf(outbox, NOW).length, 5);
});

test('two pages do not send one event at once, and one that went away gives it up', () => {
    const shelf = memoryShelf();
    const [one, other] = [newOutbox(shelf), newOutbox(shelf)];
    one.put(event('a'), NOW);
    assert.deepEqual(idsOf(one, NOW), ['a']);
    assert.deepEqual(idsOf(other, NOW + LEASE_MS), []);
    assert.deepEqual(idsOf(other, NOW + LEASE_MS + 1), ['a']);
});

test('what is given back is sent again at once, what was dropped meanwhile is not', () => {
    const outbox = newOutbox(memoryShelf());
    outbox.put(event('a'), NOW);
    const taken = outbox.take(NOW);
    outbox.release(taken);
    assert.deepEqual(idsOf(outbox, NOW), ['a']);
    outbox.clear();
    outbox.release(taken);
    assert.ok(outbox.isEmpty());
});

test('an event that waits already is not put in twice, one of another name is', () => {
    const outbox = newOutbox(memoryShelf());
    outbox.put(event('order-1'), NOW);
    outbox.put(event('order-1'), NOW + 5);
    outbox.put(event('order-1', { event_name: 'Subscribe' }), NOW + 5);
    assert.deepEqual(
        outbox.take(NOW + 9).map(({ event }) => event.event_name),
        ['Lead', 'Subscribe'],
    );
});

test('beyond the count the oldest go', () => {
    const outbox = newOutbox(memoryShelf());
    for (let nth = 0; nth < MAX_ENTRIES + 3; nth++) outbox.put(event(`e${nth}`), NOW + nth);
    const left = everything(outbox, NOW);
    assert.equal(left.length, MAX_ENTRIES);
    assert.equal(left[0], 'e3');
});

test('beyond the bytes the oldest go, and what is too large alone is refused without harm', () => {
    const outbox = newOutbox(memoryShelf());
    // Three bytes each in UTF-8, one character each in a string.
    const large = (share: number): { note: string } => ({ note: '€'.repeat((MAX_BYTES * share) / 3) });
    for (const id of ['a', 'b', 'c']) assert.ok(outbox.put(event(id, { custom_data: large(0.4) }), NOW));
    assert.ok(!outbox.put(event('huge', { custom_data: large(1) }), NOW + 1));
    assert.deepEqual(everything(outbox, NOW), ['b', 'c']);
});

test('what Meta would not take any more is dropped, also where the clock was wrong', () => {
    for (const now of [NOW + MAX_AGE_MS, NOW - MAX_AGE_MS]) {
        const outbox = newOutbox(memoryShelf());
        outbox.put(event('a'), NOW);
        assert.deepEqual(idsOf(outbox, now), []);
        assert.ok(outbox.isEmpty());
    }
});

test('what others keep in the storage stays, and what is unreadable of ours goes', () => {
    const shelf = memoryShelf();
    shelf.setItem('cart', '{}');
    const outbox = newOutbox(shelf);
    outbox.put(event('a'), NOW);
    shelf.setItem(`adrelay:${NOW}:Lead:b`, '{"event"');
    shelf.setItem('adrelay:x', 'null');
    assert.deepEqual(idsOf(outbox, NOW), ['a']);
    outbox.clear();
    assert.equal(shelf.length, 1);
    assert.equal(shelf.getItem('cart'), '{}');
});

test('a storage that takes nothing is replaced by memory', () => {
    const shelf: Shelf = memoryShelf();
    shelf.setItem = () => {
        throw new Error('QuotaExceededError');
    };
    const outbox = newOutbox(shelf);
    assert.ok(outbox.put(event('a'), NOW));
    assert.deepEqual(idsOf(outbox, NOW), ['a']);
});
