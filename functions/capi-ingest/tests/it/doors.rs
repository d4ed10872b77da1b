//! Gate, routes and keys.

use serde_json::json;

use crate::world::{ADMIN, INGEST, ORIGIN, PUBLIC, REVOKED, World, call, purchase, request};

const META: &str = "/v26.0/111/events";

#[tokio::test]
async fn a_closed_gate_answers_before_anything_else() {
    let world = World::gated(false);
    for target in ["/api/v1/meta/event", "/api/v1/meta/events", "/nowhere"] {
        let answer = world.send(request(target, &[], "nonsense")).await;
        assert_eq!((answer.status, answer.body), (200, json!({"disabled": true})), "{target}");
    }
    let browser = world.send(request("/b/events", &[], "")).await;
    assert_eq!((browser.status, browser.body), (200, json!({"disabled": true})));
    assert_eq!(browser.headers["access-control-allow-origin"], "*");
    let meta = world.send(request(META, &[], "")).await;
    assert_eq!(
        (meta.status, &meta.body["disabled"], &meta.body["events_received"]),
        (200, &json!(true), &json!(0))
    );
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn unknown_paths_and_methods_say_so() {
    let world = World::new();
    assert_eq!(world.send(request("/api/v2/meta/event", &[], "")).await.code(), (404, "route_unknown"));
    let answer = world.send(call("GET", "/api/v1/meta/events", &[], "")).await;
    assert_eq!(answer.code(), (405, "method_not_allowed"));
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn keys_are_told_apart_by_what_is_wrong_with_them() {
    let world = World::new();
    for target in ["/api/v1/meta/event", "/api/v1/meta/events"] {
        for (key, status, code) in [
            (None, 401, "key_missing"),
            (Some("nonsense"), 401, "key_unknown"),
            (Some("adr_ingest_other"), 401, "key_unknown"),
            (Some(REVOKED), 401, "key_revoked"),
            (Some(PUBLIC), 403, "scope_insufficient"),
            (Some(ADMIN), 403, "scope_insufficient"),
        ] {
            let authorization = format!("Bearer {}", key.unwrap_or_default());
            let headers = [("authorization", authorization.as_str())];
            let headers = if key.is_some() { headers.as_slice() } else { &[] };
            let answer = world.send(request(target, headers, purchase("A").to_string())).await;
            assert_eq!(answer.code(), (status, code), "{target} {key:?}");
        }
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn metas_route_says_the_same_in_metas_words() {
    let world = World::new();
    let body = json!({"data": [purchase("A")]}).to_string();
    for (key, status, code, meta) in [
        (None, 401, "key_missing", 190),
        (Some("EAAB"), 401, "key_unknown", 190),
        (Some(REVOKED), 401, "key_revoked", 190),
        (Some(PUBLIC), 403, "scope_insufficient", 200),
        (Some(ADMIN), 403, "scope_insufficient", 200),
    ] {
        let target = key.map_or(META.to_owned(), |key| format!("{META}?access_token={key}"));
        let answer = world.send(request(&target, &[], body.clone())).await;
        assert_eq!(answer.code(), (status, code), "{key:?}");
        assert_eq!(answer.body["error"]["code"], meta);
        assert!(answer.body["error"]["fbtrace_id"].is_string());
    }
}

#[tokio::test]
async fn a_browsers_door_takes_public_keys_alone() {
    let world = World::new();
    for (key, status, code) in [
        (json!(INGEST), 403, "scope_insufficient"),
        (json!(ADMIN), 403, "scope_insufficient"),
        (json!("adr_public_other"), 401, "key_unknown"),
        (json!(null), 401, "key_missing"),
    ] {
        let body = json!({"key": key, "events": [purchase("A")]}).to_string();
        // A key in the header is no key here: what a browser sends is to need no preflight.
        let headers = [("origin", ORIGIN), ("authorization", "Bearer adr_public_shop")];
        assert_eq!(world.send(request("/b/events", &headers, body)).await.code(), (status, code), "{key}");
    }
    assert!(world.queue.bodies().is_empty());
}

#[tokio::test]
async fn a_key_whose_source_is_gone_is_refused() {
    let world = World::new();
    let mut key = crate::world::api_key("adr_ingest_lost", adrelay_core::config::Scope::Ingest);
    key.source_id = Some(adrelay_core::ids::SourceId::parse("gone").unwrap());
    world.config.add_key(key);
    let headers = [("authorization", "Bearer adr_ingest_lost")];
    let answer = world.send(request("/api/v1/meta/event", &headers, purchase("A").to_string())).await;
    assert_eq!(answer.code(), (403, "source_unknown"));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503() {
    let world = World::new();
    world.config.set_down(true);
    assert_eq!(world.post("/api/v1/meta/event", &purchase("A")).await.code(), (503, "unavailable"));
    let target = format!("{META}?access_token={INGEST}");
    let answer = world.send(request(&target, &[], "{}")).await;
    assert_eq!((answer.status, &answer.body["error"]["is_transient"]), (503, &json!(true)));
}
