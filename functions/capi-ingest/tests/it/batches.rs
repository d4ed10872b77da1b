//! `POST /api/v1/meta/events`.

use adrelay_core::message::MAX_MESSAGE_BYTES;
use serde_json::{Value, json};

use crate::world::{World, bad, purchase, request};

const PATH: &str = "/api/v1/meta/events";

fn statuses(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|result| result["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_bad_event_never_harms_the_others() {
    let world = World::new();
    let mut denied = purchase("A-3");
    denied["consent"] = json!(false);
    let events = json!([purchase("A-1"), 7, "text", null, [1], bad("A-2"), denied, purchase("A-4")]);
    let answer = world.post(PATH, &json!({"events": events})).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        statuses(&answer.body),
        ["queued", "rejected", "rejected", "rejected", "rejected", "rejected", "skipped", "queued"]
    );
    let counts =
        ["accepted", "rejected", "skipped", "unavailable"].map(|name| answer.body[name].as_u64().unwrap());
    assert_eq!(counts, [2, 5, 1, 0]);
    assert_eq!(answer.body["results"][1]["errors"][0]["code"], "event_not_an_object");
    let queued: Vec<_> = world.queued().iter().map(|m| (m.skip.clone(), m.events.len())).collect();
    let skipped = Some("consent_denied".to_owned());
    assert_eq!(
        queued,
        [(None, 2), (skipped, 1)],
        "a message for one pixel, and one for what is not to be sent"
    );
}

#[tokio::test]
async fn all_bad_is_422_with_every_result() {
    let world = World::new();
    let answer = world.post(PATH, &json!({"events": [bad("A"), {}]})).await;
    assert_eq!(answer.code(), (422, "all_events_rejected"));
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["rejected"], 2);
    assert_eq!(statuses(&answer.body), ["rejected", "rejected"]);
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_thousand_events_make_few_full_messages() {
    let world = World::new();
    let events: Vec<Value> = (0..1_000).map(|n| purchase(&n.to_string())).collect();
    let answer = world.post(PATH, &json!({"events": events})).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(1_000)));
    let bodies = world.queue.bodies();
    let total: usize = bodies.iter().map(String::len).sum();
    assert_eq!(bodies.len(), total.div_ceil(MAX_MESSAGE_BYTES));
    assert!(bodies.iter().all(|body| body.len() <= MAX_MESSAGE_BYTES));
    assert_eq!(world.queued_events().len(), 1_000);
}

#[tokio::test]
async fn the_limit_is_a_thousand() {
    let world = World::new();
    let events: Vec<Value> = (0..1_001).map(|_| json!({})).collect();
    assert_eq!(world.post(PATH, &json!({"events": events})).await.code(), (422, "too_many_events"));
}

#[tokio::test]
async fn an_event_goes_to_every_pixel_or_to_the_one_it_names() {
    let world = World::new();
    let mut two = crate::world::source();
    two.pixel_ids.push(adrelay_core::ids::PixelId::parse("222").unwrap());
    world.config.add_source(two);
    let mut one = purchase("B");
    one["pixel_id"] = json!(222);
    let mut foreign = purchase("C");
    foreign["pixel_id"] = json!("999");
    let answer = world.post(PATH, &json!({"events": [purchase("A"), one, foreign]})).await;
    assert_eq!(statuses(&answer.body), ["queued", "queued", "rejected"]);
    assert_eq!(answer.body["results"][2]["errors"][0]["code"], "pixel_not_allowed");
    let counts: Vec<_> = world.queued().iter().map(|m| (m.pixel_id.to_string(), m.events.len())).collect();
    assert_eq!(counts, [("111".to_owned(), 1), ("222".to_owned(), 2)]);
}

#[tokio::test]
async fn an_idempotency_key_names_each_event_by_its_place() {
    let world = World::new();
    let lead = json!({"event_name": "Lead", "user_data": {"email": "a@b.org"}});
    let headers = [("authorization", "Bearer adr_ingest_shop"), ("idempotency-key", "k")];
    let body = json!({"events": [lead, lead]}).to_string();
    let ids =
        |answer: &Value| [0, 1].map(|at| answer["results"][at]["event_id"].as_str().unwrap().to_owned());
    let first = ids(&world.send(request(PATH, &headers, body.clone())).await.body);
    let second = ids(&world.send(request(PATH, &headers, body)).await.body);
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
}

#[tokio::test]
async fn where_the_queue_takes_nothing_it_is_503_with_every_result() {
    let world = World::new();
    world.queue.set_refusing(true);
    let answer = world.post(PATH, &json!({"events": [purchase("A"), bad("B")]})).await;
    assert_eq!(answer.code(), (503, "queue_unavailable"));
    assert_eq!(answer.headers["retry-after"], "5");
    assert_eq!(statuses(&answer.body), ["unavailable", "rejected"]);
    assert!(answer.body["results"][0]["event_id"].is_string());
}
