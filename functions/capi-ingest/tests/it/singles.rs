//! `POST /api/v1/meta/event`.

use adrelay_core::config::Scope;
use serde_json::{Value, json};

use crate::world::{World, bad, purchase, request};

const PATH: &str = "/api/v1/meta/event";

#[tokio::test]
async fn a_good_event_is_on_the_queue_before_the_answer() {
    let world = World::new();
    let mut event = purchase("A-1");
    event["event_id"] = json!("e-1");
    let answer = world.post(PATH, &event).await;
    assert_eq!(
        (answer.status, answer.body),
        (202, json!({"success": true, "event_id": "e-1", "status": "queued", "hashed": true}))
    );
    let message = world.queued().remove(0);
    assert_eq!(message.pixel_id.as_str(), "111");
    assert_eq!((message.tenant.as_str(), message.source.as_str()), ("acme", "shop"));
    assert_eq!((message.key_scope, message.attempt), (Scope::Ingest, 0));
    let sent = world.queued_events().remove(0);
    assert_eq!(
        sent["user_data"]["em"],
        json!(["5ff860bf1190596c7188ab851db691f0f3169c453936e9e1eba2f9a47f7a0018"])
    );
    assert_eq!(sent["user_data"]["client_ip_address"], "198.51.100.4");
    assert!(!world.queue.bodies()[0].contains("bob@"));
}

#[tokio::test]
async fn warnings_come_with_the_answer() {
    let world = World::new();
    let mut event = purchase("A-1");
    event["user_data"]["phone"] = json!("call me");
    let answer = world.post(PATH, &event).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body["warnings"], json!([{"field": "user_data.phone", "code": "not_a_phone_number"}]));
}

#[tokio::test]
async fn a_bad_event_is_422_with_its_fields() {
    let world = World::new();
    let answer = world.post(PATH, &bad("A-1")).await;
    assert_eq!(answer.code(), (422, "validation_failed"));
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let message = "Purchase needs custom_data.currency";
    let error = json!({"field": "custom_data.currency", "code": "currency_missing", "message": message});
    assert_eq!(answer.body["errors"], json!([error]));
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn where_nobody_can_be_matched_the_answer_says_what_was_left_out() {
    let world = World::new();
    let mut event = purchase("A-1");
    event["user_data"] = json!({"email": "nonsense", "client_user_agent": "M"});
    let answer = world.post(PATH, &event).await;
    let codes: Vec<&Value> = answer.body["errors"].as_array().unwrap().iter().map(|e| &e["code"]).collect();
    assert_eq!((answer.status, codes), (422, vec![&json!("user_data_insufficient"), &json!("not_an_email")]));
}

#[tokio::test]
async fn a_repeated_post_is_the_same_event() {
    let world = World::new();
    let first = world.post(PATH, &purchase("A-1")).await.body;
    assert_eq!(first["event_id"], world.post(PATH, &purchase("A-1")).await.body["event_id"]);
    let keyed = |key: &'static str| {
        let mut lead = purchase("A-1");
        lead["event_name"] = json!("Lead");
        let headers = [("authorization", "Bearer adr_ingest_shop"), ("idempotency-key", key)];
        world.send(request(PATH, &headers, lead.to_string()))
    };
    let [a, b, c] =
        [keyed("k1").await, keyed("k1").await, keyed("k2").await].map(|a| a.body["event_id"].clone());
    assert_eq!(a, b);
    assert_ne!(a, c);
}

#[tokio::test]
async fn an_idempotency_key_has_bounds() {
    let world = World::new();
    let long = "k".repeat(257);
    for key in ["", long.as_str()] {
        let headers = [("authorization", "Bearer adr_ingest_shop"), ("idempotency-key", key)];
        let answer = world.send(request(PATH, &headers, purchase("A").to_string())).await;
        assert_eq!(answer.code(), (400, "idempotency_key_invalid"));
    }
}

#[tokio::test]
async fn another_tenants_pixel_is_403_and_reveals_nothing() {
    let world = World::new();
    let mut event = purchase("A-1");
    event["pixel_id"] = json!("999");
    let answer = world.post(PATH, &event).await;
    assert_eq!(answer.code(), (403, "pixel_not_allowed"));
    assert!(!answer.body.to_string().contains("999"));
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_queue_that_refuses_is_503_with_the_id_to_post_again() {
    let world = World::new();
    world.queue.set_refusing(true);
    let answer = world.post(PATH, &purchase("A-1")).await;
    assert_eq!(answer.code(), (503, "queue_unavailable"));
    assert_eq!(answer.headers["retry-after"], "5");
    let id = answer.body["event_id"].clone();
    world.queue.set_refusing(false);
    assert_eq!(world.post(PATH, &purchase("A-1")).await.body["event_id"], id);
}

#[tokio::test]
async fn the_servers_own_address_never_stands_for_the_visitors() {
    let world = World::new();
    let mut event = purchase("A-1");
    event["user_data"].as_object_mut().unwrap().remove("client_ip_address");
    assert_eq!(world.post(PATH, &event).await.status, 202);
    assert!(world.queued_events()[0]["user_data"].get("client_ip_address").is_none());
}

#[tokio::test]
async fn a_changed_source_holds_within_a_minute() {
    let world = World::new();
    assert_eq!(world.post(PATH, &purchase("A")).await.status, 202);
    let mut changed = crate::world::source();
    changed.pixel_ids.push(adrelay_core::ids::PixelId::parse("222").unwrap());
    world.config.add_source(changed);
    world.config.set_down(true);
    assert_eq!(world.post(PATH, &purchase("B")).await.status, 202, "no read within the minute");
    world.clock.advance_ms(60_000);
    assert_eq!(world.post(PATH, &purchase("C")).await.code(), (503, "unavailable"));
    world.config.set_down(false);
    world.post(PATH, &purchase("D")).await;
    let pixels: Vec<_> = world.queued().iter().map(|m| m.pixel_id.to_string()).collect();
    assert_eq!(pixels, ["111", "111", "111", "222"]);
}
