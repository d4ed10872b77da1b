use adrelay_core::config::ConsentPolicy;
use adrelay_core::ids::EventName;
use serde_json::{Value, json};

use crate::world::{World, visited};

const MINUTE_MS: i64 = 60_000;

fn anonymous(id: &str) -> Value {
    json!({"event_name": "signup", "event_id": id, "identity": {"external_id": "anonymous"}})
}

fn holding() -> World {
    World::of_source(|source| {
        source.hold_event_names = vec![EventName::parse("signup").unwrap()];
        source.hold_minutes = 5;
    })
}

#[tokio::test]
async fn a_named_event_waits_for_an_identify_call_and_goes_out_with_what_is_known_then() {
    let world = holding();
    let held = world.convert(&anonymous("1")).await;
    assert_eq!((held.status, &held.body["held"]["reason"]), (202, &json!("identity")));
    assert_eq!((&held.body["forwarded"], world.queue.bodies().len()), (&json!(false), 0));
    world.clock.advance_ms(MINUTE_MS);
    world.sweep().await;
    assert_eq!(world.queue.bodies().len(), 0, "it is not due");
    let identify = json!({"identity": {"external_id": "anonymous", "email": "jane@example.com"}});
    let done = world.post("/api/v1/identify", &identify).await;
    assert_eq!((done.status, &done.body["released"]), (200, &json!(1)));
    let messages = world.messages();
    let held = messages[0].held.as_ref().unwrap();
    assert_eq!(held.since, fakes::NOON);
    let keys_before: Vec<&str> = held.keys_before.iter().map(AsRef::as_ref).collect();
    assert_eq!(keys_before, ["external_id"]);
    assert!(messages[0].events[0].head().user_data_keys.iter().any(|key| &**key == "em"));
    assert_eq!(world.people.held(), []);
    world.clock.advance_ms(10 * MINUTE_MS);
    world.sweep().await;
    assert_eq!(world.queue.bodies().len(), 1, "once");
}

#[tokio::test]
async fn nobody_calls_and_the_sweep_sends_what_is_known() {
    let world = holding();
    world.convert(&anonymous("1")).await;
    world.clock.advance_ms(6 * MINUTE_MS);
    world.sweep().await;
    world.sweep().await;
    assert_eq!(world.names(), [("signup".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn who_is_known_already_and_what_is_not_named_wait_for_nothing() {
    let world = holding();
    let mut known = anonymous("1");
    known["identity"]["phone"] = json!("+16505551212");
    assert_eq!(world.convert(&known).await.body["held"], json!(null));
    assert_eq!(world.convert(&visited("2")).await.body["held"], json!(null));
    assert_eq!(world.names().len(), 2);
}

fn requiring() -> World {
    World::of_source(|source| {
        source.consent_policy = ConsentPolicy::Require;
        source.consent_hold_hours = 2;
    })
}

#[tokio::test]
async fn required_consent_releases_or_drops_what_waited_for_it() {
    for (consent, skip) in [("granted", None), ("denied", Some("consent_denied"))] {
        let world = requiring();
        let held = world.convert(&visited("1")).await;
        assert_eq!((&held.body["held"]["reason"], world.queue.bodies().len()), (&json!("consent"), 0));
        let call = json!({"identity": {"external_id": "u1"}, "consent": consent});
        let done = world.post("/api/v1/consent", &call).await;
        assert_eq!((&done.body["consent"], &done.body["released"]), (&json!(consent), &json!(1)));
        assert_eq!(world.messages()[0].skip.as_deref(), skip);
        assert!(world.messages()[0].held.is_some());
        // From now on nothing waits.
        assert_eq!(world.convert(&visited("2")).await.body["held"], json!(null));
        assert_eq!(world.messages().len(), 2);
    }
}

#[tokio::test]
async fn what_waited_too_long_for_consent_is_dropped_and_says_so() {
    let world = requiring();
    world.convert(&visited("1")).await;
    world.clock.advance_ms(119 * MINUTE_MS);
    world.sweep().await;
    assert_eq!(world.queue.bodies().len(), 0);
    world.clock.advance_ms(2 * MINUTE_MS);
    world.sweep().await;
    assert_eq!(world.messages()[0].skip.as_deref(), Some("consent_unknown"));
    assert_eq!(world.people.held(), []);
}

#[tokio::test]
async fn a_wait_for_identity_may_become_one_for_consent() {
    let world = World::of_source(|source| {
        source.hold_event_names = vec![EventName::parse("signup").unwrap()];
        source.consent_policy = ConsentPolicy::Require;
    });
    world.convert(&anonymous("1")).await;
    let identify = json!({"identity": {"external_id": "anonymous", "email": "jane@example.com"}});
    let identified = world.post("/api/v1/identify", &identify).await;
    assert_eq!((&identified.body["released"], &identified.body["waiting"]), (&json!(0), &json!(1)));
    let call = json!({"identity": {"email": "jane@example.com"}, "consent": "granted"});
    assert_eq!(world.post("/api/v1/consent", &call).await.body["released"], 1);
    assert_eq!(world.names(), [("signup".to_owned(), "1".to_owned())]);
}

#[tokio::test]
async fn a_queue_that_refuses_keeps_the_hold_for_the_next_sweep() {
    let world = holding();
    world.convert(&anonymous("1")).await;
    world.clock.advance_ms(6 * MINUTE_MS);
    world.queue.set_refusing(true);
    world.sweep().await;
    assert_eq!(world.people.held().len(), 1);
    world.queue.set_refusing(false);
    world.sweep().await;
    assert_eq!((world.people.held().len(), world.names().len()), (0, 1));
}

#[tokio::test]
async fn a_call_about_consent_must_say_one() {
    let world = World::new();
    let answer = world.post("/api/v1/consent", &json!({"identity": {"external_id": "u1"}})).await;
    assert_eq!((answer.status, answer.codes()), (422, vec!["consent_invalid"]));
    let nobody = world.post("/api/v1/identify", &json!({"identity": {}})).await;
    assert_eq!((nobody.status, nobody.codes()), (422, vec!["identity_insufficient"]));
}
