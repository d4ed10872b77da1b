//! What waits, for how long, and what ends the wait.

use adrelay_core::config::ConsentPolicy;
use adrelay_core::conversion::{Fate, Holding};
use adrelay_core::ids::ConversionKey;
use adrelay_core::people::{Consent, RegistryError};
use adrelay_core::ports::people::{ConversionStore as _, Hold, HoldReason, HoldStore as _, StoredConversion};
use adrelay_core::time::UnixMillis;
use fakes::NOON;
use serde_json::{Value, json};

use crate::conversion::world::{DAY_MS, HOUR_MS, MINUTE_MS, World, name, signup, visited};

/// `signup` waits five minutes for an identify call.
fn awaiting_identity() -> World {
    World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
    })
}

/// Everything waits two hours for consent.
fn requiring_consent() -> World {
    World::of_source(|source| {
        source.consent_policy = ConsentPolicy::Require;
        source.consent_hold_hours = 2;
    })
}

fn aged(world: &World, id: &str, age_ms: i64) -> Value {
    let mut body = visited(id);
    body["event_time"] = json!(world.now().plus_ms(-age_ms).secs());
    body
}

#[tokio::test]
async fn a_wait_lasts_as_long_as_the_source_says() {
    let world = awaiting_identity();
    let held = world.post(&signup("1")).await.held;
    let until = NOON.plus_ms(5 * MINUTE_MS);
    assert_eq!(held, Some(Holding { reason: HoldReason::Identity, until }));
    let world = requiring_consent();
    let held = world.post(&visited("1")).await.held;
    let until = NOON.plus_ms(2 * HOUR_MS);
    assert_eq!(held, Some(Holding { reason: HoldReason::Consent, until }));
    let stored = &world.parts.people.held()[0];
    assert_eq!((stored.reason, stored.since, stored.until), (HoldReason::Consent, NOON, until));
}

#[tokio::test]
async fn a_wait_for_consent_ends_an_hour_before_meta_refuses_the_event() {
    let world = World::of_source(|source| {
        source.consent_policy = ConsentPolicy::Require;
        source.consent_hold_hours = 144;
    });
    // Meta takes it until it is 7 days less an hour old.
    let held = world.post(&aged(&world, "1", 3 * DAY_MS)).await.held.unwrap();
    assert_eq!(held.until, NOON.plus_ms(4 * DAY_MS - 2 * HOUR_MS));
}

#[tokio::test]
async fn what_is_too_old_to_wait_for_consent_is_skipped_at_once() {
    let world = requiring_consent();
    let last_ms = 7 * DAY_MS - 2 * HOUR_MS;
    for (id, age_ms, held) in
        [("1", last_ms - 1_000, true), ("2", last_ms, false), ("3", last_ms + HOUR_MS, false)]
    {
        let tracked = world.post(&aged(&world, id, age_ms)).await;
        assert_eq!(tracked.held.is_some(), held, "{id}");
        let reasons: Vec<Option<&str>> =
            tracked.meta_events.iter().map(|event| event.reason.as_deref()).collect();
        let expected: &[Option<&str>] = if held { &[] } else { &[Some("consent_unknown")] };
        assert_eq!(reasons, expected, "{id}");
    }
    assert_eq!(world.parts.people.held().len(), 1, "only the first one waits");
    let skips: Vec<Option<String>> = world.messages().into_iter().map(|message| message.skip).collect();
    assert_eq!(skips, [Some("consent_unknown".to_owned()), Some("consent_unknown".to_owned())]);
}

#[tokio::test]
async fn a_source_that_waits_no_minute_holds_nothing() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 0;
    });
    assert_eq!(world.post(&signup("1")).await.held, None);
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (0, 1));
}

#[tokio::test]
async fn a_hold_keeps_which_keys_were_known_when_it_began() {
    let world = awaiting_identity();
    let mut body = signup("1");
    body["identity"]["city"] = json!("Berlin");
    body["context"] = json!({"ip": "203.0.113.7", "fbp": "fb.1.1596403881668.1098115397"});
    world.post(&body).await;
    let mut keys: Vec<String> =
        world.parts.people.held()[0].keys_before.iter().map(ToString::to_string).collect();
    keys.sort();
    assert_eq!(keys, ["client_ip_address", "ct", "external_id", "fbp"]);
    world.advance(MINUTE_MS);
    world.call(&json!({"identity": {"external_id": "anonymous", "phone": "+16505551212"}})).await;
    let message = &world.messages()[0];
    let held = message.held.as_ref().unwrap();
    assert_eq!((held.since, held.keys_before.len()), (NOON, 4));
    assert!(message.events[0].head().user_data_keys.iter().any(|key| &**key == "ph"));
}

#[tokio::test]
async fn a_refused_consent_is_known_to_the_hold_as_its_keys_are() {
    // The keys are those that would go out if it were sent, whatever the consent is.
    let world = requiring_consent();
    world.post(&visited("1")).await;
    let keys = &world.parts.people.held()[0].keys_before;
    assert!(keys.iter().any(|key| &**key == "em"), "{keys:?}");
}

#[tokio::test]
async fn with_forwarding_off_nothing_is_held() {
    let world = World::of(
        |source| source.consent_policy = ConsentPolicy::Require,
        |settings| settings.forward = false,
    );
    let tracked = world.post(&visited("1")).await;
    assert!(tracked.stored && tracked.held.is_none() && tracked.meta_events.is_empty());
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (0, 0));
}

#[tokio::test]
async fn a_phone_or_an_address_is_identity_enough() {
    for identity in [json!({"email": "jane@example.com"}), json!({"phone": "+16505551212"})] {
        let world = awaiting_identity();
        let mut body = signup("1");
        body["identity"] = identity;
        assert_eq!(world.post(&body).await.held, None);
        assert_eq!(world.messages().len(), 1);
    }
}

#[tokio::test]
async fn the_events_own_consent_or_the_persons_needs_no_wait() {
    for (own, persons, status) in [
        (Some("granted"), None, Fate::Queued),
        (Some("denied"), None, Fate::Skipped),
        (None, Some("granted"), Fate::Queued),
        (None, Some("denied"), Fate::Skipped),
        // What the event says itself counts.
        (Some("granted"), Some("denied"), Fate::Queued),
        (Some("denied"), Some("granted"), Fate::Skipped),
    ] {
        let world = requiring_consent();
        if let Some(consent) = persons {
            world.call(&json!({"identity": {"external_id": "u1"}, "consent": consent})).await;
        }
        let mut body = visited("1");
        body["consent"] = json!(own);
        let tracked = world.post(&body).await;
        assert_eq!(tracked.held, None, "{own:?} {persons:?}");
        assert_eq!(tracked.meta_events[0].status, status, "{own:?} {persons:?}");
    }
}

#[tokio::test]
async fn a_call_before_the_end_leaves_waiting_what_it_does_not_help() {
    let world = awaiting_identity();
    world.post(&signup("1")).await;
    let outcome = world.call(&json!({"identity": {"external_id": "anonymous", "first_name": "J"}})).await;
    assert_eq!((outcome.created, outcome.released, outcome.waiting), (false, 0, 1));
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (1, 0));
    world.advance(5 * MINUTE_MS);
    // Its time is over: the same call sends it with what is known.
    let outcome = world.call(&json!({"identity": {"external_id": "anonymous"}})).await;
    assert_eq!((outcome.released, outcome.waiting), (1, 0));
    assert_eq!(world.queued(), [("signup".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn a_wait_for_identity_that_is_over_becomes_one_for_consent() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![name("signup")];
        source.hold_minutes = 5;
        source.consent_policy = ConsentPolicy::Require;
        source.consent_hold_hours = 2;
    });
    world.post(&signup("1")).await;
    world.advance(6 * MINUTE_MS);
    let report = world.sweep().await;
    assert_eq!((report.released, report.waiting, report.failed), (0, 1, 0));
    let held = world.parts.people.held();
    assert_eq!((held[0].reason, held[0].since), (HoldReason::Consent, NOON));
    assert_eq!(held[0].until, NOON.plus_ms(2 * HOUR_MS), "from the conversion's arrival on");
    let writes = world.parts.people.writes();
    assert_eq!(world.sweep().await.waiting, 0, "it is filed under its new minute");
    world.call(&json!({"identity": {"external_id": "anonymous"}})).await;
    assert_eq!(world.parts.people.writes(), writes, "a hold that stands as it should is not written again");
    world.advance(2 * HOUR_MS);
    assert_eq!(world.sweep().await.released, 1);
    assert_eq!(world.messages()[0].skip.as_deref(), Some("consent_unknown"));
}

#[tokio::test]
async fn a_call_settles_the_holds_of_every_part_of_the_person() {
    let world = awaiting_identity();
    for nth in 0..3 {
        let mut body = signup(&format!("{nth}"));
        body["identity"]["external_id"] = json!(format!("a{nth}"));
        world.post(&body).await;
    }
    assert_eq!(world.parts.people.held().len(), 3);
    // One post joins two of the three persons.
    let joined = json!({"identity": {"external_ids": {"shop": ["a0", "a1"]}, "email": "jane@example.com"}});
    let outcome = world.call(&joined).await;
    assert_eq!((outcome.released, outcome.waiting), (2, 0));
    assert_eq!(world.parts.people.held().len(), 1);
}

#[tokio::test]
async fn what_was_held_for_somebody_who_was_erased_is_dropped_unsent() {
    let world = awaiting_identity();
    let person = world.post(&signup("1")).await.person_id.unwrap();
    let mut doc = world.parts.people.everybody().remove(0);
    doc.doc.erased_at = Some(NOON);
    adrelay_core::ports::people::PeopleStore::save(&world.parts.people, &doc).await.unwrap();
    world.advance(6 * MINUTE_MS);
    let report = world.sweep().await;
    assert_eq!((report.released, report.failed), (1, 0));
    assert_eq!((world.parts.people.held().len(), world.messages().len()), (0, 0), "{person}");
}

#[tokio::test]
async fn a_hold_without_its_conversion_or_its_source_is_dropped() {
    let world = awaiting_identity();
    let people = &world.parts.people;
    world.post(&signup("1")).await;
    let (hold, stored) = (people.held().remove(0), people.stored_conversions().remove(0));
    people.release(&hold).await.unwrap();
    let conversion: ConversionKey = "9999999999999999999999".parse().unwrap();
    people.hold(&Hold { conversion, ..hold.clone() }).await.unwrap();
    let key: ConversionKey = "8888888888888888888888".parse().unwrap();
    let of_nobody = StoredConversion { key: key.clone(), source: "gone".parse().unwrap(), ..stored };
    people.store(&of_nobody).await.unwrap();
    people.hold(&Hold { conversion: key, ..hold }).await.unwrap();
    world.advance(6 * MINUTE_MS);
    let report = world.sweep().await;
    assert_eq!((report.released, report.failed), (2, 0));
    assert_eq!((people.held().len(), world.messages().len()), (0, 0));
}

#[tokio::test]
async fn consent_is_written_when_it_changes_and_not_each_time() {
    let world = World::new();
    let call = |consent: &str| json!({"identity": {"external_id": "u1"}, "consent": consent});
    let first = world.call(&call("granted")).await;
    assert!(first.created);
    let consent = |at: UnixMillis, status: Consent| (status, at);
    let said = || async {
        let consent = world.whole(&first.person_id).await.consent.unwrap();
        (consent.status, consent.at)
    };
    assert_eq!(said().await, consent(NOON, Consent::Granted));
    let writes = world.parts.people.writes();
    world.advance(1_000);
    let again = world.call(&call("granted")).await;
    assert!(!again.created);
    assert_eq!(said().await, consent(NOON, Consent::Granted));
    assert_eq!(world.parts.people.writes(), writes, "the same again is no write");
    world.call(&call("denied")).await;
    assert_eq!(said().await, consent(NOON.plus_ms(1_000), Consent::Denied));
}

#[tokio::test]
async fn a_call_writes_what_it_says_of_the_person() {
    let world = World::new();
    let call = json!({"identity": {"external_id": "u1", "email": "jane@example.com", "first_name": "Jane"},
        "context": {"ip": "203.0.113.7", "fbp": "fb.1.1596403881668.1098115397"}});
    let outcome = world.call(&call).await;
    let whole = world.whole(&outcome.person_id).await;
    assert_eq!(whole.source_product.as_ref(), Some(&world.source.id));
    assert_eq!(whole.profile.emails, ["jane@example.com"]);
    assert_eq!(whole.profile.first_name.as_deref(), Some("Jane"));
    assert_eq!((whole.ip(NOON), whole.fbp(NOON).is_some()), (Some("203.0.113.7"), true));
    assert_eq!(whole.first_seen, Some(NOON.secs()));
    // One that says nothing of a visit is none.
    let bare = world.call(&json!({"identity": {"external_id": "u2"}})).await;
    assert_eq!(world.whole(&bare.person_id).await.first_seen, None);
}

#[tokio::test]
async fn a_call_about_nobody_is_refused() {
    use adrelay_core::conversion::TrackError;
    let world = World::new();
    let refused =
        world.try_call(&json!({"person_id": "per_nobody", "identity": {"external_id": "u1"}})).await;
    let TrackError::Invalid(notes) = refused.unwrap_err() else { panic!("not refused") };
    assert_eq!((notes[0].field.as_str(), notes[0].code), ("person_id", "person_unknown"));
    assert_eq!(world.parts.people.writes(), 0);
    let TrackError::Unavailable(why) = TrackError::from(RegistryError::Full) else { panic!("refused") };
    assert_eq!(why, "too many parts");
}
