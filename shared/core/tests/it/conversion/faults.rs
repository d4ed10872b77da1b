//! Calls of the stores fail or their answers are lost, and processes die between any two calls; callers try again.

use std::collections::BTreeSet;

use adrelay_core::conversion::{TrackError, Tracker};
use adrelay_core::people::Stage;
use adrelay_core::ports::people::PeopleStore as _;
use fakes::{ANY, BEFORE_AND_AFTER, Faults, NOON, On, When};
use serde_json::{Value, json};

use crate::bounded::{until_stuck, up_to};
use crate::conversion::world::{MINUTE_MS, Parts, World, identifiers, name, tenant};

/// What products do, one after the other.
#[derive(Debug, Clone)]
enum Step {
    Post(Value),
    Call(Value),
    Sweep,
}

/// Jane signs up, which is held; says who she is; buys twice, of which one fires once; somebody else comes by, whose phone
/// turns out to be hers, too.
fn story() -> Vec<Step> {
    let post = |event: &str, id: &str, identity: Value| {
        Step::Post(
            json!({"event_name": event, "event_id": id, "identity": identity, "value": 5, "currency": "USD"}),
        )
    };
    vec![
        post("signup", "1", json!({"external_id": "u1"})),
        post("signup", "2", json!({"external_id": "u2"})),
        Step::Call(
            json!({"identity": {"external_id": "u1", "email": "jane@example.com"}, "consent": "granted"}),
        ),
        post("bought", "3", json!({"email": "jane@example.com", "phone": "+16505551212"})),
        post("bought", "4", json!({"email": "jane@example.com", "external_ids": {"stripe": "cus"}})),
        post("visited", "5", json!({"external_id": "u3", "first_name": "J"})),
        post("visited", "6", json!({"external_id": "u3", "phone": "+16505551212"})),
        Step::Sweep,
    ]
}

fn world() -> World {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    });
    world.set_rules(&json!([
        {"id": "purchase", "events": ["bought"], "stage": "customer", "pass_through": true,
            "fire": [{"event_name": "Purchase", "value": {"constant": 5}}, {"event_name": "Subscribe", "once": "person"}]},
        {"id": "third", "events": ["visited"], "when": [{"person_times": {"event_name": "visited", "days": 7, "at_least": 2}}],
            "fire": [{"event_name": "Engaged"}]},
    ]));
    world
}

async fn take(world: &World, tracker: &Tracker<Parts>, step: &Step) -> Result<(), TrackError> {
    match step {
        Step::Post(body) => tracker.track(&world.source, world.read(body)).await.map(|_| ()),
        Step::Call(body) => world.call_by(tracker, body).await.map(|_| ()),
        Step::Sweep => {
            world.advance(6 * MINUTE_MS);
            tracker.sweep(adrelay_core::time::UnixMillis(i64::MAX)).await.map(|_| ())
        }
    }
}

/// What holds in the end, whatever went wrong.
async fn assert_whole(world: &World, context: &str) {
    world.advance(6 * MINUTE_MS);
    world.sweep().await;
    let people = &world.parts.people;
    assert_eq!(people.held(), [], "{context}");
    // Jane, and whoever `u2` is.
    assert_eq!(people.roots().len(), 2, "{context}");
    assert_eq!(people.stored_conversions().len(), 6, "{context}");
    let features = world.features().await;
    for (event, times) in [("signup", 2), ("bought", 2), ("visited", 2)] {
        assert_eq!(features.times(event, 7, NOON.secs()), times, "{event}, {context}");
    }
    assert_eq!(json!(features.totals_minor), json!({"USD": 3_000}), "{context}");
    let queued: BTreeSet<(String, String)> = world.queued().into_iter().collect();
    let names = |of: &str| queued.iter().filter(|(name, _)| name == of).count();
    let counts = ["signup", "bought", "Purchase", "Subscribe", "visited", "Engaged"].map(names);
    assert_eq!(counts, [2, 2, 2, 1, 1, 1], "{context}: {queued:?}");
    assert_eq!(queued.len(), 9, "{context}: {queued:?}");
    let jane = world.post(&json!({"event_name": "x", "identity": {"external_id": "u3"}})).await;
    let jane = world.whole(&jane.person_id.unwrap()).await;
    assert_eq!(jane.evidence.stage().map(Stage::as_str), Some("customer"), "{context}");
    assert_eq!(
        (&jane.profile.emails[..], jane.profile.phones.len()),
        (&["jane@example.com".to_owned()][..], 1)
    );
    assert_eq!(jane.profile.external_ids.len(), 3, "{context}");
    let kept: usize = people.everybody().iter().map(identifiers).sum();
    assert_eq!(people.link_count(), kept, "{context}: every link is one that its person keeps");
    let lines: usize = {
        let mut lines = 0;
        for part in &jane.parts {
            lines += people.merges(&tenant(), part).await.unwrap().len();
        }
        lines
    };
    assert_eq!(lines, 2 * (jane.parts.len() - 1), "{context}: each merge under both persons");
}

type Part = (&'static str, fn(&World) -> Faults);

const PARTS: [Part; 4] = [
    ("people", |world| world.parts.people.faults().clone()),
    ("config", |world| world.parts.config.faults().clone()),
    ("queue", |world| world.parts.queue.faults().clone()),
    ("secrets", |world| world.parts.secrets.faults().clone()),
];

#[tokio::test]
async fn undisturbed_the_story_is_whole() {
    let world = world();
    for step in story() {
        take(&world, &world.tracker, &step).await.unwrap();
    }
    let mut once = world.queued();
    once.dedup();
    assert_eq!(once, world.queued(), "nothing is queued twice");
    assert_whole(&world, "undisturbed").await;
}

#[tokio::test]
async fn whichever_call_fails_or_whose_answer_is_lost_the_next_try_completes_it() {
    for (part, faults) in PARTS {
        let mut failed = 0;
        for when in BEFORE_AND_AFTER {
            for nth in up_to::<u64>(1_000).skip(1) {
                let world = world();
                let faults = faults(&world);
                faults.fail(ANY, On::Nth(nth), when);
                for step in story() {
                    for tries in up_to::<u32>(5) {
                        if take(&world, &world.tracker, &step).await.is_ok() {
                            break;
                        }
                        failed += 1;
                        assert_eq!(tries, 0, "{part}, call {nth}, {when:?}: one failure, one more try");
                    }
                }
                let over = faults.calls(ANY) < nth;
                faults.clear();
                assert_whole(&world, &format!("{part}, call {nth} failed {when:?}")).await;
                if over {
                    break;
                }
            }
        }
        assert!(failed >= 2, "{part}: {failed} calls failed");
    }
}

#[tokio::test]
async fn wherever_a_process_dies_the_next_one_completes_it() {
    for (part, faults) in PARTS {
        let mut deaths = 0;
        for when in BEFORE_AND_AFTER {
            for nth in up_to::<u64>(1_000).skip(1) {
                let world = world();
                let faults = faults(&world);
                faults.hang(ANY, On::Nth(nth), when);
                let mut tracker = world.another();
                for step in story() {
                    for _ in up_to::<u32>(3) {
                        if until_stuck(take(&world, &tracker, &step)).is_some() {
                            break;
                        }
                        deaths += 1;
                        tracker = world.another();
                    }
                }
                let over = faults.calls(ANY) < nth;
                faults.clear();
                assert_whole(&world, &format!("{part}, died at call {nth} {when:?}")).await;
                if over {
                    break;
                }
            }
        }
        assert!(deaths >= 2, "{part}: {deaths} deaths");
    }
}

#[tokio::test]
async fn a_queue_that_takes_a_part_of_the_messages_is_a_failure() {
    // One conversion, three events: a refused one must not be told as queued, wherever it stands.
    for when in BEFORE_AND_AFTER {
        for place in 0..2 {
            let world = World::of_source(|source| {
                source.pixel_ids = vec!["111".parse().unwrap(), "222".parse().unwrap()];
            });
            world.parts.queue.faults().refuse_at("send", On::Nth(1), when, &[place]);
            let body = json!({"event_name": "visited", "event_id": "1", "identity": {"external_id": "u1"}});
            let refused = world.try_post(&body).await;
            assert!(matches!(refused, Err(TrackError::Unavailable(_))), "{place} {when:?}: {refused:?}");
            assert!(world.post(&body).await.repeated);
            let mut pixels: Vec<String> =
                world.messages().iter().map(|message| message.pixel_id.to_string()).collect();
            pixels.sort();
            pixels.dedup();
            assert_eq!(pixels, ["111", "222"]);
        }
    }
}

#[tokio::test]
async fn a_hold_that_cannot_be_worked_on_keeps_no_other_from_ending() {
    let world = world();
    for nth in 0..3 {
        let identity = json!({"external_id": format!("a{nth}")});
        world
            .post(&json!({"event_name": "signup", "event_id": format!("{nth}"), "identity": identity}))
            .await;
    }
    world.advance(6 * MINUTE_MS);
    world.parts.queue.faults().fail("send", On::Nth(2), When::Before);
    let report = world.sweep().await;
    assert_eq!((report.released, report.waiting, report.failed), (2, 0, 1));
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (1, 2));
    let report = world.sweep().await;
    assert_eq!((report.released, report.waiting, report.failed), (1, 0, 0));
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (0, 3));
}
