//! Pages: their tokens, and whether Meta sends their leads.

use adrelay_core::ports::leads_api::ManagedPage;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::seal::Secret;
use fakes::{LeadsCall, ScriptedMeta};
use serde_json::{Value, json};

use crate::rig::{PIXEL, Reply, Rig, Shop};

pub(crate) const PAGE: &str = "7700";
const PAGE_TOKEN: &str = "EAABpagetoken";

/// A page of the shop with a pasted token.
pub(crate) async fn page(rig: &Rig, shop: &Shop, id: &str) -> Reply {
    rig.meta.be(id);
    let body = json!({"kind": "page", "access_token": PAGE_TOKEN});
    let connection = rig.post("/api/v1/connections", &shop.admin, body).await.id();
    rig.post("/api/v1/pages", &shop.admin, new_page(id, &connection)).await
}

fn new_page(id: &str, connection: &str) -> Value {
    json!({"page_id": id, "connection_id": connection, "source_id": "shop", "feedback_pixel_id": PIXEL})
}

fn manages(rig: &Rig, id: &str) {
    let (id, name) = (id.parse().unwrap(), Some(format!("Page {id}")));
    rig.meta.leads.add_managed_page(ManagedPage {
        id,
        name,
        token: Some(Secret::new(PAGE_TOKEN.to_owned())),
    });
}

async fn connections(rig: &Rig, shop: &Shop) -> Vec<Value> {
    rig.get("/api/v1/connections", &shop.admin).await.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_page_with_a_pasted_token_is_subscribed_to_changed_and_given_up() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let created = page(&rig, &shop, PAGE).await;
    insta::assert_json_snapshot!(created.body, {".connection_id" => "con_…", ".tenant_id" => "ten_…"}, @r#"
    {
      "connection_id": "con_…",
      "created_at": "2026-09-21T14:13:20Z",
      "enabled": true,
      "feedback_pixel_id": "1234567890",
      "id": "7700",
      "name": "The system user",
      "source_id": "shop",
      "subscription": {
        "checked_at": "2026-09-21T14:13:20Z",
        "state": "subscribed"
      },
      "tenant_id": "ten_…",
      "updated_at": "2026-09-21T14:13:20Z"
    }
    "#);
    let path = format!("/api/v1/pages/{PAGE}");
    assert_eq!(rig.get(&path, &shop.admin).await.body, created.body);
    assert_eq!(rig.get("/api/v1/pages", &shop.admin).await.body["items"], json!([created.body]));
    assert!(rig.meta.leads.subscribed(&PAGE.parse().unwrap()));

    let change = json!({"feedback_pixel_id": null, "enabled": false});
    let changed = rig.patch(&path, &shop.admin, change).await;
    assert_eq!((&changed.body["feedback_pixel_id"], &changed.body["enabled"]), (&Value::Null, &json!(false)));
    let sync = rig.call("POST", &format!("{path}/forms/sync"), &shop.admin, None).await;
    assert_eq!(sync.refusal(), (409, "page_disabled"));

    let gone = rig.delete(&path, &shop.admin).await;
    assert_eq!(gone.body, json!({"id": PAGE, "unsubscribed": true, "reason": null}));
    assert!(!rig.meta.leads.subscribed(&PAGE.parse().unwrap()));
    assert_eq!(rig.get(&path, &shop.admin).await.refusal(), (404, "page_unknown"));
    assert_eq!(connections(&rig, &shop).await.len(), 2, "what somebody pasted stays");
}

#[tokio::test]
async fn a_system_users_token_brings_the_pages_own_which_goes_with_the_page() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for id in ["1", "2", PAGE] {
        manages(&rig, id);
    }
    rig.meta.leads.set_rows(1);
    let created = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &shop.connection)).await;
    assert_eq!((created.status, &created.body["name"]), (201, &json!("Page 7700")));
    assert_eq!(created.body["subscription"]["state"], "subscribed");
    let derived = created.body["connection_id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/connections/{derived}");
    let connection = rig.get(&path, &shop.admin).await;
    assert_eq!(
        (&connection.body["kind"], &connection.body["derived_from"]),
        (&json!("page"), &json!(shop.connection))
    );
    rig.call("POST", &format!("{path}/verify"), &shop.admin, None).await;
    assert_eq!(rig.meta.asked_with(), [PAGE_TOKEN], "it holds the page's token");
    assert_eq!(rig.delete(&path, &shop.admin).await.refusal(), (409, "connection_in_use"));

    rig.delete(&format!("/api/v1/pages/{PAGE}"), &shop.admin).await;
    assert_eq!(rig.get(&path, &shop.admin).await.refusal(), (404, "connection_unknown"));
}

#[tokio::test]
async fn a_page_that_the_token_does_not_manage_is_refused_and_leaves_nothing() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    manages(&rig, "1");
    let reply = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &shop.connection)).await;
    assert_eq!(reply.refusal(), (422, "page_not_managed"));
    assert_eq!(connections(&rig, &shop).await.len(), 1);

    rig.meta.be("1");
    let body = json!({"kind": "page", "access_token": PAGE_TOKEN});
    let pasted = rig.post("/api/v1/connections", &shop.admin, body).await.id();
    let reply = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &pasted)).await;
    assert_eq!(reply.refusal(), (422, "page_not_managed"), "it is another page's");

    let failure = ScriptedMeta::failure(Verdict::Token, 190, None);
    rig.meta.leads.fail_next(LeadsCall::ManagedPages, failure);
    let reply = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &shop.connection)).await;
    assert_eq!(reply.refusal(), (422, "token_invalid"));
    let failure = ScriptedMeta::failure(Verdict::Retry, 2, None);
    rig.meta.leads.fail_next(LeadsCall::ManagedPages, failure);
    let reply = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &shop.connection)).await;
    assert_eq!(reply.refusal(), (503, "meta_unavailable"));

    for (field, code) in [
        ("connection_id", "connection_unknown"),
        ("source_id", "source_unknown"),
        ("feedback_pixel_id", "pixel_unknown"),
    ] {
        let mut body = new_page(PAGE, &pasted);
        body[field] = json!("404");
        let reply = rig.post("/api/v1/pages", &shop.admin, body).await;
        assert_eq!(reply.refusal(), (422, code));
    }
    assert_eq!(rig.get("/api/v1/pages", &shop.admin).await.body["items"], json!([]));
}

#[tokio::test]
async fn a_page_belongs_to_one_tenant() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let other = Shop::open(&rig, "5").await;
    assert_eq!(page(&rig, &shop, PAGE).await.status, 201);
    manages(&rig, PAGE);
    let again = rig.post("/api/v1/pages", &shop.admin, new_page(PAGE, &shop.connection)).await;
    assert_eq!(again.refusal(), (409, "already_exists"));
    let mut body = new_page(PAGE, &other.connection);
    body["feedback_pixel_id"] = json!("5");
    let taken = rig.post("/api/v1/pages", &other.admin, body).await;
    assert_eq!(taken.refusal(), (409, "page_taken"));
    assert_eq!(connections(&rig, &other).await.len(), 1, "the token that was derived for it is forgotten");
    for (method, path) in [
        ("GET", "/api/v1/pages/7700"),
        ("DELETE", "/api/v1/pages/7700"),
        ("PATCH", "/api/v1/pages/7700"),
        ("POST", "/api/v1/pages/7700/subscribe"),
        ("POST", "/api/v1/pages/7700/forms/sync"),
        ("GET", "/api/v1/lead-forms?page_id=7700"),
    ] {
        let reply = rig.call(method, path, &other.admin, None).await;
        assert_eq!(reply.refusal(), (404, "page_unknown"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_subscribed_to_is_there_and_says_why() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let failure = ScriptedMeta::failure(Verdict::Permission, 200, None);
    rig.meta.leads.fail_next(LeadsCall::Subscribe, failure);
    let created = page(&rig, &shop, PAGE).await;
    assert_eq!(created.status, 201);
    let missing =
        json!({"state": "missing", "checked_at": "2026-09-21T14:13:20Z", "reason": "permission_missing"});
    assert_eq!(created.body["subscription"], missing);

    let path = format!("/api/v1/pages/{PAGE}/subscribe");
    let healed = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(healed.body["subscription"]["state"], "subscribed");
    let before = rig.meta.leads.count(LeadsCall::Subscribe);
    rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(rig.meta.leads.count(LeadsCall::Subscribe), before, "it is there already");
    rig.meta.leads.set_subscribed(&PAGE.parse().unwrap(), false);
    rig.call("POST", &path, &shop.admin, None).await;
    assert!(rig.meta.leads.subscribed(&PAGE.parse().unwrap()));
}
