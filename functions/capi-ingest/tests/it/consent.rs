//! Consent at every endpoint: what is answered, and what is queued for the receipt.

use adrelay_core::config::{ConsentPolicy, Scope};
use adrelay_core::ids::PixelId;
use serde_json::{Value, json};

use crate::world::{AGENT, ORIGIN, PUBLIC, World, purchase, request, source};

/// A world whose source has two pixels and this policy.
fn world(consent_policy: ConsentPolicy) -> World {
    let world = World::new();
    let pixel_ids = ["111", "222"].map(|id| PixelId::parse(id).unwrap()).to_vec();
    world.config.add_source(adrelay_core::config::Source { consent_policy, pixel_ids, ..source() });
    world
}

fn with(consent: &Value) -> Value {
    let mut event = purchase("A-1");
    event["consent"] = consent.clone();
    event["event_id"] = json!("e");
    event
}

/// Pixel, reason and events of each message.
fn queued(world: &World) -> Vec<(String, Option<String>, usize)> {
    let shape = |m: adrelay_core::message::EventMessage| (m.pixel_id.to_string(), m.skip, m.events.len());
    world.queued().into_iter().map(shape).collect()
}

fn for_both_pixels(reason: &str) -> Vec<(String, Option<String>, usize)> {
    ["111", "222"].map(|pixel| (pixel.to_owned(), Some(reason.to_owned()), 1)).to_vec()
}

/// Nothing by which anybody could be known.
fn assert_bare(world: &World) {
    for event in world.queued_events() {
        let mut names: Vec<&String> = event.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["action_source", "event_id", "event_name", "event_time"]);
    }
}

#[tokio::test]
async fn a_denied_event_is_queued_for_its_receipts_alone() {
    for denied in [json!("denied"), json!(false)] {
        let world = world(ConsentPolicy::Assume);
        let answer = world.post("/api/v1/meta/event", &with(&denied)).await;
        let expected =
            json!({"success": true, "event_id": "e", "status": "skipped", "code": "consent_denied"});
        assert_eq!((answer.status, answer.body), (202, expected));
        assert_eq!(queued(&world), for_both_pixels("consent_denied"));
        assert_bare(&world);
    }
}

#[tokio::test]
async fn without_consent_a_source_that_requires_it_sends_nothing() {
    let world = world(ConsentPolicy::Require);
    let answer = world.post("/api/v1/meta/event", &with(&json!("unknown"))).await;
    let expected = json!({"success": true, "event_id": "e", "status": "skipped", "code": "consent_unknown"});
    assert_eq!((answer.status, answer.body), (202, expected));
    assert_eq!(queued(&world), for_both_pixels("consent_unknown"));
    assert_bare(&world);
    let granted = world.post("/api/v1/meta/event", &with(&json!(true))).await;
    assert_eq!(granted.body["status"], "queued");
}

#[tokio::test]
async fn a_batch_parts_what_is_sent_from_what_is_not() {
    let world = world(ConsentPolicy::Require);
    let events = json!([with(&json!("granted")), with(&json!("denied")), with(&json!("unknown"))]);
    let answer = world.post("/api/v1/meta/events", &json!({"events": events})).await;
    assert_eq!((&answer.body["accepted"], &answer.body["skipped"]), (&json!(1), &json!(2)));
    let codes: Vec<&Value> = answer.body["results"].as_array().unwrap().iter().map(|r| &r["code"]).collect();
    assert_eq!(codes, [&Value::Null, &json!("consent_denied"), &json!("consent_unknown")]);
    assert_eq!(queued(&world).len(), 6);
}

#[tokio::test]
async fn a_source_under_limited_data_use_says_so_to_meta_where_the_event_does_not() {
    let world = world(ConsentPolicy::LimitedDataUse);
    let mut own = purchase("A-2");
    own["data_processing_options"] = json!([]);
    for event in [purchase("A-1"), with(&json!("granted")), own] {
        assert_eq!(world.post("/api/v1/meta/event", &event).await.body["status"], "queued");
    }
    let options: Vec<Value> =
        world.queued_events().iter().map(|e| e["data_processing_options"].clone()).collect();
    let (limited, granted, own) = (json!(["LDU"]), Value::Null, json!([]));
    assert_eq!(options, [limited.clone(), limited, granted.clone(), granted, own.clone(), own]);
}

#[tokio::test]
async fn browsers_and_metas_own_endpoint_know_consent_too() {
    let world = world(ConsentPolicy::Require);
    let view = json!({"event_name": "ViewContent", "event_id": "v", "event_source_url": "https://shop.example/",
        "user_data": {"fbp": "fb.1.1596403881668.1098115397"}});
    let headers = [("content-type", "text/plain"), ("origin", ORIGIN), ("user-agent", AGENT)];
    let body = json!({"key": PUBLIC, "events": [view]}).to_string();
    let answer = world.send(request("/b/events", &headers, body)).await;
    assert_eq!((answer.status, &answer.body["results"][0]["code"]), (202, &json!("consent_unknown")));
    assert_eq!(queued(&world), for_both_pixels("consent_unknown"));
    assert!(world.queued().iter().all(|message| message.key_scope == Scope::Public));
    assert_bare(&world);

    let answer = world.post("/v26.0/222/events", &json!({"data": [with(&json!("denied"))]})).await;
    assert_eq!((answer.status, &answer.body["events_received"]), (200, &json!(0)));
    assert_eq!(answer.body["messages"], json!(["data[0] skipped: consent_denied"]));
    assert_eq!(queued(&world)[2..], [("222".to_owned(), Some("consent_denied".to_owned()), 1)]);
}

#[tokio::test]
async fn a_receipt_that_cannot_be_queued_is_not_promised() {
    let world = world(ConsentPolicy::Assume);
    world.queue.set_refusing(true);
    let answer = world.post("/api/v1/meta/event", &with(&json!("denied"))).await;
    assert_eq!(answer.code(), (503, "queue_unavailable"));
}

#[tokio::test]
async fn consent_that_cannot_be_read_is_refused() {
    let world = world(ConsentPolicy::Assume);
    let answer = world.post("/api/v1/meta/event", &with(&json!("maybe"))).await;
    assert_eq!((answer.status, &answer.body["errors"][0]["code"]), (422, &json!("consent_invalid")));
    assert!(world.queue.bodies().is_empty());
}
