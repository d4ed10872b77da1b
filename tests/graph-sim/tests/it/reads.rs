//! `debug_token`, `me` and pixels: what a connection is verified with.

use serde_json::json;

use crate::bench::{Bench, NOW_S, PIXEL, Reply, TOKEN, event};

async fn connected() -> Bench {
    let bench = Bench::new();
    let body = json!({"token": TOKEN, "pixels": [700_000_000_000_001_u64], "scopes": ["ads_management"],
                      "expires_at": NOW_S + 60, "app_id": "77", "app_secret": "secret", "user_id": "42"});
    assert_eq!(bench.control("/_sim/tokens", &body).await.status, 200);
    bench
}

#[tokio::test]
async fn debug_token_tells_a_good_token_from_dead_and_unknown_ones() {
    let bench = connected().await;
    let path = format!("/v26.0/debug_token?input_token={TOKEN}");
    let data = bench.get(&path).await.body["data"].clone();
    assert_eq!((&data["is_valid"], &data["expires_at"]), (&json!(true), &json!(NOW_S + 60)));
    assert_eq!((&data["app_id"], &data["user_id"]), (&json!("77"), &json!("42")));
    assert_eq!(data["scopes"], json!(["ads_management"]));
    bench.sim.advance_ms(60_000);
    let asked = bench.http.get(bench.url(&path)).query(&[("access_token", "77|secret")]);
    let reply = Reply::of(asked.send().await.unwrap()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["data"]["is_valid"], false);
    assert_eq!(reply.body["data"]["error"]["subcode"], 463);
    let unknown = bench.http.get(bench.url("/debug_token?input_token=x")).bearer_auth("77|secret");
    let reply = Reply::of(unknown.send().await.unwrap()).await;
    assert_eq!(reply.body["data"]["error"]["code"], 190);
    assert_eq!(reply.body["data"]["scopes"], json!([]));
}

#[tokio::test]
async fn me_is_the_tokens_user() {
    let bench = connected().await;
    let body = bench.get("/v26.0/me?fields=id").await.body;
    assert_eq!(body, json!({"id": "42"}));
    assert!(bench.get("/v26.0/me").await.body["name"].is_string());
}

#[tokio::test]
async fn a_pixel_is_shown_to_its_token_only() {
    let bench = connected().await;
    bench.control("/_sim/pixels", &json!({"id": PIXEL, "name": "Shop"})).await;
    let read = |fields: &str| format!("/v26.0/{PIXEL}?fields={fields}");
    assert_eq!(bench.get(&read("id,name")).await.body, json!({"id": PIXEL, "name": "Shop"}));
    assert_eq!(bench.get(&read("%5B%22name%22%5D")).await.body, json!({"id": PIXEL, "name": "Shop"}));
    assert_eq!(bench.get(&format!("/{PIXEL}")).await.body, json!({"id": PIXEL}));
    assert_eq!(bench.get(&read("last_fired_time")).await.body, json!({"id": PIXEL}));
    bench.send(&[event("a")]).await;
    assert_eq!(bench.get(&read("last_fired_time")).await.body["last_fired_time"], NOW_S);
    assert_eq!(bench.get(&read("nonsense")).await.error(), (400, Some(100), None));
    assert_eq!(bench.get("/v26.0/999?fields=id").await.error(), (400, Some(100), Some(33)));
}

#[tokio::test]
async fn what_died_in_october_2026_stays_dead_and_methods_can_be_overridden() {
    let bench = connected().await;
    assert_eq!(bench.get("/v26.0/?ids=1,2").await.error(), (400, Some(100), None));
    assert_eq!(bench.get("/v26.0/me?date_format=U").await.error(), (400, Some(100), None));
    assert_eq!(bench.get("/v26.0/me?pretty=1&debug=all").await.status, 200);
    let post = bench.http.post(bench.url("/v26.0/me")).bearer_auth(TOKEN).form(&[("method", "get")]);
    assert_eq!(Reply::of(post.send().await.unwrap()).await.body["id"], "42");
    assert_eq!(bench.get(&format!("/v26.0/{PIXEL}/events")).await.error(), (400, Some(100), Some(33)));
}
