use adrelay_aws::config::DynamoConfig;
use adrelay_core::auth::key_sha256;
use adrelay_core::config::Scope;
use adrelay_core::ports::config::KeyDirectory as _;
use serde_json::json;

use crate::rig::{PIXEL, ROOT, Rig, Shop};

#[tokio::test]
async fn a_key_is_shown_once_and_found_by_its_hash() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let body = json!({"tenant_id": shop.tenant, "source_id": "shop", "scope": "ingest", "name": "server 1"});
    let created = rig.post("/api/v1/keys", ROOT, body).await;
    let (id, key) = (created.id(), created.body["key"].as_str().unwrap().to_owned());
    assert!(key.starts_with("adr_ingest_") && key.len() == 11 + 43, "{key}");

    let directory = DynamoConfig::new(rig.dynamodb.clone(), "config".to_owned());
    let found = directory.key_by_sha256(&key_sha256(&key)).await.unwrap().unwrap();
    assert_eq!(
        (found.id.as_str(), found.scope, found.name.as_str()),
        (id.as_str(), Scope::Ingest, "server 1")
    );

    let list = rig.get("/api/v1/keys", &shop.admin).await;
    let one = rig.get(&format!("/api/v1/keys/{id}"), &shop.admin).await;
    for reply in [&list, &one] {
        assert!(!reply.text.contains(&key) && !reply.text.contains(&key_sha256(&key)), "{}", reply.text);
    }
    let expected = json!({"id": id, "tenant_id": shop.tenant, "source_id": "shop", "scope": "ingest",
        "name": "server 1", "created_at": "2026-09-21T14:13:20Z", "revoked_at": null});
    assert_eq!(one.body, expected);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_but_not_forgotten() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let created = rig.post("/api/v1/keys", &shop.admin, json!({"scope": "admin", "name": "temp"})).await;
    let (id, key) = (created.id(), created.body["key"].as_str().unwrap().to_owned());
    assert_eq!(rig.get("/api/v1/pixels", &key).await.status, 200);
    let revoked = rig.call("POST", &format!("/api/v1/keys/{id}/revoke"), &shop.admin, None).await;
    assert_eq!((revoked.status, &revoked.body["revoked_at"]), (200, &json!("2026-09-21T14:13:20Z")));
    assert_eq!(rig.get("/api/v1/pixels", &key).await.refusal(), (401, "key_revoked"));

    rig.clock.advance_ms(60_000);
    assert_eq!(rig.delete(&format!("/api/v1/keys/{id}"), &shop.admin).await.status, 204);
    let again = rig.get(&format!("/api/v1/keys/{id}"), &shop.admin).await;
    assert_eq!(again.body["revoked_at"], "2026-09-21T14:13:20Z", "the first revocation counts");
    assert_eq!(rig.delete("/api/v1/keys/key_ghost", &shop.admin).await.refusal(), (404, "api_key_unknown"));
}

#[tokio::test]
async fn scopes_say_whether_a_key_is_bound_to_a_source() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for (body, expected) in [
        (json!({"scope": "ingest"}), (422, "required")),
        (json!({"scope": "public"}), (422, "required")),
        (json!({"scope": "admin", "source_id": "shop"}), (422, "not_allowed")),
        (json!({"scope": "ingest", "source_id": "ghost"}), (422, "source_unknown")),
        (json!({"scope": "root"}), (422, "invalid")),
        (json!({"scope": "people"}), (201, "")),
        (json!({"scope": "people", "source_id": "shop"}), (201, "")),
        (json!({"scope": "public", "source_id": "shop"}), (201, "")),
    ] {
        let reply = rig.post("/api/v1/keys", &shop.admin, body.clone()).await;
        assert_eq!(reply.refusal(), expected, "{body}");
    }
}
