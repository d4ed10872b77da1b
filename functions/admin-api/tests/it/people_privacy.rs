//! What identifies a person stands in no log line and in no stored item, but sealed; and nobody sees it who should not.

use serde_json::{Value, json};

use crate::canary::everything_stored;
use crate::log;
use crate::people::{person, post};
use crate::people_history::convert;
use crate::rig::{PIXEL, Rig, Shop};

/// Parts of everything that is told of the person, in any form in which it could leak.
const CANARIES: [&str; 9] =
    ["canary", "Canary", "6505551212", "555-1212", "cus_secret", "1999-12-31", "Mayberry", "velvet", "Jane"];

#[tokio::test]
async fn what_identifies_a_person_is_neither_logged_nor_stored_in_clear() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    let identity = json!({"email": "Jane.canary@example.com", "phone": "+1 650 555-1212", "first_name": "Jane",
        "last_name": "Canary", "city": "Mayberry", "date_of_birth": "1999-12-31",
        "external_ids": {"stripe": "cus_secret", "mail": "jane.canary@example.org"}});
    let body = json!({"identity": identity, "properties": {"likes": "velvet"}, "source_product": "shop"});
    let id = rig.post("/api/v1/people", &key, body).await.id();
    let path = format!("/api/v1/people/{id}");
    convert(&rig, &shop, &id, "e1", 1).await;
    let other = person(&rig, &key, json!({"email": "other.canary@example.com"})).await;
    let shown = rig.get(&path, &key).await;
    assert!(shown.text.contains("Mayberry") && shown.text.contains("velvet"), "its keepers see it");
    let search = || "/api/v1/people/search".to_owned();
    for (method, path, body, status) in [
        ("POST", search(), json!({"identity": {"email": "jane.canary@example.com"}}), 200),
        ("POST", search(), json!({"identity": {"email": "canary", "Canary": "velvet"}}), 422),
        ("PATCH", path.clone(), json!({"identity": {"email": "other.canary@example.com"}}), 409),
        ("PATCH", path.clone(), json!({"properties": {"likes": "velvet canary"}, "consent": "granted"}), 200),
        ("PATCH", path.clone(), json!({"properties": "velvet", "Canary": 1}), 422),
        ("POST", format!("{path}/merge"), json!({"person_id": other}), 200),
        ("POST", format!("{path}/merge"), json!({"person_id": "jane.canary@example.com"}), 422),
        ("DELETE", "/api/v1/people/jane.canary@example.com".to_owned(), json!({}), 404),
        ("DELETE", "/api/v1/people/6505551212".to_owned(), json!({}), 404),
    ] {
        let reply = rig.call(method, &path, &key, Some(&body)).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
    }
    assert_eq!(rig.get(&format!("{path}/events"), &key).await.status, 200);
    let before = everything_stored(&rig).await;
    assert_eq!(rig.delete(&path, &key).await.status, 200);
    let (log, after) = (log::lines(), everything_stored(&rig).await);
    assert!(log.contains("ErasePerson") && log.contains(&id), "the log is captured");
    assert!(before.contains("sealed") && before.contains(&id), "the table is read");
    for canary in CANARIES {
        for (place, text) in [("log", &log), ("stored item", &before), ("what is left", &after)] {
            assert!(!text.contains(canary), "{canary} in {place}");
        }
    }
}

/// Every operation on people with a body that would do something.
fn operations(id: &str) -> Vec<(&'static str, String, Value)> {
    let path = format!("/api/v1/people/{id}");
    vec![
        ("POST", "/api/v1/people".to_owned(), json!({"identity": {"email": "jane@example.com"}})),
        ("POST", "/api/v1/people/search".to_owned(), json!({"identity": {"email": "jane@example.com"}})),
        ("GET", path.clone(), Value::Null),
        ("PATCH", path.clone(), json!({"properties": {"a": 1}})),
        ("GET", format!("{path}/events"), Value::Null),
        ("GET", format!("{path}/features"), Value::Null),
        ("GET", format!("{path}/merges"), Value::Null),
        ("POST", format!("{path}/merge"), json!({"person_id": "per_ghost"})),
        ("POST", format!("{path}/unmerge"), json!({"person_id": "per_ghost"})),
        ("GET", format!("{path}/erasure"), Value::Null),
        ("DELETE", path, Value::Null),
    ]
}

#[tokio::test]
async fn another_tenants_people_do_not_exist() {
    let rig = Rig::empty().await;
    let (shop, stranger) = (Shop::open(&rig, PIXEL).await, Shop::open(&rig, "999").await);
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    let before = rig.get(&format!("/api/v1/people/{jane}"), &shop.admin).await.body;
    let keys = [stranger.admin.clone(), stranger.key(&rig, "people").await];
    for key in &keys {
        for (method, path, body) in operations(&jane) {
            let reply = rig.call(method, &path, key, Some(&body).filter(|body| !body.is_null())).await;
            assert!(!reply.text.contains(&jane), "{method} {path}: {}", reply.text);
            if path.contains(&jane) {
                let unknown = if path.ends_with("/erasure") { "erasure_unknown" } else { "person_unknown" };
                assert_eq!(reply.refusal(), (404, unknown), "{method} {path}: {}", reply.text);
                let named = format!("{path}?tenant_id={}", shop.tenant);
                let reply = rig.call(method, &named, key, Some(&body).filter(|body| !body.is_null())).await;
                assert_eq!(reply.refusal(), (403, "tenant_forbidden"), "{method} {path}");
            }
        }
    }
    assert_eq!(rig.get(&format!("/api/v1/people/{jane}"), &shop.admin).await.body, before);
    let merge = json!({"person_id": jane});
    let theirs = person(&rig, &stranger.admin, json!({"email": "jane@example.com"})).await;
    assert_ne!(theirs, jane, "the same address in another tenant is another person");
    let reply = rig.post(&format!("/api/v1/people/{theirs}/merge"), &stranger.admin, merge).await;
    assert_eq!(reply.refusal(), (404, "person_unknown"));
}

#[tokio::test]
async fn keys_of_products_and_browsers_see_nobody() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let jane = person(&rig, &shop.admin, json!({"email": "jane@example.com"})).await;
    for scope in ["ingest", "public"] {
        let key = shop.key(&rig, scope).await;
        for (method, path, body) in operations(&jane) {
            let reply = rig.call(method, &path, &key, Some(&body).filter(|body| !body.is_null())).await;
            assert_eq!(reply.refusal(), (403, "scope_insufficient"), "{scope}: {method} {path}");
        }
    }
}

#[tokio::test]
async fn with_the_gate_closed_nothing_is_done_and_every_call_succeeds() {
    let rig = Rig::gated(false).await;
    let shop = Shop::open(&rig, PIXEL).await;
    for (method, path, body) in operations("6505551212") {
        let reply = rig.call(method, &path, &shop.admin, Some(&body).filter(|body| !body.is_null())).await;
        assert_eq!((reply.status, &reply.body), (200, &json!({"disabled": true})), "{method} {path}");
    }
    let stored = rig.dynamodb.scan().table_name("people").send().await.unwrap();
    assert_eq!(stored.count, 0);
    assert!(!log::lines().contains("6505551212"));
}

#[tokio::test]
async fn a_body_is_bounded() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let reply = post(&rig, &shop.admin, json!({"email": "x".repeat(300_000)})).await;
    assert_eq!(reply.refusal(), (413, "body_too_large"));
    for (properties, code) in [
        (json!({"a": "x".repeat(17_000)}), "too_large"),
        (json!({"a": [[[[]]]]}), "too_deep"),
        (json!(["a"]), "wrong_type"),
    ] {
        let body = json!({"identity": {"email": "jane@example.com"}, "properties": properties});
        let reply = rig.post("/api/v1/people", &shop.admin, body).await;
        assert_eq!(reply.refusal(), (422, code));
    }
}
