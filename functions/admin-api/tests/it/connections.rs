use adrelay_core::ports::meta::Verdict;
use serde_json::json;

use crate::rig::{PIXEL, ROOT, Rig, Shop, TOKEN};

#[tokio::test]
async fn a_token_goes_in_and_its_connection_comes_out() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    let body = json!({"tenant_id": shop.tenant, "kind": "system_user", "access_token": TOKEN, "app_id": "77",
        "app_secret": "hush-hush"});
    let created = rig.post("/api/v1/connections", ROOT, body).await;
    insta::assert_json_snapshot!(created.body, {".id" => "con_…", ".tenant_id" => "ten_…"}, @r#"
    {
      "app_id": "77",
      "created_at": "2026-09-21T14:13:20Z",
      "derived_from": null,
      "expires_at": null,
      "health": {
        "state": "ok"
      },
      "id": "con_…",
      "kind": "system_user",
      "own_app_secret": true,
      "tenant_id": "ten_…",
      "token_version": 1,
      "updated_at": "2026-09-21T14:13:20Z",
      "verified_at": null
    }
    "#);
    let path = format!("/api/v1/connections/{}", created.id());
    assert_eq!(rig.get(&path, &shop.admin).await.body, created.body);
    let list = rig.get("/api/v1/connections", &shop.admin).await;
    assert_eq!(list.body, json!({"items": [created.body], "next_cursor": null}));
}

#[tokio::test]
async fn an_app_secret_needs_its_app() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let body = json!({"kind": "system_user", "access_token": TOKEN, "app_secret": "hush"});
    let reply = rig.post("/api/v1/connections", &shop.admin, body).await;
    assert_eq!(reply.refusal(), (422, "required"));
    let path = format!("/api/v1/connections/{}", shop.connection);
    let reply = rig.patch(&path, &shop.admin, json!({"app_secret": "hush"})).await;
    assert_eq!(reply.refusal(), (422, "required"));
    let reply = rig.patch(&path, &shop.admin, json!({"app_secret": "hush", "app_id": "7"})).await;
    assert_eq!((reply.status, &reply.body["own_app_secret"]), (200, &json!(true)));
    let reply = rig.patch(&path, &shop.admin, json!({"app_id": null})).await;
    assert_eq!(reply.refusal(), (422, "required"), "the secret would be left behind");
}

#[tokio::test]
async fn a_new_token_heals_the_connection_and_releases_its_pixels() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}", shop.connection);
    rig.meta.fail(Verdict::Token, 190);
    let verdict = rig.post(&format!("{path}/verify"), &shop.admin, json!({})).await;
    assert_eq!(verdict.body["connection"]["health"]["state"], "needs_attention");
    assert_eq!(rig.released(), Vec::<String>::new());

    rig.meta.recover();
    let changed = rig.patch(&path, &shop.admin, json!({"access_token": "EAABsecond"})).await;
    assert_eq!(changed.body["health"], json!({"state": "ok"}));
    assert_eq!(changed.body["token_version"], 2);
    assert_eq!(rig.released(), [PIXEL]);
    rig.post(&format!("{path}/verify"), &shop.admin, json!({})).await;
    assert_eq!(rig.meta.asked_with(), [TOKEN, "EAABsecond"]);
}

#[tokio::test]
async fn verifying_shows_and_records_what_meta_says() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}/verify", shop.connection);
    let good = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(good.body["valid"], true);
    assert_eq!(good.body["meta_response"], json!({"id": "100200300", "name": "The system user"}));
    assert_eq!(good.body["connection"]["verified_at"], "2026-09-21T14:13:20Z");
    let visible = json!([{"id": PIXEL, "visible": true, "meta_response": {"id": PIXEL}}]);
    assert_eq!(good.body["pixels"], visible);
    assert_eq!(rig.released(), [PIXEL]);

    rig.meta.fail(Verdict::Token, 190);
    let bad = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!((bad.status, &bad.body["valid"]), (200, &json!(false)));
    assert_eq!(bad.body["meta_response"]["error"]["code"], 190);
    let health = &bad.body["connection"]["health"];
    assert_eq!((&health["state"], &health["reason"]), (&json!("needs_attention"), &json!("token_invalid")));
    let stored = rig.get(&format!("/api/v1/connections/{}", shop.connection), &shop.admin).await;
    assert_eq!(stored.body["health"], *health);

    rig.meta.recover();
    let again = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(again.body["connection"]["health"], json!({"state": "ok"}));
}

#[tokio::test]
async fn a_denied_question_or_no_answer_condemns_no_token() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}/verify", shop.connection);
    rig.meta.fail(Verdict::Permission, 10);
    let denied = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(denied.body["valid"], false);
    assert_eq!(denied.body["connection"]["health"], json!({"state": "ok"}));
    rig.meta.fail(Verdict::Wait { ms: 90_000 }, 4);
    let wait = rig.call("POST", &path, &shop.admin, None).await;
    assert_eq!(wait.refusal(), (503, "meta_unavailable"));
    assert_eq!(wait.headers["retry-after"], "90");
    rig.meta.fail(Verdict::UnknownOutcome, 0);
    assert_eq!(rig.call("POST", &path, &shop.admin, None).await.refusal(), (503, "meta_unavailable"));
}

#[tokio::test]
async fn a_connection_in_use_stays() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}", shop.connection);
    assert_eq!(rig.delete(&path, &shop.admin).await.refusal(), (409, "connection_in_use"));
    rig.patch("/api/v1/sources/shop", &shop.admin, json!({"pixel_ids": []})).await;
    rig.delete(&format!("/api/v1/pixels/{PIXEL}"), &shop.admin).await;
    assert_eq!(rig.delete(&path, &shop.admin).await.status, 204);
    assert_eq!(rig.get(&path, &shop.admin).await.refusal(), (404, "connection_unknown"));
    assert_eq!(rig.delete(&path, &shop.admin).await.refusal(), (404, "connection_unknown"));
}

#[tokio::test]
async fn a_patch_of_nothing_changes_nothing() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let path = format!("/api/v1/connections/{}", shop.connection);
    rig.meta.fail(Verdict::Token, 190);
    rig.post(&format!("{path}/verify"), &shop.admin, json!({})).await;
    let reply = rig.patch(&path, &shop.admin, json!({})).await;
    assert_eq!((reply.status, &reply.body["health"]["state"]), (200, &json!("needs_attention")));
    assert_eq!(rig.released(), Vec::<String>::new());
}

#[tokio::test]
async fn without_a_keyring_no_token_is_stored() {
    let rig = Rig::empty().await;
    let shop = Shop::bare(&rig, "Shop").await;
    rig.secrets.set("keyring", "{}");
    let body = json!({"kind": "system_user", "access_token": TOKEN});
    let reply = rig.post("/api/v1/connections", &shop.admin, body).await;
    assert_eq!(reply.refusal(), (503, "unavailable"));
    let list = rig.get("/api/v1/connections", &shop.admin).await;
    assert_eq!(list.body["items"], json!([]));
}
