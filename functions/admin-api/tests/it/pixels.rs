use adrelay_aws::config::DynamoConfig;
use adrelay_core::config::Health;
use adrelay_core::ids::{ConnectionId, PixelId, TenantId};
use adrelay_core::ports::config::Destinations as _;
use adrelay_core::ports::meta::Verdict;
use serde_json::{Value, json};

use crate::rig::{PIXEL, ROOT, Rig, Shop, TOKEN};

/// What dispatch does when Meta refuses a pixel.
async fn condemn(rig: &Rig, shop: &Shop) {
    let config = DynamoConfig::new(rig.dynamodb.clone(), "config".to_owned());
    let health = Health::NeedsAttention {
        reason: "pixel_unknown_to_meta".to_owned(),
        code: Some(100),
        subcode: Some(33),
        since: fakes::NOON,
    };
    let tenant: TenantId = shop.tenant.parse().unwrap();
    let connection: ConnectionId = shop.connection.parse().unwrap();
    let pixel: PixelId = shop.pixel.parse().unwrap();
    config.set_pixel_health(&tenant, &pixel, &connection, &health).await.unwrap();
}

async fn health(rig: &Rig, shop: &Shop) -> Value {
    rig.get(&format!("/api/v1/pixels/{}", shop.pixel), &shop.admin).await.body["health"].clone()
}

#[tokio::test]
async fn a_pixel_is_created_read_listed_and_deleted() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/pixels/{PIXEL}");
    let pixel = rig.get(&path, &shop.admin).await;
    insta::assert_json_snapshot!(pixel.body, {".connection_id" => "con_…", ".tenant_id" => "ten_…"}, @r#"
    {
      "connection_id": "con_…",
      "created_at": "2026-09-21T14:13:20Z",
      "enabled": true,
      "health": {
        "state": "ok"
      },
      "id": "1234567890",
      "tenant_id": "ten_…",
      "test_event_code": null,
      "updated_at": "2026-09-21T14:13:20Z"
    }
    "#);
    assert_eq!(rig.get("/api/v1/pixels", &shop.admin).await.body["items"], json!([pixel.body]));
    assert_eq!(rig.delete(&path, &shop.admin).await.refusal(), (409, "pixel_in_use"));
    rig.patch("/api/v1/sources/shop", &shop.admin, json!({"pixel_ids": []})).await;
    assert_eq!(rig.delete(&path, &shop.admin).await.status, 204);
    assert_eq!(rig.released(), [PIXEL], "what waits for it must not wait for ever");
    assert_eq!(rig.get(&path, &shop.admin).await.refusal(), (404, "pixel_unknown"));
}

#[tokio::test]
async fn a_pixel_belongs_to_one_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let other = Shop::open(&rig, "5").await;
    let body = |shop: &Shop| json!({"pixel_id": PIXEL, "connection_id": shop.connection, "enabled": true});
    let again = rig.post("/api/v1/pixels", &shop.admin, body(&shop)).await;
    assert_eq!(again.refusal(), (409, "already_exists"));
    let taken = rig.post("/api/v1/pixels", &other.admin, body(&other)).await;
    assert_eq!(taken.refusal(), (409, "pixel_taken"));
    let foreign = json!({"pixel_id": "6", "connection_id": shop.connection, "enabled": true});
    let foreign = rig.post("/api/v1/pixels", &other.admin, foreign).await;
    assert_eq!(foreign.refusal(), (422, "connection_unknown"));
}

#[tokio::test]
async fn any_change_counts_as_a_cure_and_releases_what_waits() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let body = json!({"kind": "system_user", "access_token": "EAABother"});
    let second = rig.post("/api/v1/connections", &shop.admin, body).await.id();
    let path = format!("/api/v1/pixels/{PIXEL}");
    // Dispatch may condemn it only while it has its first connection.
    condemn(&rig, &shop).await;
    for (change, field) in [
        (json!({"connection_id": second}), "connection_id"),
        (json!({"test_event_code": "TEST77"}), "test_event_code"),
        (json!({"test_event_code": null}), "test_event_code"),
        (json!({"enabled": false}), "enabled"),
    ] {
        let reply = rig.patch(&path, &shop.admin, change.clone()).await;
        assert_eq!((reply.status, &reply.body[field]), (200, &change[field]));
        assert_eq!(reply.body["health"], json!({"state": "ok"}));
        assert_eq!(rig.released(), [PIXEL]);
    }
    let unknown = rig.patch(&path, &shop.admin, json!({"connection_id": "con_ghost"})).await;
    assert_eq!(unknown.refusal(), (422, "connection_unknown"));
    let null = rig.patch(&path, &shop.admin, json!({"enabled": null})).await;
    assert_eq!(null.refusal(), (422, "wrong_type"));
}

#[tokio::test]
async fn health_that_dispatch_wrote_is_shown() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    condemn(&rig, &shop).await;
    let expected = json!({"state": "needs_attention", "reason": "pixel_unknown_to_meta", "code": 100, "subcode": 33,
        "since": fakes::NOON.rfc3339()});
    assert_eq!(health(&rig, &shop).await, expected);
    let unchanged = rig.patch(&format!("/api/v1/pixels/{PIXEL}"), &shop.admin, json!({})).await;
    assert_eq!(unchanged.body["health"], expected);
}

#[tokio::test]
async fn a_release_clears_the_pixel_and_asks_for_its_waiting_room() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    condemn(&rig, &shop).await;
    let reply = rig.call("POST", &format!("/api/v1/pixels/{PIXEL}/release"), &shop.admin, None).await;
    assert_eq!((reply.status, &reply.body["health"]["state"]), (202, &json!("ok")));
    assert_eq!(rig.released(), [PIXEL]);

    rig.queue.set_refusing(true);
    let reply = rig.call("POST", &format!("/api/v1/pixels/{PIXEL}/release"), &shop.admin, None).await;
    assert_eq!(reply.refusal(), (503, "unavailable"));
}

#[tokio::test]
async fn a_test_event_is_sent_at_once_and_metas_answer_shown() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    condemn(&rig, &shop).await;
    let path = format!("/api/v1/pixels/{PIXEL}/test-event?tenant_id={}", shop.tenant);
    let reply = rig.post(&path, ROOT, json!({"test_event_code": "TEST12345"})).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("sent")));
    let answer = json!({"events_received": 1, "fbtrace_id": "trace-1", "messages": []});
    assert_eq!(reply.body["meta_response"], answer);
    assert_eq!(reply.body["pixel"]["health"], json!({"state": "ok"}));
    assert_eq!(rig.released(), [PIXEL]);

    let sent = rig.meta.sent().pop().unwrap();
    assert_eq!((sent.pixel.as_str(), sent.token.as_str(), sent.app_secret), (PIXEL, TOKEN, None));
    assert_eq!(sent.test_event_code.as_deref(), Some("TEST12345"));
    assert_eq!(sent.event["event_id"], reply.body["event_id"]);
    let hash = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";
    assert_eq!(sent.event["user_data"]["em"], json!([hash]), "test@example.com");
}

#[tokio::test]
async fn a_test_event_needs_a_code_and_shows_a_refusal() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/pixels/{PIXEL}/test-event");
    assert_eq!(rig.call("POST", &path, &shop.admin, None).await.refusal(), (422, "required"));
    rig.patch(&format!("/api/v1/pixels/{PIXEL}"), &shop.admin, json!({"test_event_code": "TEST9"})).await;
    condemn(&rig, &shop).await;
    rig.released();

    rig.meta.fail(Verdict::Permission, 100);
    let reply = rig.post(&path, &shop.admin, json!({"event_name": "Lead"})).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("rejected")));
    assert_eq!(reply.body["meta_response"]["error"]["code"], 100);
    assert_eq!(reply.body["pixel"]["health"]["state"], "needs_attention");
    assert_eq!(rig.released(), Vec::<String>::new());
    let sent = rig.meta.sent().pop().unwrap();
    assert_eq!((sent.test_event_code.as_deref(), &sent.event["event_name"]), (Some("TEST9"), &json!("Lead")));

    rig.meta.fail(Verdict::Retry, 2);
    assert_eq!(rig.call("POST", &path, &shop.admin, None).await.refusal(), (503, "meta_unavailable"));
}
