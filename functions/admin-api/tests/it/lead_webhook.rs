//! The tenant's webhook, and calls of it that failed.

use admin_api::settings::Switches;
use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_core::ids::TenantId;
use adrelay_core::jobs::{Delivery, DeliveryState, JobWork, WEBHOOK_OWNER, WEBHOOK_PURPOSE};
use adrelay_core::ports::admin::WebhookAdmin as _;
use adrelay_core::ports::jobs::DeliveryStore as _;
use adrelay_core::seal::SealContext;
use adrelay_core::vault::Sealer;
use serde_json::{Value, json};

use crate::canary::everything_stored;
use crate::log;
use crate::rig::{PIXEL, Rig, Shop};

const PATH: &str = "/api/v1/lead-webhook";
const OWN: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

async fn put(rig: &Rig, shop: &Shop, body: Value) -> crate::rig::Reply {
    rig.call("PUT", PATH, &shop.admin, Some(&body)).await
}

/// The secret as job-worker reads it.
async fn secret(rig: &Rig, shop: &Shop) -> String {
    let config = DynamoConfigAdmin::new(rig.dynamodb.clone(), "config".to_owned());
    let tenant: TenantId = shop.tenant.parse().unwrap();
    let webhook = config.webhook(&tenant).await.unwrap().unwrap();
    let sealer = Sealer::new(rig.secrets.clone(), "keyring".to_owned());
    let context = SealContext { tenant: tenant.as_str(), owner: WEBHOOK_OWNER, purpose: WEBHOOK_PURPOSE };
    sealer.open(context, &webhook.sealed_secret).await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn a_secret_is_made_shown_once_and_kept_until_another_is_given() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    assert_eq!(rig.get(PATH, &shop.admin).await.refusal(), (404, "webhook_unknown"));
    let new = put(&rig, &shop, json!({"url": "https://example.com/hook"})).await;
    assert_eq!((new.status, &new.body["enabled"]), (201, &json!(true)));
    let made = new.body["secret"].as_str().unwrap().to_owned();
    assert!(made.starts_with("whsec_") && made.len() == 50, "{made}");
    assert_eq!(secret(&rig, &shop).await, made);

    let moved = put(&rig, &shop, json!({"url": "https://example.com/2", "enabled": false})).await;
    assert_eq!((moved.status, &moved.body["url"]), (200, &json!("https://example.com/2")));
    let shown = rig.get(PATH, &shop.admin).await;
    assert_eq!((shown.body.get("secret"), &shown.body["enabled"]), (None, &json!(false)));
    assert_eq!(secret(&rig, &shop).await, made);

    let given = put(&rig, &shop, json!({"url": "https://example.com/2", "secret": OWN})).await;
    assert_eq!((given.status, given.body.get("secret")), (200, None));
    assert_eq!(secret(&rig, &shop).await, OWN);
    let stored = everything_stored(&rig).await;
    for place in [stored, log::lines()] {
        assert!(!place.contains(&made) && !place.contains(OWN));
    }

    let other = Shop::open(&rig, "5").await;
    assert_eq!(rig.get(PATH, &other.admin).await.refusal(), (404, "webhook_unknown"));
    assert_eq!(rig.delete(PATH, &shop.admin).await.status, 204);
    assert_eq!(rig.delete(PATH, &shop.admin).await.refusal(), (404, "webhook_unknown"));
}

#[tokio::test]
async fn a_webhook_is_outside_unless_the_stack_is_local() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let here = json!({"url": "http://127.0.0.1:9/hook"});
    assert_eq!(put(&rig, &shop, here.clone()).await.refusal(), (422, "invalid"));
    let rig = Rig::switched(Switches { people: true, leads: true, loopback: true }).await;
    let shop = Shop::open(&rig, PIXEL).await;
    assert_eq!(put(&rig, &shop, here).await.status, 201);
    let bad = put(&rig, &shop, json!({"url": "https://example.com", "secret": "hunter2"})).await;
    assert_eq!(bad.refusal(), (422, "invalid"));
    assert!(!bad.text.contains("hunter2"));
}

fn delivery(shop: &Shop, id: &str, state: DeliveryState) -> Delivery {
    Delivery {
        tenant: shop.tenant.parse().unwrap(),
        id: id.to_owned(),
        lead: "1".parse().unwrap(),
        state,
        attempts: 12,
        first_at: fakes::NOON,
        last_at: fakes::NOON,
        next_at: None,
        http_status: Some(500),
        error: Some("http_status".to_owned()),
    }
}

#[tokio::test]
async fn a_dead_delivery_is_tried_again_under_the_same_id() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    put(&rig, &shop, json!({"url": "https://example.com/hook"})).await;
    rig.jobs.put_delivery(&delivery(&shop, "del_1", DeliveryState::Dead)).await.unwrap();
    rig.jobs.put_delivery(&delivery(&shop, "del_2", DeliveryState::Delivered)).await.unwrap();
    let path = format!("{PATH}/deliveries");
    let open = rig.get(&path, &shop.admin).await;
    let expected = json!({"id": "del_1", "lead_id": "1", "state": "dead", "attempts": 12,
        "first_at": "2026-09-21T14:13:20Z", "last_at": "2026-09-21T14:13:20Z", "next_at": null, "http_status": 500,
        "error": "http_status"});
    assert_eq!(open.body["items"], json!([expected]));

    rig.jobs_queue.set_refusing(true);
    let again = format!("{path}/del_1/redeliver");
    assert_eq!(rig.call("POST", &again, &shop.admin, None).await.refusal(), (503, "unavailable"));
    rig.jobs_queue.set_refusing(false);
    let reply = rig.call("POST", &again, &shop.admin, None).await;
    assert_eq!(
        (reply.status, &reply.body["state"], &reply.body["attempts"]),
        (202, &json!("retrying"), &json!(0))
    );
    let work = JobWork::parse(&rig.jobs_queue.bodies().concat()).unwrap();
    let JobWork::Webhook { delivery: id, lead, attempt: 0, .. } = work else { panic!("{work:?}") };
    assert_eq!((id.as_str(), lead.as_str()), ("del_1", "1"));
    let twice = rig.call("POST", &again, &shop.admin, None).await;
    assert_eq!(twice.refusal(), (409, "delivery_retrying"));
    rig.clock.advance_ms(30 * 60_000);
    assert_eq!(rig.call("POST", &again, &shop.admin, None).await.status, 202, "nobody tries it any more");

    let other = Shop::open(&rig, "5").await;
    for id in ["del_1", "del_404"] {
        let reply = rig.call("POST", &format!("{path}/{id}/redeliver"), &other.admin, None).await;
        assert_eq!(reply.refusal(), (404, "delivery_unknown"));
    }
    assert_eq!(rig.get(&path, &other.admin).await.body["items"], json!([]));
}
