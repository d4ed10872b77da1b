//! Faults that are known and not mended yet: each test states what ought to hold, and fails today. Who mends one turns its
//! test round.

use adrelay_core::config::ConsentPolicy;
use adrelay_core::conversion::{Fate, TrackError};
use adrelay_core::people::Eraser;
use adrelay_core::ports::erasure::ErasureState;
use fakes::{ANY, FixedSecrets, MemoryEvents, NOON, On, Task, side_by_side};
use serde_json::{Value, json};

use crate::conversion::world::{DAY_MS, HOUR_MS, MINUTE_MS, World, name, signup, tenant, visited};

fn requiring_consent() -> World {
    World::of_source(|source| source.consent_policy = ConsentPolicy::Require)
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
#[should_panic(expected = "F3: what no wait can mend is refused at once")]
async fn what_a_wait_cannot_mend_is_refused_instead_of_held() {
    for body in [
        with(visited("1"), "event_name", json!("Purchase")),
        with(visited("2"), "event_id", json!("jane@example.com")),
    ] {
        let world = requiring_consent();
        let tracked = world.post(&body).await;
        let fates: Vec<Fate> = tracked.meta_events.iter().map(|event| event.status).collect();
        let told = (tracked.held.is_some(), fates);
        assert_eq!(
            told,
            (false, vec![Fate::Refused]),
            "F3: what no wait can mend is refused at once, {body}"
        );
    }
}

#[tokio::test]
#[should_panic(expected = "F3: what is refused after a wait has a receipt")]
async fn what_is_refused_after_its_wait_leaves_a_receipt() {
    let world = requiring_consent();
    // Meta refuses events of websites without a user agent, which the wait might have brought.
    let body = with(visited("1"), "action_source", json!("website"));
    let body = with(body, "context", json!({"url": "https://shop.example/"}));
    assert!(world.post(&body).await.held.is_some());
    let call = json!({"identity": {"external_id": "u1"}, "consent": "granted"});
    assert_eq!(world.call(&call).await.released, 1);
    let skips: Vec<bool> = world.messages().iter().map(|message| message.skip.is_some()).collect();
    assert_eq!(skips, [true], "F3: what is refused after a wait has a receipt");
}

#[tokio::test]
#[should_panic(expected = "F3: what became too old meanwhile has a receipt")]
async fn what_becomes_too_old_while_it_waits_leaves_a_receipt() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    });
    let oldest_s = NOON.plus_ms(-7 * DAY_MS + HOUR_MS + 2 * MINUTE_MS).secs();
    let body = with(signup("1"), "event_time", json!(oldest_s));
    assert!(world.post(&body).await.held.is_some());
    world.advance(6 * MINUTE_MS);
    assert_eq!(world.sweep().await.released, 1);
    let skips: Vec<bool> = world.messages().iter().map(|message| message.skip.is_some()).collect();
    assert_eq!(skips, [true], "F3: what became too old meanwhile has a receipt");
}

#[tokio::test]
#[should_panic(expected = "F4: a control character in a name refuses no event")]
async fn a_control_character_in_a_name_refuses_no_event() {
    let world = World::new();
    for (field, value) in [("first_name", "Ja\0ne"), ("city", "Ber\0lin"), ("zip", "101\x0015")] {
        let mut odd = visited(&format!("{field}-1"));
        odd["identity"][field] = json!(value);
        world.post(&odd).await;
        let tracked = world.post(&visited(&format!("{field}-2"))).await;
        let fate = tracked.meta_events[0].status;
        assert_eq!(fate, Fate::Queued, "F4: a control character in a name refuses no event, {field}");
    }
}

#[tokio::test]
#[should_panic(expected = "F8: a post that names an identity is taken")]
async fn a_post_that_meets_an_erasure_is_taken() {
    let mut refused = Vec::new();
    for seed in 0..60 {
        let world = World::new();
        let jane = world.post(&visited("0")).await.person_id.unwrap();
        let (graves, pii, posting) = (MemoryEvents::default(), FixedSecrets::pii(), world.another());
        let eraser =
            Eraser::new(&world.parts.people, &graves, &pii, &world.parts.clock, &world.parts.entropy, 8_000);
        let tasks: Vec<Task<'_>> = vec![
            Box::pin(async {
                let record = eraser.run(&tenant(), &jane, "anna").await.unwrap();
                assert_eq!(record.state, ErasureState::Done);
            }),
            Box::pin(async {
                for nth in 1..6 {
                    let mut body = visited(&format!("{nth}"));
                    // Something new of her, so that there is something to write.
                    body["identity"]["first_name"] = json!(format!("Jane {nth}"));
                    match posting.track(&world.source, world.read(&body)).await {
                        Err(TrackError::Invalid(notes)) => refused.push((seed, nth, notes[0].code)),
                        other => assert!(other.is_ok(), "{other:?}"),
                    }
                }
            }),
        ];
        side_by_side(&world.parts.clock, seed, tasks);
    }
    assert_eq!(refused, [], "F8: a post that names an identity is taken");
}

#[tokio::test]
#[should_panic(expected = "F12: all holds of a minute end within two ticks")]
async fn holds_that_are_due_in_one_minute_end_within_two_ticks() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 1;
    });
    for nth in 0..1_500 {
        let identity = json!({"external_id": format!("a{nth}")});
        world
            .post(&json!({"event_name": "signup", "event_id": format!("{nth}"), "identity": identity}))
            .await;
    }
    let clock = &world.parts.clock;
    for faults in [world.parts.people.faults(), world.parts.queue.faults(), world.parts.config.faults()] {
        faults.take_ms(ANY, On::Each, clock, 20);
    }
    for tick in 1..=2 {
        clock.advance_to(NOON.plus_ms((tick + 1) * MINUTE_MS));
        world.tracker.sweep(world.now().plus_ms(MINUTE_MS)).await.unwrap();
    }
    let left = world.parts.people.held().len();
    assert_eq!(left, 0, "F12: all holds of a minute end within two ticks");
}

#[tokio::test]
#[should_panic(expected = "F13: the first post's time counts")]
async fn a_repeated_post_says_the_first_posts_wait() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    });
    world.post(&signup("1")).await;
    world.advance(4 * MINUTE_MS);
    let held = world.post(&signup("1")).await.held.unwrap();
    assert_eq!(held.until, NOON.plus_ms(5 * MINUTE_MS), "F13: the first post's time counts");
}

#[tokio::test]
#[should_panic(expected = "F13: what has waited is not held anew")]
async fn a_repeated_post_after_the_wait_is_not_held_anew() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    });
    world.post(&signup("1")).await;
    world.advance(6 * MINUTE_MS);
    world.sweep().await;
    assert_eq!(world.messages().len(), 1);
    let again = world.post(&signup("1")).await;
    assert_eq!(
        (again.held, world.parts.people.held().len()),
        (None, 0),
        "F13: what has waited is not held anew"
    );
}

#[tokio::test]
async fn a_repeated_post_does_not_move_the_end_of_the_wait() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    });
    world.post(&signup("1")).await;
    world.advance(4 * MINUTE_MS);
    world.post(&signup("1")).await;
    world.advance(2 * MINUTE_MS);
    assert_eq!(world.sweep().await.released, 1);
    assert_eq!(world.messages().len(), 1);
}
