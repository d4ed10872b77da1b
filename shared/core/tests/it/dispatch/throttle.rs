//! The governor at work: bookings, leases and trials, as Meta sees them.

use std::sync::{Arc, Mutex};

use adrelay_core::dispatch::governor::{LEASE_EVENTS, LEASE_MS, Ledger, PROVEN_MS};
use adrelay_core::message::QueueMessage;
use adrelay_core::ports::governor::GovernorStore as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, Rig, ScriptedMeta, When, at_once, side_by_side};

use crate::dispatch::world::{
    HOUR_MS, MINUTE_MS, always, elapsed_ms, events_on_queue, ids, most_within, push_release, refs, releases,
    rig, run_until, times_ms,
};

#[tokio::test]
async fn lone_events_cost_two_writes_each_and_a_lease_now_and_then() {
    let rig = rig();
    for n in 0..100 {
        rig.post(&[&format!("e{n}")]);
        rig.step(10).await;
    }
    let writes = rig.ports().events.writes();
    assert!(writes <= 210, "{writes} writes for 100 lone events");
}

fn ledger(rig: &Rig<ScriptedMeta>) -> Ledger {
    rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger
}

/// Somebody else changes the ledger just before each of the next `times` savings.
fn rival(rig: &Rig<ScriptedMeta>, mut times: u32, change: impl Fn(&mut Ledger) + Send + 'static) {
    let (events, tenant, pixel) = (rig.ports().events.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().events.faults().run("save", On::Each, When::Before, move || {
        if times > 0 {
            times -= 1;
            let mut stored = events.ledger(&tenant, &pixel);
            change(&mut stored.ledger);
            at_once(events.save(&tenant, &pixel, stored.version, &stored.ledger)).unwrap();
        }
    });
}

#[tokio::test]
async fn ten_thousand_events_at_once_keep_to_a_thousand_a_second() {
    let rig = rig();
    for part in ids(10_000).chunks(200) {
        rig.post(&refs(part));
    }
    rig.run(20, NOON.plus_ms(HOUR_MS)).await;
    let taken = rig.ports().meta.taken();
    assert_eq!((taken.len(), rig.ports().meta.held().len()), (10_000, 10_000));
    assert_eq!(most_within(&rig, &rig.pixel, 1_250), 1_000);
    assert!(rig.ports().meta.calls().len() <= 40, "{} calls", rig.ports().meta.calls().len());
    assert!(elapsed_ms(&rig) <= 30_000, "{} ms", elapsed_ms(&rig));
}

#[tokio::test]
async fn a_request_that_starts_late_is_booked_again() {
    for (late_ms, expected) in [(150, 1_400), (151, 2_500), (700, 2_500)] {
        let rig = rig();
        let clock = rig.ports().clock.clone();
        clock.faults().take_ms("sleep_ms", On::Nth(1), &clock, late_ms);
        rig.post(&refs(&ids(2_000)));
        rig.step(10).await;
        assert_eq!(times_ms(&rig), [0, expected], "{late_ms} ms late");
        let last = ledger(&rig).bookings.last().unwrap().at.ms_since(NOON);
        assert!((last..=last + 150).contains(&expected), "booked for {last}");
    }
}

#[tokio::test]
async fn a_ledger_that_others_keep_changing_is_saved_at_the_thirteenth_try() {
    for (times, calls) in [(12, 1), (13, 0)] {
        let rig = rig();
        rival(&rig, times, |_| ());
        rig.post(&["a"]);
        rig.step(10).await;
        assert_eq!(rig.ports().meta.calls().len(), calls, "{times} rivals");
        assert_eq!(events_on_queue(&rig).len(), 1 - calls);
        assert!(elapsed_ms(&rig) >= i64::from(times - 1) * 5, "each try waits a little");
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.taken(), ["a"]);
    }
}

#[tokio::test]
async fn a_change_of_the_ledger_is_made_at_the_thirteenth_try() {
    for (times, left) in [(12, 0), (13, 1)] {
        let rig = rig();
        let (events, due) = (rig.ports().events.clone(), NOON.plus_ms(30_000));
        let probe = Ledger { probe_due: Some(due), ..Ledger::default() };
        events.save(&rig.tenant, &rig.pixel, 0, &probe).await.unwrap();
        rival(&rig, times, |_| ());
        push_release(&rig, &rig.pixel);
        rig.step(10).await;
        assert_eq!((releases(&rig), ledger(&rig).probe_due.is_some()), (left, left == 1), "{times} rivals");
        assert!(elapsed_ms(&rig) >= i64::from(times - 1) * 5);
    }
}

#[tokio::test]
async fn a_lease_that_was_not_saved_is_not_used() {
    let rig = rig();
    let at_calls: Arc<Mutex<Vec<usize>>> = Arc::default();
    let (events, seen) = (rig.ports().events.clone(), Arc::clone(&at_calls));
    let (tenant, pixel) = (rig.tenant.clone(), rig.pixel.clone());
    rig.ports().meta.faults().run("send", On::Each, When::Before, move || {
        let ledger = events.ledger(&tenant, &pixel).ledger;
        seen.lock().unwrap().push(ledger.leases.len() + ledger.bookings.len());
    });
    rig.ports().events.faults().fail("save", On::Nth(1), When::Before);
    rig.post(&["a"]);
    rig.step(10).await;
    assert!(at_calls.lock().unwrap().is_empty());
    rig.post(&["b"]);
    rig.step(10).await;
    run_until(&rig, MINUTE_MS).await;
    let at_calls = at_calls.lock().unwrap().clone();
    assert!(at_calls.len() >= 2 && at_calls.iter().all(|booked| *booked > 0), "{at_calls:?}");
}

#[tokio::test]
async fn a_lease_that_a_rival_was_given_is_not_used() {
    let rig = rig();
    rig.post(&["warm"]);
    rig.step(10).await;
    rig.ports().clock.advance_ms(LEASE_MS);
    rival(&rig, 1, |ledger| {
        for owner in 0..20 {
            assert!(ledger.lease(NOON.plus_ms(LEASE_MS), &format!("rival {owner}"), LEASE_EVENTS));
        }
    });
    for id in ["a", "b", "c"] {
        let loads = rig.ports().events.faults().calls("load");
        rig.post(&[id]);
        rig.step(10).await;
        assert!(rig.ports().events.faults().calls("load") > loads, "{id} is booked");
    }
    assert_eq!(ledger(&rig).leases.len(), 20);
    assert_eq!(rig.ports().meta.taken().len(), 4);
}

#[tokio::test]
async fn ten_events_are_leased_and_eleven_are_booked() {
    for (events, leases, bookings) in [(1, 1, 0), (10, 1, 0), (11, 0, 1)] {
        let rig = rig();
        rig.post(&refs(&ids(events)));
        rig.step(10).await;
        let ledger = ledger(&rig);
        assert_eq!((ledger.leases.len(), ledger.bookings.len()), (leases, bookings), "{events} events");
        assert!(ledger.leases.iter().all(|lease| lease.owner == "rig" && lease.events == LEASE_EVENTS));
    }
}

#[tokio::test]
async fn a_leases_events_cost_no_further_booking() {
    let rig = rig();
    rig.post(&["e0"]);
    rig.step(10).await;
    let saved = rig.ports().events.faults().calls("save");
    for nth in 1..20 {
        rig.post(&[&format!("e{nth}")]);
        rig.step(10).await;
    }
    assert_eq!(rig.ports().events.faults().calls("save"), saved, "20 events of a lease of 20");
    rig.post(&["e20"]);
    rig.step(10).await;
    assert_eq!(rig.ports().events.faults().calls("save"), saved + 1);
    assert_eq!(ledger(&rig).leases[0].events, 100, "a lease that is used up is renewed larger");
    assert_eq!((rig.ports().meta.taken().len(), elapsed_ms(&rig)), (21, 0));
}

#[tokio::test]
async fn a_full_request_beside_a_lease_is_cut() {
    let rig = rig();
    rig.post(&["lone"]);
    rig.step(10).await;
    rig.post(&refs(&ids(1_000)));
    rig.step(10).await;
    let sizes: Vec<usize> = rig.ports().meta.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 500, 500]);
    assert_eq!(rig.ports().meta.held().len(), 1_001);
    assert!(most_within(&rig, &rig.pixel, 1_250) <= 1_000);
}

#[tokio::test]
async fn a_wait_too_long_for_the_invocation_is_waited_for_on_the_queue() {
    // 38.5 s are left before the time that a call may take.
    for (wait_ms, calls) in [(38_500, 1), (38_501, 0)] {
        let rig = rig();
        let ledger = Ledger { wait_until: Some(NOON.plus_ms(wait_ms)), ..Ledger::default() };
        rig.ports().events.save(&rig.tenant, &rig.pixel, 0, &ledger).await.unwrap();
        rig.post(&["a"]);
        rig.step(10).await;
        assert_eq!(rig.ports().meta.calls().len(), calls, "{wait_ms} ms");
        assert_eq!(elapsed_ms(&rig), if calls == 1 { wait_ms } else { 0 });
        run_until(&rig, MINUTE_MS).await;
        assert!(times_ms(&rig)[0] >= wait_ms);
    }
}

#[test]
fn a_pixel_that_is_not_proven_gets_one_call_at_a_time() {
    for seed in 0..10 {
        let rigs: Vec<Rig<ScriptedMeta>> = four();
        let clock = rigs[0].ports().clock.clone();
        rigs[0].ports().meta.faults().take_ms("send", On::Each, &clock, 2_000);
        for id in ids(4) {
            rigs[0].post(&[&id]);
        }
        work(&rigs, seed, 1, MINUTE_MS);
        let times = times_ms(&rigs[0]);
        assert_eq!(rigs[0].ports().meta.taken().len(), 4);
        assert!(times[1] - times[0] >= 2_000, "the first answer is waited for: {times:?}");
        assert!(times[3] - times[1] < 1_000, "then all go on: {times:?}");
    }
}

/// Four processes find eight messages of a pixel whose token is refused, and work for so long.
fn wrong_token(seed: u64, until_ms: i64) -> Rig<ScriptedMeta> {
    let mut rigs = four();
    let clock = rigs[0].ports().clock.clone();
    rigs[0].ports().meta.faults().take_ms("send", On::Each, &clock, 2_000);
    rigs[0].ports().meta.script(always(Verdict::Token, 190));
    for id in ids(8) {
        rigs[0].post(&[&id]);
    }
    work(&rigs, seed, 1, until_ms);
    rigs.remove(0)
}

#[test]
fn a_wrong_token_costs_one_call_however_many_processes_there_are() {
    for seed in 0..10 {
        let rig = wrong_token(seed, MINUTE_MS);
        // The next is the probe, half a minute later.
        let times = times_ms(&rig);
        assert!(times[0] == 1_000 && times[1..].iter().all(|ms| *ms > 30_000), "{times:?}");
        assert_eq!(rig.ports().events.waiting(), 8, "seed {seed}");
        assert_eq!(crate::dispatch::world::probes(&rig).len(), 1, "seed {seed}");
    }
}

#[test]
#[should_panic(expected = "unlisted: who meets a refused pixel keeps the trial")]
fn who_meets_a_refused_pixel_ends_its_trial() {
    for seed in 0..10 {
        let rig = wrong_token(seed, 10_000);
        let waiting = rig.ports().events.waiting();
        assert_eq!(
            waiting, 8,
            "unlisted: who meets a refused pixel keeps the trial, and others sleep for 20 s"
        );
    }
}

fn four() -> Vec<Rig<ScriptedMeta>> {
    let first = rig();
    let others: Vec<_> = (0..3).map(|_| first.another_dispatcher()).collect();
    std::iter::once(first).chain(others).collect()
}

fn work(rigs: &[Rig<ScriptedMeta>], seed: u64, max: usize, until_ms: i64) {
    let tasks = rigs.iter().map(|rig| Box::pin(rig.work(max, NOON.plus_ms(until_ms))) as fakes::Task<'_>);
    side_by_side(&rigs[0].ports().clock, seed, tasks.collect());
}

#[tokio::test]
async fn the_trial_of_a_process_that_died_ends_by_its_time() {
    let rig = rig();
    let other = rig.another_dispatcher();
    rig.ports().meta.faults().hang("send", On::Nth(1), When::Before);
    rig.post(&["a"]);
    assert!(fakes::unless_hung(rig.step(10)).is_none());
    let trial = ledger(&rig).trial.unwrap();
    assert_eq!((trial.owner.as_str(), trial.until), ("rig", NOON.plus_ms(20_000)));
    other.post(&["b"]);
    other.step(10).await;
    assert_eq!(times_ms(&rig), [20_000]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["b", "a"]);
}

#[tokio::test]
async fn a_pixel_is_proven_for_an_hour_and_noted_twice_an_hour_at_most() {
    let rig = rig();
    // At each step: how often the ledger is read, and how long the pixel is proven then.
    for (minute, loads, proven_ms) in [
        (0, 2, PROVEN_MS),
        (10, 1, PROVEN_MS),
        (29, 1, PROVEN_MS),
        (30, 2, PROVEN_MS),
        (61, 2, 61 * MINUTE_MS + PROVEN_MS),
    ] {
        rig.ports().clock.advance_to(NOON.plus_ms(minute * MINUTE_MS));
        let before = rig.ports().events.faults().calls("load");
        rig.post(&[&format!("minute {minute}")]);
        rig.step(10).await;
        assert_eq!(rig.ports().events.faults().calls("load") - before, loads, "minute {minute}");
        assert_eq!(ledger(&rig).proven_until, Some(NOON.plus_ms(proven_ms)), "minute {minute}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_stops_the_group_and_nothing_is_lost() {
    for method in ["load", "save"] {
        let rig = rig();
        rig.ports().events.faults().fail(method, On::Nth(1), When::Before);
        rig.post(&["a"]);
        rig.step(10).await;
        assert!(rig.ports().meta.calls().is_empty(), "{method}");
        let QueueMessage::Events(message) = crate::dispatch::world::on_queue(&rig).remove(0) else {
            panic!()
        };
        assert_eq!(message.attempt, 1);
        assert_eq!(rig.ports().events.count(Status::Waiting), 0);
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.taken(), ["a"], "{method}");
    }
}
