//! The sample payloads that operators invoke the function with.

use serde_json::json;

use crate::rig::{PIXEL, ROOT, Reply, Rig, Shop};

async fn invoke(rig: &Rig, payload: &str, tenant: &str) -> Reply {
    let payload = payload
        .replace("adr_admin_REPLACE_WITH_THE_ROOT_KEY", ROOT)
        .replace("REPLACE_WITH_A_TENANT", tenant)
        .replace("REPLACE_WITH_A_TOKEN", "EAABsample");
    rig.send(lambda_http::request::from_str(&payload).unwrap()).await
}

#[tokio::test]
async fn each_sample_is_understood() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let health = invoke(&rig, include_str!("../../../../events/admin-api-health.json"), "").await;
    assert_eq!(health.body, json!({"status": "ok"}));
    let tenant = invoke(&rig, include_str!("../../../../events/admin-api-create-tenant.json"), "").await;
    assert_eq!((tenant.status, &tenant.body["name"]), (201, &json!("Acme")));
    let sample = include_str!("../../../../events/admin-api-create-connection.json");
    assert_eq!(invoke(&rig, sample, &tenant.id()).await.status, 201);
    let list = invoke(&rig, include_str!("../../../../events/admin-api-receipts.json"), &shop.tenant).await;
    assert_eq!(list.body, json!({"items": [], "next_cursor": null}));
    let one = invoke(&rig, include_str!("../../../../events/admin-api-receipt.json"), &shop.tenant).await;
    assert_eq!(one.refusal(), (404, "event_unknown"));
}
