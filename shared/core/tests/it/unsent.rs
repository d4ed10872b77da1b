//! What the dispatcher does not send (events to skip, events of erased people) and what receipts and index lines say of
//! what it does.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in what it calls too")]

use adrelay_core::config::Scope;
use adrelay_core::message::{EventMessage, Held, QueuedEvent};
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::erasure::ErasureWriter as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::{Outcome, Status};
use adrelay_core::time::UnixMillis;
use fakes::{NOON, Rig, ScriptedMeta};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;

fn rig() -> Rig<ScriptedMeta> {
    Rig::scripted(7)
}

fn outcomes(rig: &Rig<ScriptedMeta>) -> Vec<Outcome> {
    rig.ports().events.receipts().into_values().map(|receipt| receipt.outcome).collect()
}

fn skip(rig: &Rig<ScriptedMeta>, ids: &[&str], reason: &str) -> EventMessage {
    EventMessage { skip: Some(reason.to_owned()), ..rig.message(ids, Scope::Ingest) }
}

/// A message with one event of these user_data.
fn of(rig: &Rig<ScriptedMeta>, id: &str, user_data: &Value) -> EventMessage {
    let message = rig.message(&[id], Scope::Ingest);
    let mut event: Value = serde_json::from_str(message.events[0].json()).unwrap();
    event["user_data"] = user_data.clone();
    let event = QueuedEvent::from_raw(serde_json::value::to_raw_value(&event).unwrap()).unwrap();
    EventMessage { events: vec![event], ..message }
}

fn hash(text: &str) -> Sha256Hex {
    Sha256Hex::of(text).unwrap()
}

async fn erase(rig: &Rig<ScriptedMeta>, text: &str) {
    let now = rig.ports().clock.now();
    rig.ports().events.bury(&rig.tenant, &[hash(text)], now).await.unwrap();
}

#[tokio::test]
async fn what_is_not_to_be_sent_has_a_receipt_with_the_reason_and_meta_never_sees_it() {
    let rig = rig();
    // Its pixel waits for a person, which does not matter here.
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| {
        pixel.health = adrelay_core::config::Health::NeedsAttention {
            reason: "token_invalid".to_owned(),
            code: None,
            subcode: None,
            since: NOON,
        };
    });
    let message = skip(&rig, &["a", "b"], "consent_denied");
    rig.push(message);
    let message = skip(&rig, &["c"], "consent_unknown");
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.waiting(), 0);
    let found: Vec<_> = outcomes(&rig).into_iter().map(|o| (o.status, o.reason)).collect();
    let reason = |reason: &str| (Status::Skipped, Some(reason.to_owned()));
    assert_eq!(found, [reason("consent_denied"), reason("consent_denied"), reason("consent_unknown")]);
}

#[tokio::test]
async fn a_skip_never_replaces_what_was_sent_and_is_replaced_by_it() {
    let rig = rig();
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let message = skip(&rig, &["a", "b"], "consent_denied");
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let statuses: Vec<Status> = outcomes(&rig).iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::Sent, Status::Skipped]);
    let lines = rig.ports().events.index_lines();
    assert_eq!(
        lines.iter().map(|line| (line.status, line.count)).collect::<Vec<_>>(),
        [(Status::Sent, 1), (Status::Skipped, 1)]
    );
    rig.post(&["b"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
}

#[tokio::test]
async fn one_batch_sends_what_may_be_sent_and_skips_the_rest() {
    let rig = rig();
    rig.post(&["a", "b"]);
    let message = skip(&rig, &["c"], "consent_denied");
    rig.push(message);
    let report = rig.step(10).await.expect("a batch");
    assert_eq!((report.sent, report.skipped), (2, 1));
    assert_eq!(rig.ports().meta.calls().concat(), ["a", "b"]);
}

#[tokio::test]
async fn a_skip_survives_a_store_that_fails() {
    let rig = rig();
    let message = skip(&rig, &["a"], "consent_denied");
    rig.push(message);
    rig.ports().events.set_down(true);
    rig.step(10).await;
    rig.ports().events.set_down(false);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.count(Status::Skipped), 1);
}

#[tokio::test]
async fn a_long_reason_is_cut_to_what_a_receipt_has_room_for() {
    let rig = rig();
    let message = skip(&rig, &["a"], &"é".repeat(100));
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(outcomes(&rig)[0].reason.as_deref(), Some("é".repeat(32).as_str()));
}

#[tokio::test]
async fn a_receipt_says_how_long_an_event_was_held_and_what_was_known_before() {
    let rig = rig();
    let held = Held { since: NOON.plus_ms(-60_000), keys_before: vec!["fbp".into()] };
    let message = EventMessage { held: Some(held.clone()), ..rig.message(&["a"], Scope::Ingest) };
    // Meta is away at first: the message is sent anew, and still knows.
    rig.ports().meta.script(|_, _, nth| match nth {
        0..5 => Err(ScriptedMeta::failure(Verdict::Retry, 2, None)),
        _ => Ok(()),
    });
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let outcome = outcomes(&rig).remove(0);
    assert_eq!((outcome.status, outcome.held), (Status::Sent, Some(held)));
    assert_eq!(outcome.user_data_keys, ["em".into()]);
}

#[tokio::test]
async fn an_erased_persons_events_end_as_erased_and_others_are_sent() {
    let rig = rig();
    for (id, user_data) in [
        ("mail", json!({"em": [hash("ann").as_str(), hash("work").as_str()]})),
        ("text", json!({"ph": hash("ann").as_str()})),
        ("other", json!({"em": [hash("bob").as_str()]})),
    ] {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    erase(&rig, "ann").await;
    let report = rig.step(10).await.expect("a batch");
    assert_eq!((report.erased, report.sent), (2, 1));
    assert_eq!(rig.ports().meta.calls(), [["other"]]);
    let erased: Vec<Outcome> = outcomes(&rig).into_iter().filter(|o| o.status == Status::Erased).collect();
    assert_eq!(erased.len(), 2);
    assert!(erased.iter().all(|outcome| outcome.reason.as_deref() == Some("person_erased")));
}

#[tokio::test]
async fn what_an_erased_person_does_later_is_sent() {
    let rig = rig();
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_001);
    let message = of(&rig, "new", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
}

#[tokio::test]
async fn a_copy_from_before_the_erasure_keeps_a_later_one_from_being_sent() {
    let rig = rig();
    let early = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(120_000);
    let late = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    rig.push(late);
    rig.push(early);
    rig.step(10).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn an_erasure_is_heard_of_within_a_minute() {
    let rig = rig();
    rig.post(&["first"]);
    rig.step(10).await;
    let message = of(&rig, "a", &json!({"external_id": [hash("ann").as_str()]}));
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.push(message);
    rig.step(10).await;
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn while_it_cannot_be_read_who_was_erased_nothing_is_sent_and_nothing_is_lost() {
    let rig = rig();
    rig.ports().events.faults().set_down("tombstones", true);
    rig.post(&["a", "b"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    rig.ports().events.faults().set_down("tombstones", false);
    rig.run(10, NOON.plus_ms(3 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn the_list_of_who_was_erased_is_read_once_a_minute_whatever_comes() {
    let rig = rig();
    let other = adrelay_core::ids::PixelId::parse("987654321").unwrap();
    rig.ports().config.add_pixel(&rig.tenant, &other, "token");
    for n in 0..50 {
        rig.post(&[&format!("e{n}")]);
        let elsewhere =
            EventMessage { pixel_id: other.clone(), ..rig.message(&[&format!("f{n}")], Scope::Ingest) };
        rig.push(elsewhere);
        rig.step(10).await;
    }
    assert_eq!(rig.ports().events.count(Status::Sent), 100);
    let minutes = rig.ports().clock.now().ms_since(NOON) / 60_000 + 1;
    assert!(
        i64::try_from(rig.ports().events.faults().calls("tombstones")).unwrap() <= minutes,
        "{minutes} minutes"
    );
}

#[tokio::test]
async fn a_sent_event_stays_sent_when_its_message_comes_again_after_the_erasure() {
    let rig = rig();
    let message = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message.clone());
    rig.step(10).await;
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.push(message);
    rig.step(10).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
    assert_eq!(rig.ports().events.index_lines().len(), 1);
}

#[tokio::test]
async fn a_probe_tries_no_event_of_an_erased_person_and_the_rest_is_released() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Token, 190, None)));
    for (id, user_data) in
        [("gone", json!({"em": [hash("ann").as_str()]})), ("stays", json!({"em": [hash("bob").as_str()]}))]
    {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    rig.step(10).await;
    assert_eq!(rig.ports().events.waiting(), 2);
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.ports().meta.script(|_, _, _| Ok(()));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.held(), ["stays".to_owned()].into());
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
    assert_eq!(rig.ports().events.waiting(), 0);
}

#[tokio::test]
async fn a_room_of_erased_people_alone_empties_without_a_call() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Token, 190, None)));
    let message = of(&rig, "gone", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message);
    rig.step(10).await;
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    let calls = rig.ports().meta.calls().len();
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.calls().len(), calls);
    assert_eq!(rig.ports().events.waiting(), 0);
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn a_line_counts_its_events_and_the_keys_they_have() {
    let rig = rig();
    for (id, user_data) in [
        ("a", json!({"em": ["x"], "fbp": "y"})),
        ("b", json!({"em": ["x"]})),
        // A copy is no further event.
        ("b", json!({"em": ["x"]})),
    ] {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    rig.step(10).await;
    let lines = rig.ports().events.index_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].status, lines[0].count), (Status::Sent, 2));
    let keys: Vec<(&str, u64)> = lines[0].keys.iter().map(|(key, count)| (&**key, *count)).collect();
    assert_eq!(keys, [("em", 2), ("fbp", 1)]);
    assert_eq!(lines[0].at, UnixMillis(NOON.0));
}
