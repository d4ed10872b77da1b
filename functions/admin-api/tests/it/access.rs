//! Who may do what, over every route that the OpenAPI document names (a unit test holds it against the router).

use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Rig, Shop};

/// Whether a path of the document is one of the functions that take events and conversions.
pub(crate) fn serves_another_function(path: &str) -> bool {
    let conversions = ["/api/v1/conversions", "/api/v1/identify", "/api/v1/consent"];
    !path.starts_with("/api/v1/") || path.starts_with("/api/v1/meta/") || conversions.contains(&path)
}

/// Every operation of this function that needs a key: method, path with an id of `shop`, what it is.
fn operations(shop: &Shop) -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        if serves_another_function(path) {
            continue;
        }
        let path = path
            .replace("{tenant_id}", &shop.tenant)
            .replace("{connection_id}", &shop.connection)
            .replace("{pixel_id}", &shop.pixel)
            .replace("{source_id}", "shop")
            .replace("{key_id}", "key_unknown")
            .replace("{person_id}", "per_unknown")
            .replace("{event_id}", "order-1")
            .replace("{page_id}", "77")
            .replace("{form_id}", "88")
            .replace("{lead_id}", "99")
            .replace("{delivery_id}", "del_unknown")
            .replace("{job_id}", "job_unknown");
        for (method, operation) in methods.as_object().unwrap() {
            if operation["security"] != json!([]) {
                found.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
    }
    assert!(found.len() >= 70, "{} operations", found.len());
    found
}

#[tokio::test]
async fn every_route_wants_a_key_that_somebody_has() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let revoked = shop.key(&rig, "admin").await;
    let keys = rig.get("/api/v1/keys", &shop.admin).await;
    let last = keys.body["items"].as_array().unwrap().iter().find(|key| key["name"] == "admin key").unwrap();
    rig.delete(&format!("/api/v1/keys/{}", last["id"].as_str().unwrap()), &shop.admin).await;
    for (method, path, _) in operations(&shop) {
        for (key, code) in [
            ("", "key_missing"),
            ("adr_admin_nobodys", "key_unknown"),
            ("not a key", "key_unknown"),
            (revoked.as_str(), "key_revoked"),
        ] {
            let reply = rig.call(&method, &path, key, None).await;
            assert_eq!(reply.refusal(), (401, code), "{method} {path}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            assert_eq!(reply.headers["content-type"], "application/problem+json");
        }
    }
}

/// What keys of other scopes may do, and what they get where nothing is there and no body is sent.
const ALLOWED: &[(&str, &str, u16, &str)] = &[
    ("ingest", "getReceipts", 404, "event_unknown"),
    ("people", "summarizeProducts", 200, ""),
    ("people", "getJob", 404, "job_unknown"),
    ("people", "listLeads", 200, ""),
    ("people", "exportLeads", 200, ""),
    ("people", "listMissingLeads", 200, ""),
    ("people", "searchLeads", 200, ""),
    ("people", "getLead", 404, "lead_unknown"),
    ("people", "changeLead", 404, "lead_unknown"),
    ("people", "listLeadActivity", 404, "lead_unknown"),
    ("people", "convertLead", 404, "lead_unknown"),
    ("people", "noteLead", 422, "required"),
    ("people", "createPerson", 422, "required"),
    ("people", "searchPeople", 422, "missing"),
    ("people", "erasePerson", 404, "person_unknown"),
    ("people", "getPerson", 404, "person_unknown"),
    ("people", "changePerson", 404, "person_unknown"),
    ("people", "getErasure", 404, "erasure_unknown"),
    ("people", "listPersonEvents", 404, "person_unknown"),
    ("people", "getPersonFeatures", 404, "person_unknown"),
    ("people", "mergePerson", 422, "required"),
    ("people", "listMerges", 404, "person_unknown"),
    ("people", "unmergePerson", 422, "required"),
];

#[tokio::test]
async fn keys_of_other_scopes_are_refused_everywhere_but_for_receipts_summaries_people_and_leads() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let mut allowed = 0;
    for scope in ["ingest", "people", "public"] {
        let key = shop.key(&rig, scope).await;
        for (method, path, operation) in operations(&shop) {
            let id = operation["operationId"].as_str().unwrap();
            let reply = rig.call(&method, &path, &key, None).await;
            let expected = ALLOWED.iter().find(|(of, name, ..)| (*of, *name) == (scope, id));
            allowed += usize::from(expected.is_some());
            let expected =
                expected.map_or((403, "scope_insufficient"), |(.., status, code)| (*status, *code));
            assert_eq!(reply.refusal(), expected, "{scope}: {method} {path}");
        }
    }
    assert_eq!(allowed, ALLOWED.len(), "each operation that is allowed was tried");
}

/// What another tenant would like to see or change.
async fn belongings(rig: &Rig, shop: &Shop) -> Vec<Value> {
    let mut found = Vec::new();
    for path in [
        format!("tenants/{}", shop.tenant),
        format!("connections/{}", shop.connection),
        format!("pixels/{}", shop.pixel),
        "sources/shop".to_owned(),
        "keys".to_owned(),
        "rules".to_owned(),
    ] {
        let reply = rig.get(&format!("/api/v1/{path}"), &shop.admin).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        found.push(reply.body);
    }
    found
}

#[tokio::test]
async fn another_tenants_key_reaches_nothing_by_any_route() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let stranger = Shop::open(&rig, "999").await;
    let before = belongings(&rig, &shop).await;
    let (mut forbidden, mut unknown) = (0, 0);
    for (method, path, operation) in operations(&shop) {
        let id = operation["operationId"].as_str().unwrap();
        // Named outright, a tenant that is not the key's own is refused.
        let named = operation["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["name"] == "tenant_id" && p["in"] == "query");
        if named {
            let path = format!("{path}?tenant_id={}", shop.tenant);
            let reply = rig.call(&method, &path, &stranger.admin, Some(&valid_body(id))).await;
            assert_eq!(reply.refusal(), (403, "tenant_forbidden"), "{id}");
            forbidden += 1;
        }
        // By their ids, another tenant's things don't exist. `shop` is an id in both tenants.
        let code = if path.contains(&shop.pixel) {
            "pixel_unknown"
        } else if path.contains(&shop.connection) {
            "connection_unknown"
        } else if path.contains(&shop.tenant) {
            "tenant_unknown"
        } else {
            continue;
        };
        let reply = rig.call(&method, &path, &stranger.admin, Some(&valid_body(id))).await;
        assert_eq!(reply.refusal(), (404, code), "{id}: {}", reply.text);
        unknown += 1;
    }
    assert!(forbidden >= 50 && unknown >= 11, "{forbidden} and {unknown} operations were tried");
    assert_eq!(belongings(&rig, &shop).await, before, "nothing was changed");
}

/// A body with which the operation would change something.
fn valid_body(operation: &str) -> Value {
    match operation {
        "changeTenant" => json!({"name": "Mine now"}),
        "changeConnection" => json!({"access_token": "EAABother"}),
        "changePixel" => json!({"enabled": false}),
        "sendTestEvent" => json!({"test_event_code": "TEST1"}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn a_key_cannot_create_for_another_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let stranger = Shop::bare(&rig, "Stranger").await;
    for (path, body) in [
        ("connections", json!({"kind": "system_user", "access_token": "EAAB"})),
        ("pixels", json!({"pixel_id": "5", "connection_id": shop.connection, "enabled": true})),
        ("sources", json!({"id": "s", "name": "S", "pixel_ids": []})),
        ("keys", json!({"scope": "admin"})),
        ("people", json!({"identity": {"email": "jane@example.com"}})),
        ("pages", json!({"page_id": "7", "connection_id": shop.connection, "source_id": "shop"})),
    ] {
        let path = format!("/api/v1/{path}");
        let mut named = body.clone();
        named["tenant_id"] = json!(shop.tenant);
        let reply = rig.post(&path, &stranger.admin, named).await;
        assert_eq!(reply.refusal(), (403, "tenant_forbidden"), "{path}");
        let reply = rig.post(&path, ROOT, body).await;
        assert_eq!(reply.refusal(), (422, "required"), "{path}");
        assert_eq!(reply.body["errors"][0]["field"], "tenant_id", "{path}");
    }
    let reply = rig.post("/api/v1/tenants", &stranger.admin, json!({"name": "Mine"})).await;
    assert_eq!(reply.refusal(), (403, "root_required"));
}

#[tokio::test]
async fn a_tenant_that_does_not_exist_gets_nothing() {
    let rig = Rig::empty().await;
    for (path, body) in [
        ("connections", json!({"tenant_id": "ghost", "kind": "system_user", "access_token": "EAAB"})),
        ("pixels", json!({"tenant_id": "ghost", "pixel_id": "5", "connection_id": "c", "enabled": true})),
        ("sources", json!({"tenant_id": "ghost", "id": "s", "name": "S", "pixel_ids": []})),
        ("keys", json!({"tenant_id": "ghost", "scope": "admin"})),
        ("people", json!({"tenant_id": "ghost", "identity": {"email": "jane@example.com"}})),
        ("pages", json!({"tenant_id": "ghost", "page_id": "7", "connection_id": "c", "source_id": "s"})),
    ] {
        let reply = rig.post(&format!("/api/v1/{path}"), ROOT, body).await;
        assert_eq!(reply.refusal(), (422, "tenant_unknown"), "{path}");
    }
}

#[tokio::test]
async fn the_root_key_must_name_a_tenant_where_there_is_none_in_the_path() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for list in ["connections", "pixels", "sources", "keys", "pages", "leads"] {
        let reply = rig.get(&format!("/api/v1/{list}"), ROOT).await;
        assert_eq!(reply.refusal(), (422, "required"), "{list}");
        let reply = rig.get(&format!("/api/v1/{list}?tenant_id={}", shop.tenant), ROOT).await;
        assert_eq!(reply.status, 200, "{list}");
        let reply = rig.get(&format!("/api/v1/{list}?tenant_id=ghost"), ROOT).await;
        assert_eq!(reply.refusal(), (404, "tenant_unknown"), "{list}");
    }
}

#[tokio::test]
async fn a_new_root_key_works_although_the_old_one_is_cached() {
    let rig = Rig::empty().await;
    assert_eq!(rig.get("/api/v1/tenants", ROOT).await.status, 200);
    let new = "adr_admin_newnewnewnewnewnewnewnewnewnew";
    assert_eq!(rig.get("/api/v1/tenants", new).await.refusal(), (401, "key_unknown"));
    let hash = adrelay_core::auth::key_sha256(new);
    rig.secrets.set("admin", &json!({"sha256": hash}).to_string());
    assert_eq!(rig.get("/api/v1/tenants", new).await.status, 200);
    assert_eq!(rig.get("/api/v1/tenants", ROOT).await.refusal(), (401, "key_unknown"));
}

#[tokio::test]
async fn health_and_the_document_need_no_key() {
    let rig = Rig::empty().await;
    assert_eq!(rig.get("/api/v1/health", "").await.body, json!({"status": "ok"}));
    let document = rig.get("/api/v1/openapi.json", "").await;
    assert_eq!(document.body["openapi"], "3.1.0");
}
