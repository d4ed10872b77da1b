//! Several dispatchers at once over one store, queue and ledger, in orders that seeds decide.

use std::collections::{BTreeMap, BTreeSet};

use adrelay_core::config::Scope;
use adrelay_core::ids::PixelId;
use adrelay_core::message::EventMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, Rig, ScriptedMeta, SeededEntropy, Task, side_by_side};

use crate::dispatch::world::{HOUR_MS, MINUTE_MS, most_within, other_pixel, refs, refuse, statuses};

/// What a run is made of.
struct Run {
    seed: u64,
    dispatchers: usize,
    events: usize,
    /// Events of a message, at most.
    message_max: u64,
    /// How long Meta takes for a call, and a store of ours.
    meta_ms: u64,
    store_ms: u64,
}

/// Dispatchers at work on two pixels' events, until all is done with or an hour has passed.
fn run(run: &Run, script: impl crate::dispatch::world::Decides) -> (Rig<ScriptedMeta>, PixelId, Vec<String>) {
    let first = Rig::scripted(run.seed);
    let other = other_pixel(&first);
    let clock = first.ports().clock.clone();
    first.ports().meta.script(script);
    first.ports().meta.faults().take_ms("send", On::Each, &clock, run.meta_ms);
    for store in [first.ports().events.faults(), first.ports().config.faults(), first.ports().queue.faults()]
    {
        store.take_ms(fakes::ANY, On::Each, &clock, run.store_ms);
    }
    let chance = SeededEntropy::new(run.seed);
    let ids: Vec<String> = (0..run.events).map(|nth| format!("e{nth}")).collect();
    let mut rest = &ids[..];
    while !rest.is_empty() {
        let events = usize::try_from(1 + chance.next_u64() % run.message_max).unwrap().min(rest.len());
        let (part, left) = rest.split_at(events);
        rest = left;
        let message = first.message(&refs(part), Scope::Ingest);
        let pixel_id =
            if chance.next_u64().is_multiple_of(3) { other.clone() } else { message.pixel_id.clone() };
        first.push(EventMessage { pixel_id, ..message });
    }
    let mut rigs = vec![first];
    for _ in 1..run.dispatchers {
        rigs.push(rigs[0].another_dispatcher());
    }
    let until = NOON.plus_ms(HOUR_MS);
    let tasks = rigs.iter().map(|rig| Box::pin(rig.work(10, until)) as Task<'_>).collect();
    side_by_side(&clock, run.seed, tasks);
    (rigs.remove(0), other, ids)
}

fn assert_each_once(rig: &Rig<ScriptedMeta>, good: &[String], seed: u64) {
    let taken = rig.ports().meta.taken();
    let once: BTreeSet<&String> = taken.iter().collect();
    assert_eq!(once, good.iter().collect(), "seed {seed}: each event arrives");
    assert_eq!(taken.len(), once.len(), "seed {seed}: and none twice");
    assert!(rig.ports().queue.bodies().is_empty() && rig.ports().queue.dead().is_empty(), "seed {seed}");
    let receipts = rig.ports().events.receipts();
    assert!(receipts.values().all(|receipt| receipt.copies == 1), "seed {seed}: each is counted once");
}

/// A window is a second and a quarter from booking to booking. A request may start 150 ms late, and between its turn and
/// the call the pixel is read again.
fn assert_pace(rig: &Rig<ScriptedMeta>, other: &PixelId, seed: u64) {
    for pixel in [&rig.pixel, other] {
        let most = most_within(rig, pixel, 1_000);
        assert!(most <= 1_000, "seed {seed}: {most} events within a second");
    }
}

#[test]
fn a_flood_arrives_once_and_at_a_thousand_a_second() {
    for seed in 0..8 {
        let shape = Run {
            seed,
            dispatchers: 2 + (seed % 3) as usize,
            events: 8_000,
            message_max: 300,
            meta_ms: 300,
            store_ms: 10,
        };
        let (rig, other, ids) = run(&shape, |_, _, _| Ok(()));
        assert_each_once(&rig, &ids, seed);
        assert_pace(&rig, &other, seed);
        let seconds = rig.ports().clock.now().ms_since(NOON) / 1_000;
        assert!(seconds < 60, "seed {seed}: {seconds} s for 8,000 events of two pixels");
    }
}

#[test]
fn many_small_messages_arrive_once_and_keep_the_pace() {
    for seed in 100..112 {
        let shape = Run { seed, dispatchers: 4, events: 1_500, message_max: 3, meta_ms: 40, store_ms: 2 };
        let (rig, other, ids) = run(&shape, |_, _, _| Ok(()));
        assert_each_once(&rig, &ids, seed);
        assert_pace(&rig, &other, seed);
    }
}

#[test]
fn bad_events_are_found_by_whoever_meets_them() {
    for seed in 200..206 {
        let shape = Run { seed, dispatchers: 3, events: 600, message_max: 40, meta_ms: 100, store_ms: 5 };
        let bad: Vec<String> = (0..12).map(|nth| format!("e{}", nth * 47 + 3)).collect();
        let (rig, other, ids) = run(&shape, refuse(&refs(&bad), Some(2_804_050)));
        let good: Vec<String> = ids.into_iter().filter(|id| !bad.contains(id)).collect();
        assert_each_once(&rig, &good, seed);
        assert_pace(&rig, &other, seed);
        let found = statuses(&rig);
        assert!(bad.iter().all(|id| found[id] == Status::Rejected), "seed {seed}");
    }
}

#[test]
fn limits_and_hiccups_lose_nothing() {
    for seed in 300..308 {
        let shape = Run { seed, dispatchers: 3, events: 2_000, message_max: 100, meta_ms: 200, store_ms: 10 };
        let script = move |_: &[String], _: &str, nth: usize| match (nth as u64 + seed) % 7 {
            3 => Err(ScriptedMeta::failure(Verdict::Wait { ms: 5_000 }, 80_004, None)),
            5 => Err(ScriptedMeta::failure(Verdict::Retry, 2, None)),
            _ => Ok(()),
        };
        let (rig, other, ids) = run(&shape, script);
        assert_each_once(&rig, &ids, seed);
        assert_pace(&rig, &other, seed);
    }
}

#[test]
fn a_token_that_is_pasted_while_they_work_lets_everything_through() {
    for seed in 400..408 {
        let rig = Rig::scripted(seed);
        let clock = rig.ports().clock.clone();
        rig.ports().meta.script(crate::dispatch::world::only("token-2"));
        rig.ports().meta.faults().take_ms("send", On::Each, &clock, 300);
        rig.ports().events.faults().take_ms(fakes::ANY, On::Each, &clock, 10);
        let ids: Vec<String> = (0..60).map(|nth| format!("e{nth}")).collect();
        for part in ids.chunks(2) {
            rig.post(&refs(part));
        }
        let rigs = [rig.another_dispatcher(), rig.another_dispatcher(), rig];
        let person = async {
            let rig = &rigs[0];
            clock.sleep_ms(200 + seed % 7 * 150).await;
            rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
            crate::dispatch::world::release(rig, &rig.pixel);
        };
        let until = NOON.plus_ms(10 * MINUTE_MS);
        let mut tasks: Vec<Task<'_>> =
            rigs.iter().map(|rig| Box::pin(rig.work(5, until)) as Task<'_>).collect();
        tasks.push(Box::pin(person));
        side_by_side(&clock, seed, tasks);
        assert_eq!(rigs[0].ports().events.waiting(), 0, "seed {seed}");
        assert_each_once(&rigs[0], &ids, seed);
    }
}

#[test]
fn copies_on_the_queue_at_once_are_counted_and_reach_meta_as_copies() {
    for seed in 500..510 {
        let rig = Rig::scripted(seed);
        let clock = rig.ports().clock.clone();
        rig.ports().meta.faults().take_ms("send", On::Each, &clock, 100);
        for _ in 0..6 {
            rig.post(&["a", "b"]);
        }
        let rigs = [rig.another_dispatcher(), rig.another_dispatcher(), rig];
        let until = NOON.plus_ms(10 * MINUTE_MS);
        let tasks = rigs.iter().map(|rig| Box::pin(rig.work(1, until)) as Task<'_>).collect();
        side_by_side(&clock, seed, tasks);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for id in rigs[0].ports().meta.taken() {
            *times.entry(id).or_default() += 1;
        }
        assert!(times.len() == 2 && times.values().all(|times| *times <= 3), "seed {seed}: {times:?}");
        let receipts = rigs[0].ports().events.receipts();
        assert!(receipts.values().all(|receipt| receipt.copies == 6), "seed {seed}");
    }
}
