//! Bodies that are no events: each its own status and code, nothing queued, no panic.

use capi_ingest::body::{BodyError, MAX_BROWSER_BYTES, MAX_FORM_BYTES, MAX_JSON_BYTES, parse};
use capi_ingest::route::Route;
use lambda_http::Body;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{INGEST, World, purchase, request};

const EVENT: &str = "/api/v1/meta/event";
const EVENTS: &str = "/api/v1/meta/events";

#[tokio::test]
async fn each_mistake_has_its_own_status_and_code() {
    let world = World::new();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let large = " ".repeat(MAX_JSON_BYTES + 1);
    let rows: [(&str, &[u8], u16, &str); 18] = [
        (EVENT, b"", 400, "body_not_json"),
        (EVENT, b"nonsense", 400, "body_not_json"),
        (EVENT, b"{\"a\":1} x", 400, "body_not_json"),
        (EVENT, b"\xff\xfe{}", 400, "body_not_utf8"),
        (EVENT, b"{\"a\":\0}", 400, "body_has_nul"),
        (EVENT, deep.as_bytes(), 400, "body_too_deep"),
        (EVENT, large.as_bytes(), 413, "body_too_large"),
        (EVENT, b"[]", 422, "body_wrong_shape"),
        (EVENT, b"7", 422, "body_wrong_shape"),
        (EVENT, br#"{"event_name":"a\u0000"}"#, 422, "validation_failed"),
        (EVENTS, b"{", 400, "body_not_json"),
        (EVENTS, b"[{}]", 422, "body_wrong_shape"),
        (EVENTS, br#"{"events":[{}],"events":[{}]}"#, 422, "body_wrong_shape"),
        (EVENTS, b"{}", 422, "events_missing"),
        (EVENTS, br#"{"events":null}"#, 422, "events_missing"),
        (EVENTS, br#"{"events":{}}"#, 422, "events_not_an_array"),
        (EVENTS, br#"{"events":[]}"#, 422, "events_empty"),
        (EVENTS, deep.as_bytes(), 400, "body_too_deep"),
    ];
    for (path, body, status, code) in rows {
        let authorization = format!("Bearer {INGEST}");
        let answer = world.send(request(path, &[("authorization", &authorization)], Body::from(body))).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(answer.code(), (status, code), "{path} {shown}");
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn only_json_is_taken_where_only_json_is_documented() {
    let world = World::new();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    {
        let headers = [("authorization", "Bearer adr_ingest_shop"), ("content-type", content_type)];
        let answer = world.send(request(EVENT, &headers, purchase("A").to_string())).await;
        assert_eq!(answer.code(), (415, "content_type_unsupported"), "{content_type}");
    }
    let headers =
        [("authorization", "Bearer adr_ingest_shop"), ("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(world.send(request(EVENT, &headers, purchase("A").to_string())).await.status, 202);
}

#[test]
fn codes_of_bodies_are_distinct() {
    let codes: std::collections::HashSet<_> = BodyError::ALL.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), BodyError::ALL.len());
}

fn routes() -> [Route; 4] {
    let pixel_id = adrelay_core::ids::PixelId::parse("111").unwrap();
    [Route::Event, Route::Events, Route::Meta { pixel_id }, Route::Browser]
}

#[test]
fn every_route_has_its_limit_of_bytes() {
    let [event, events, meta, browser] = routes();
    for (route, content_type, limit) in [
        (event, "application/json", MAX_JSON_BYTES),
        (events, "application/json", MAX_JSON_BYTES),
        (meta.clone(), "application/json", MAX_JSON_BYTES),
        (meta, "application/x-www-form-urlencoded", MAX_FORM_BYTES),
        (browser, "text/plain", MAX_BROWSER_BYTES),
    ] {
        let bytes = vec![b' '; limit + 1];
        assert_ne!(parse(&route, Some(content_type), &bytes[1..]).unwrap_err(), BodyError::TooLarge);
        assert_eq!(parse(&route, Some(content_type), &bytes).unwrap_err(), BodyError::TooLarge);
    }
}

const TYPES: [Option<&str>; 5] = [
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("text/plain"),
    Some("multipart/form-data"),
];

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), route in 0..4_usize, content_type in 0..5_usize) {
        if let Ok(parsed) = parse(&routes()[route], TYPES[content_type], &bytes) {
            prop_assert!((1..=1_000).contains(&parsed.events.len()));
        }
    }

    #[test]
    fn any_form_is_read_or_refused(text in "(data=)?[%a-f0-9\\[\\]{}\"\\\\:,&=+]{0,80}") {
        let form = Some("application/x-www-form-urlencoded");
        if let Ok(parsed) = parse(&routes()[2], form, text.as_bytes()) {
            prop_assert!(!parsed.events.is_empty());
        }
    }
}

#[test]
fn a_batch_of_texts_stays_as_it_is() {
    let body = json!({"events": ["a", {"b": 1}]}).to_string();
    let parsed = parse(&Route::Events, None, body.as_bytes()).unwrap();
    assert_eq!(parsed.events, ["\"a\"", "{\"b\":1}"]);
}
