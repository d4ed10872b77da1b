//! Several processes at once over one set of stores, in an order that a seed decides.

use std::cell::RefCell;
use std::collections::BTreeSet;

use adrelay_core::conversion::{Fate, Tracked, Tracker};
use adrelay_core::people::Consent;
use fakes::{ANY, NOON, On, Task, side_by_side};
use serde_json::{Value, json};

use crate::conversion::world::{MINUTE_MS, Parts, World, identifiers, name};

const SEEDS: u64 = 40;

/// What one process is asked to do, one after the other.
async fn posts(
    world: &World,
    process: &Tracker<Parts>,
    bodies: Vec<Value>,
    answers: &RefCell<Vec<(Value, Tracked)>>,
) {
    for body in bodies {
        let tracked = process.track(&world.source, world.read(&body)).await;
        let tracked = tracked.unwrap_or_else(|error| panic!("{body}: {error}"));
        answers.borrow_mut().push((body, tracked));
    }
}

/// So many processes, each of which gets the bodies in an order of its own.
fn at_once_by(world: &World, seed: u64, bodies: &[Vec<Value>]) -> Vec<(Value, Tracked)> {
    let trackers: Vec<Tracker<Parts>> = bodies.iter().map(|_| world.another()).collect();
    let answers = RefCell::new(Vec::new());
    let task = |(tracker, bodies): (_, &Vec<Value>)| -> Task<'_> {
        Box::pin(posts(world, tracker, bodies.clone(), &answers))
    };
    side_by_side(&world.parts.clock, seed, trackers.iter().zip(bodies).map(task).collect());
    answers.into_inner()
}

fn identities() -> [Value; 4] {
    [
        json!({"email": "jane@example.com", "external_id": "u1"}),
        json!({"phone": "+16505551212", "email": "jane@example.com"}),
        json!({"external_id": "u1", "phone": "+16505551212"}),
        json!({"external_ids": {"stripe": "cus"}, "external_id": "u1"}),
    ]
}

fn bought(id: usize, identity: &Value, hours_ago: i64) -> Value {
    json!({"event_name": "bought", "event_id": format!("e{id}"), "identity": identity, "value": 5, "currency": "USD",
        "event_time": NOON.secs() - hours_ago * 3_600})
}

#[tokio::test]
async fn conversions_of_one_person_at_several_processes_are_counted_exactly() {
    for seed in 0..SEEDS {
        let world = World::new();
        world.set_rules(&json!([{"id": "first", "events": ["bought"], "pass_through": true,
            "fire": [{"event_name": "Subscribe", "once": "person"}]}]));
        let said = identities();
        // Each conversion is posted twice, by different processes that say something else of the person.
        let bodies: Vec<Vec<Value>> = (0..4)
            .map(|process| {
                let nths = (0..10).map(|nth| (nth * 3 + process * 5) % 20);
                nths.map(|id| bought(id, &said[(id + process) % 4], i64::try_from(id % 3).unwrap())).collect()
            })
            .collect();
        let answers = at_once_by(&world, seed, &bodies);
        // The last word joins whoever was apart while only some identifiers were known.
        let all = json!({"email": "jane@example.com", "phone": "+16505551212", "external_id": "u1",
            "external_ids": {"stripe": "cus"}});
        let last = world.post(&bought(20, &all, 0)).await;
        let people = &world.parts.people;
        assert_eq!(people.roots(), std::slice::from_ref(last.person_id.as_ref().unwrap()), "seed {seed}");
        let posted: BTreeSet<String> = answers.iter().map(|(body, _)| body["event_id"].to_string()).collect();
        let count = u64::try_from(posted.len()).unwrap() + 1;
        let features = world.features().await;
        assert_eq!(features.times("bought", 7, NOON.secs()), count, "seed {seed}");
        assert_eq!(json!(features.totals_minor), json!({"USD": 500 * count}), "seed {seed}");
        assert_eq!(people.stored_conversions().len() as u64, count, "seed {seed}");
        let new = answers.iter().filter(|(_, tracked)| !tracked.repeated).count() as u64;
        assert_eq!(new, count - 1, "seed {seed}: each is new to one process");
        let queued: BTreeSet<(String, String)> = world.queued().into_iter().collect();
        let of = |name: &str| queued.iter().filter(|(event, _)| event == name).count() as u64;
        assert_eq!(of("bought"), count, "seed {seed}");
        assert!(of("Subscribe") >= 1, "seed {seed}");
        let kept: usize = people.everybody().iter().map(identifiers).sum();
        assert_eq!((people.link_count(), kept), (4, 4), "seed {seed}");
    }
}

#[tokio::test]
async fn what_fires_once_fires_for_one_of_all_that_ask_at_once() {
    for seed in 0..SEEDS {
        let world = World::new();
        world.set_rules(&json!([{"id": "first", "events": ["bought"],
            "fire": [{"event_name": "Subscribe", "once": "person"}]}]));
        let jane = json!({"email": "jane@example.com"});
        world.post(&json!({"event_name": "visited", "event_id": "0", "identity": jane})).await;
        let bodies: Vec<Vec<Value>> =
            (0..5).map(|process| vec![bought(process, &jane, 0), bought(process + 5, &jane, 0)]).collect();
        let answers = at_once_by(&world, seed, &bodies);
        let fates = answers.iter().map(|(_, tracked)| tracked.meta_events[0].status);
        let (queued, before): (Vec<Fate>, Vec<Fate>) = fates.partition(|fate| *fate == Fate::Queued);
        assert_eq!((queued.len(), before.len()), (1, 9), "seed {seed}");
        assert!(before.iter().all(|fate| *fate == Fate::FiredBefore), "seed {seed}");
        let sent = world.queued().iter().filter(|(name, _)| name == "Subscribe").count();
        assert_eq!(sent, 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_hold_that_several_end_at_once_is_sent_under_one_id_and_gone() {
    for seed in 0..SEEDS {
        let world = World::of_source(|source| {
            source.hold_event_names = vec![name("signup")];
            source.hold_minutes = 5;
        });
        for nth in 0..3 {
            let identity = json!({"external_id": "u1"});
            world
                .post(&json!({"event_name": "signup", "event_id": format!("{nth}"), "identity": identity}))
                .await;
        }
        world.advance(6 * MINUTE_MS);
        let trackers: Vec<Tracker<Parts>> = (0..4).map(|_| world.another()).collect();
        let identify =
            json!({"identity": {"external_id": "u1", "email": "jane@example.com"}, "consent": "granted"});
        let tasks: Vec<Task<'_>> = trackers
            .iter()
            .enumerate()
            .map(|(nth, tracker)| -> Task<'_> {
                let (world, identify) = (&world, &identify);
                Box::pin(async move {
                    if nth % 2 == 0 {
                        let report = tracker.sweep(world.now().plus_ms(MINUTE_MS)).await.unwrap();
                        assert_eq!(report.failed, 0);
                    } else {
                        world.call_by(tracker, identify).await.unwrap();
                    }
                })
            })
            .collect();
        side_by_side(&world.parts.clock, seed, tasks);
        assert_eq!(world.parts.people.held(), [], "seed {seed}");
        let sent: BTreeSet<(String, String)> = world.queued().into_iter().collect();
        let expected = ["0", "1", "2"].map(|id| ("signup".to_owned(), id.to_owned()));
        assert_eq!(sent, BTreeSet::from(expected), "seed {seed}");
        let person = &world.parts.people.everybody()[0];
        assert_eq!(person.doc.consent.as_ref().map(|consent| consent.status), Some(Consent::Granted));
        assert_eq!(world.parts.people.person_count(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_conversion_that_is_posted_while_its_hold_ends_is_not_lost() {
    for seed in 0..SEEDS {
        let world = World::of_source(|source| {
            source.hold_event_names = vec![name("signup")];
            source.hold_minutes = 5;
        });
        let signup = json!({"event_name": "signup", "event_id": "1", "identity": {"external_id": "u1"}});
        let identify = json!({"identity": {"external_id": "u1", "email": "jane@example.com"}});
        let (posting, calling) = (world.another(), world.another());
        let tasks: Vec<Task<'_>> = vec![
            Box::pin(async {
                posting.track(&world.source, world.read(&signup)).await.unwrap();
            }),
            Box::pin(async {
                world.call_by(&calling, &identify).await.unwrap();
            }),
        ];
        side_by_side(&world.parts.clock, seed, tasks);
        world.advance(6 * MINUTE_MS);
        world.sweep().await;
        assert_eq!(world.parts.people.held(), [], "seed {seed}");
        let sent: BTreeSet<(String, String)> = world.queued().into_iter().collect();
        assert_eq!(sent, BTreeSet::from([("signup".to_owned(), "1".to_owned())]), "seed {seed}");
    }
}

/// Stores take as long as they do over a network: who sleeps lets others overtake.
#[tokio::test]
async fn slow_calls_change_nothing_of_what_is_counted() {
    for seed in 0..10 {
        let world = World::new();
        let clock = &world.parts.clock;
        world.parts.people.faults().take_ms(ANY, On::Each, clock, 20);
        world.parts.queue.faults().take_ms(ANY, On::Each, clock, 35);
        let said = identities();
        let bodies: Vec<Vec<Value>> =
            (0..4).map(|process| (0..8).map(|nth| bought(nth, &said[process], 0)).collect()).collect();
        at_once_by(&world, seed, &bodies);
        assert_eq!(world.features().await.times("bought", 7, NOON.secs()), 8, "seed {seed}");
        assert_eq!(world.parts.people.stored_conversions().len(), 8, "seed {seed}");
        let queued: BTreeSet<(String, String)> = world.queued().into_iter().collect();
        assert_eq!(queued.len(), 8, "seed {seed}");
    }
}
