//! `POST /{version}/{pixel_id}/events`: what official SDKs and shop plug-ins send.

use adrelay_core::time::UnixMillis;
use lambda_http::{Body, Request};
use serde_json::{Value, json};

use crate::world::{INGEST, World, bad, purchase, request};

const PATH: &str = "/v26.0/111/events";

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    form.finish()
}

/// As Meta's Python SDK sends it: token in the query, `data` a JSON array of JSON texts in a form field.
fn sdk(events: &[Value], more: &[(&str, &str)]) -> Request {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let data = serde_json::to_string(&texts).unwrap();
    let mut fields = vec![("data", data.as_str())];
    fields.extend_from_slice(more);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    request(&format!("{PATH}?access_token={INGEST}"), &headers, form(&fields))
}

/// What the SDK makes of user data before it sends it.
fn hashed(order: &str) -> Value {
    let mut event = purchase(order);
    event["user_data"] = json!({
        "em": ["62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f.AQIAAQMC"],
        "client_user_agent": "M",
    });
    event
}

#[tokio::test]
async fn the_official_sdk_gets_metas_answer() {
    let world = World::new();
    let answer = world
        .send(sdk(&[hashed("A"), hashed("B")], &[("test_event_code", "TEST1"), ("upload_tag", "x y")]))
        .await;
    assert_eq!(
        (answer.status, &answer.body["events_received"], &answer.body["messages"]),
        (200, &json!(2), &json!([]))
    );
    assert!(answer.body["fbtrace_id"].as_str().unwrap().starts_with('A'));
    let message = world.queued().remove(0);
    assert_eq!((message.pixel_id.as_str(), message.events.len()), ("111", 2));
    assert_eq!(
        (message.test_event_code.as_deref(), message.upload_tag.as_deref()),
        (Some("TEST1"), Some("x y"))
    );
    let em = &world.queued_events()[0]["user_data"]["em"][0];
    assert_eq!(em, "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f");
}

#[tokio::test]
async fn data_is_taken_in_every_form_that_meta_takes() {
    let event = hashed("A");
    let texts = json!([event.to_string()]);
    let bearer = format!("Bearer {INGEST}");
    let (json_type, form_type) = ("application/json", "application/x-www-form-urlencoded");
    let data = json!([event]).to_string();
    let bodies: [(&str, &str, String); 8] = [
        ("objects", json_type, json!({"data": [event]}).to_string()),
        ("texts", json_type, json!({"data": texts}).to_string()),
        ("one text of objects", json_type, json!({"data": data}).to_string()),
        ("one text of texts", json_type, json!({"data": texts.to_string()}).to_string()),
        ("form of objects", form_type, form(&[("data", &data)])),
        ("form of texts", form_type, form(&[("data", &texts.to_string())])),
        ("json without a type", "text/plain", json!({"data": [event]}).to_string()),
        ("form without a type", "text/plain", form(&[("data", &data)])),
    ];
    for (name, content_type, body) in bodies {
        let world = World::new();
        let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
        let answer = world.send(request(PATH, &headers, body)).await;
        assert_eq!((answer.status, &answer.body["events_received"]), (200, &json!(1)), "{name}");
        assert_eq!(world.queued_events()[0]["custom_data"]["order_id"], "A", "{name}");
    }
}

#[tokio::test]
async fn the_token_is_found_in_query_header_and_body() {
    let (world, event) = (World::new(), hashed("A"));
    let bearer = format!("Bearer {INGEST}");
    let json_body = json!({"data": [event], "access_token": INGEST}).to_string();
    let plain = json!({"data": [event]}).to_string();
    let form_headers = [("content-type", "application/x-www-form-urlencoded")];
    let form_body = form(&[("data", &json!([event]).to_string()), ("access_token", INGEST)]);
    for request in [
        request(PATH, &[], json_body),
        request(PATH, &form_headers, form_body),
        request(PATH, &[("authorization", &bearer)], plain.clone()),
        request(&format!("{PATH}?access_token={INGEST}"), &[], plain),
    ] {
        assert_eq!(world.send(request).await.status, 200);
    }
}

#[tokio::test]
async fn good_events_are_counted_and_refusals_named() {
    let world = World::new();
    let answer = world.send(sdk(&[hashed("A"), bad("B"), json!(7)], &[])).await;
    assert_eq!((answer.status, &answer.body["events_received"]), (200, &json!(1)));
    assert_eq!(
        answer.body["messages"],
        json!([
            "data[1].custom_data.currency rejected: currency_missing: Purchase needs custom_data.currency",
            "data[2] rejected: event_not_an_object: an event is a JSON object"
        ])
    );
}

#[tokio::test]
async fn all_bad_is_metas_error_with_metas_codes() {
    let world = World::new();
    let old = |days: i64| {
        let mut event = hashed("A");
        event["event_time"] = json!(fakes::NOON.secs() - days * 86_400);
        event
    };
    let mut nobody = hashed("A");
    nobody["user_data"] = json!({"client_user_agent": "M"});
    for (events, subcode) in [
        (vec![old(8)], json!(2_804_003)),
        (vec![nobody], json!(2_804_050)),
        (vec![bad("A"), old(9)], json!(2_804_003)),
        (vec![bad("A")], Value::Null),
    ] {
        let answer = world.send(sdk(&events, &[])).await;
        assert_eq!(answer.code(), (400, "all_events_rejected"));
        let error = &answer.body["error"];
        assert_eq!((&error["code"], &error["error_subcode"]), (&json!(100), &subcode));
        assert_eq!(
            (&error["type"], &error["message"]),
            (&json!("OAuthException"), &json!("Invalid parameter"))
        );
        assert_eq!(error["is_transient"], false);
        assert_eq!(error["error_data"]["messages"].as_array().unwrap().len(), events.len());
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_pixel_that_is_not_the_sources_looks_like_one_that_does_not_exist() {
    let world = World::new();
    let target = format!("/v26.0/999/events?access_token={INGEST}");
    let answer = world.send(request(&target, &[], json!({"data": [hashed("A")]}).to_string())).await;
    assert_eq!(answer.code(), (400, "pixel_not_allowed"));
    let error = &answer.body["error"];
    assert_eq!(
        (&error["code"], &error["error_subcode"], &error["type"]),
        (&json!(100), &json!(33), &json!("GraphMethodException"))
    );
}

#[tokio::test]
async fn bodies_that_are_none_are_code_100() {
    let world = World::new();
    let many: Vec<Value> = (0..1_001).map(|_| json!({})).collect();
    let deep = format!("{{\"data\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let form_type = "application/x-www-form-urlencoded";
    let deep_text = form(&[("data", &"[".repeat(500))]);
    let rows: [(&str, Body, u16, &str); 10] = [
        ("application/json", "nonsense".into(), 400, "body_not_json"),
        ("application/json", "{}".into(), 400, "events_missing"),
        ("application/json", r#"{"data":null}"#.into(), 400, "events_missing"),
        ("application/json", r#"{"data":[]}"#.into(), 400, "events_empty"),
        ("application/json", r#"{"data":{}}"#.into(), 400, "events_not_an_array"),
        ("application/json", json!({"data": many}).to_string().into(), 400, "too_many_events"),
        ("application/json", deep.into(), 400, "body_too_deep"),
        (form_type, deep_text.into(), 400, "body_too_deep"),
        (form_type, form(&[("data", "[\0]")]).into(), 400, "body_has_nul"),
        ("multipart/form-data; boundary=x", "--x--".into(), 415, "content_type_unsupported"),
    ];
    for (content_type, body, status, code) in rows {
        let target = format!("{PATH}?access_token={INGEST}");
        let answer = world.send(request(&target, &[("content-type", content_type)], body)).await;
        assert_eq!(answer.code(), (status, code));
        assert_eq!(answer.body["error"]["code"], 100);
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_queue_that_refuses_is_transient() {
    let world = World::new();
    world.queue.set_refusing(true);
    let answer = world.send(sdk(&[hashed("A")], &[])).await;
    assert_eq!(answer.code(), (503, "queue_unavailable"));
    assert_eq!(
        (&answer.body["error"]["code"], &answer.body["error"]["is_transient"]),
        (&json!(2), &json!(true))
    );
}

#[tokio::test]
async fn labels_of_the_request_are_checked() {
    let world = World::new();
    let answer = world.send(sdk(&[hashed("A")], &[("test_event_code", "TEST 1")])).await;
    assert_eq!(answer.code(), (400, "test_event_code_invalid"));
    let answer = world.send(sdk(&[hashed("A")], &[("upload_tag", "a\nb")])).await;
    assert_eq!(answer.code(), (400, "upload_tag_invalid"));
    assert_eq!(
        world.send(sdk(&[hashed("A")], &[("test_event_code", "")])).await.status,
        200,
        "empty is absent"
    );
}

/// Recorded from `facebook-business` 26.0.3 with another base URL and nothing else changed.
#[tokio::test]
async fn what_the_python_sdk_really_sends_is_taken_whole() {
    let world = World::new();
    world.clock.advance_to(UnixMillis::from_secs(1_800_000_000));
    let recorded = include_bytes!("../../fuzz/corpus/body/seed-meta-python-sdk");
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let target = format!("{PATH}?access_token={INGEST}");
    let answer = world.send(request(&target, &headers, &recorded[1..])).await;
    assert_eq!((answer.status, &answer.body["events_received"]), (200, &json!(3)));
    assert_eq!(answer.body["messages"], json!([]));
    let event = world.queued_events().remove(0);
    assert_eq!(event["custom_data"]["currency"], "USD");
    assert_eq!(event["custom_data"]["contents"][0]["delivery_category"], "home_delivery");
    assert_eq!(event["data_processing_options_state"], 1000);
    assert_eq!(event["user_data"]["fbc"], "fb.1.1554763741205.AbCdEfGhIjKlMnOpQrStUvWxYz1234567890");
    assert_eq!(event["user_data"]["ph"].as_array().unwrap().len(), 1);
}
