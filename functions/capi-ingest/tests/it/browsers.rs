//! `POST /b/events`.

use adrelay_core::config::Scope;
use adrelay_core::ids::EventName;
use serde_json::{Value, json};

use crate::world::{AGENT, ORIGIN, PUBLIC, World, call_from, purchase, request, source};

const PATH: &str = "/b/events";

fn view() -> Value {
    json!({"event_name": "ViewContent", "event_id": "v-1", "event_source_url": "https://shop.example/p?fbclid=AbC",
        "user_data": {"fbp": "fb.1.1596403881668.1098115397"}, "custom_data": {"content_ids": ["p"], "value": 3}})
}

async fn post(world: &World, origin: Option<&str>, events: &Value) -> crate::world::Answer {
    let mut headers = vec![("content-type", "text/plain;charset=UTF-8"), ("user-agent", AGENT)];
    headers.extend(origin.map(|origin| ("origin", origin)));
    world.send(request(PATH, &headers, json!({"key": PUBLIC, "events": events}).to_string())).await
}

#[tokio::test]
async fn a_page_of_the_source_posts_without_a_preflight() {
    let world = World::new();
    let answer = post(&world, Some(ORIGIN), &json!([view()])).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (202, &json!(1)));
    assert_eq!(answer.headers["access-control-allow-origin"], ORIGIN);
    assert_eq!(answer.headers["vary"], "Origin");
    assert_eq!(answer.body["results"][0]["warnings"][0]["code"], "value_removed");
    assert_eq!(world.queued()[0].key_scope, Scope::Public);
    let sent = world.queued_events().remove(0);
    assert_eq!(sent["user_data"]["client_ip_address"], "203.0.113.7");
    assert_eq!(sent["user_data"]["client_user_agent"], AGENT);
    assert!(sent["user_data"]["fbc"].as_str().unwrap().ends_with(".AbC"));
    assert_eq!(sent["custom_data"], json!({"content_ids": ["p"]}));
}

#[tokio::test]
async fn the_visitors_address_and_agent_are_the_requests_and_ipv6_stays_ipv6() {
    for (seen, sent) in [
        ("2001:db8:85a3::8a2e:370:7334", "2001:db8:85a3::8a2e:370:7334"),
        ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
    ] {
        let world = World::new();
        // What a visitor's browser says of where it is counts for nothing.
        let headers = [
            ("content-type", "text/plain;charset=UTF-8"),
            ("origin", ORIGIN),
            ("user-agent", AGENT),
            ("x-forwarded-for", "198.51.100.1"),
        ];
        let body = json!({"key": PUBLIC, "events": [view()]}).to_string();
        let answer = world.send(call_from(seen, "POST", PATH, &headers, body)).await;
        assert_eq!(answer.status, 202, "{seen}");
        let user_data = &world.queued_events()[0]["user_data"];
        assert_eq!(user_data["client_ip_address"], sent);
        assert_eq!(user_data["client_user_agent"], AGENT);
    }
}

#[tokio::test]
async fn an_address_that_a_page_claims_is_refused() {
    let world = World::new();
    let mut event = view();
    event["user_data"]["client_ip_address"] = json!("2001:db8::1");
    let answer = post(&world, Some(ORIGIN), &json!([event])).await;
    assert_eq!(answer.code(), (422, "all_events_rejected"));
    let error = &answer.body["results"][0]["errors"][0];
    assert_eq!(
        (&error["field"], &error["code"]),
        (&json!("user_data.client_ip_address"), &json!("not_for_public_keys"))
    );
}

#[tokio::test]
async fn other_origins_are_refused() {
    let world = World::new();
    for origin in
        [None, Some("https://evil.example"), Some("https://shop.example.evil.example"), Some("null")]
    {
        let answer = post(&world, origin, &json!([view()])).await;
        assert_eq!(answer.code(), (403, "origin_not_allowed"), "{origin:?}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_browser_sets_no_pixel_test_code_or_lead() {
    let world = World::new();
    let with = |field: &str, value: Value| {
        let mut event = view();
        event[field] = value;
        event
    };
    let events = json!([
        with("pixel_id", json!("111")),
        with("test_event_code", json!("T")),
        with("user_data", json!({"lead_id": "123456789012345"})),
        with("event_name", json!("Purchase")),
    ]);
    let answer = post(&world, Some(ORIGIN), &events).await;
    assert_eq!(answer.code(), (422, "all_events_rejected"));
    let codes: Vec<_> = answer.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["errors"][0]["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "not_for_public_keys",
            "not_for_public_keys",
            "not_for_public_keys",
            "event_name_not_for_public_keys"
        ]
        .map(|code| code)
    );
}

#[tokio::test]
async fn purchase_and_its_value_are_taken_where_the_source_lists_it() {
    let world = World::new();
    let mut listing = source();
    listing.public_event_names = vec![EventName::parse("Purchase").unwrap()];
    world.config.add_source(listing);
    let mut event = purchase("A-1");
    event["user_data"] = json!({"email": "bob@example.com"});
    let answer = post(&world, Some(ORIGIN), &json!([event, view()])).await;
    assert_eq!((&answer.body["accepted"], &answer.body["rejected"]), (&json!(1), &json!(1)));
    assert_eq!(world.queued_events()[0]["custom_data"]["value"], json!(29.99));
}

#[tokio::test]
async fn twenty_events_and_64_kib_are_the_limit() {
    let world = World::new();
    let many: Vec<Value> = (0..21).map(|_| view()).collect();
    assert_eq!(post(&world, Some(ORIGIN), &json!(many)).await.code(), (422, "too_many_events"));
    let large = json!([{"event_name": "x".repeat(65_536)}]);
    assert_eq!(post(&world, Some(ORIGIN), &large).await.code(), (413, "body_too_large"));
}
