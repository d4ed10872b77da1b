//! Tokens, proofs, pixels and versions over HTTP.

use graph_sim::{DeadVersions, Switches, Token};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::bench::{Bench, NOW_S, PIXEL, Reply, TOKEN, event, token};

// hex HMAC-SHA256(key = "shhh-app-secret", message = TOKEN)
const SECRET: &str = "shhh-app-secret";
const PROOF: &str = "92bc3a24652404524b039b32899ecad82b7b603cf9552dda1881574018c85be8";

async fn outcome(request: RequestBuilder) -> (u16, Option<i64>, Option<i64>) {
    Reply::of(request.send().await.unwrap()).await.error()
}

const FINE: (u16, Option<i64>, Option<i64>) = (200, None, None);

#[tokio::test]
async fn the_token_may_stand_in_query_body_or_header() {
    let bench = Bench::new();
    let data = json!([event("a")]).to_string();
    let post = || bench.http.post(bench.events_url());
    let json_body = json!({"access_token": TOKEN, "data": [event("a")]});
    let requests = [
        post().bearer_auth(TOKEN).form(&[("data", &data)]),
        post().query(&[("access_token", TOKEN)]).form(&[("data", &data)]),
        post().form(&[("access_token", TOKEN), ("data", &data)]),
        post().json(&json_body),
    ];
    for request in requests {
        assert_eq!(outcome(request).await, FINE);
    }
    let log = bench.sim.requests();
    let places: Vec<_> = log.iter().map(|entry| entry.token_in.as_deref().unwrap()).collect();
    assert_eq!(places, ["header", "query", "body", "body"]);
    assert_eq!(log[0].headers["authorization"], "Bearer EAAB-t…");
    assert!(log[1].query.contains(TOKEN), "a token leaked into a URL must be seen");
}

#[tokio::test]
async fn each_kind_of_dead_token_has_its_answer() {
    let bench = Bench::new();
    let with = |change: fn(&mut Token)| {
        let mut changed = token(TOKEN);
        change(&mut changed);
        bench.sim.add_token(changed).unwrap();
    };
    let post = |text: &str| {
        bench.http.post(bench.events_url()).bearer_auth(text).json(&json!({"data": [event("a")]}))
    };
    assert_eq!(outcome(post("unknown")).await, (401, Some(190), None));
    assert_eq!(outcome(bench.http.post(bench.events_url())).await, (400, Some(104), None));
    with(|token| token.app_removed = true);
    assert_eq!(outcome(post(TOKEN)).await, (400, Some(190), Some(458)));
    with(|token| token.expires_at = Some(NOW_S + 10));
    assert_eq!(outcome(post(TOKEN)).await, FINE);
    bench.sim.advance_ms(10_000);
    assert_eq!(outcome(post(TOKEN)).await, (400, Some(190), Some(463)));
    with(|_| ());
    assert_eq!(outcome(post(TOKEN)).await, FINE);
    assert_eq!(bench.delete(&format!("/_sim/tokens/{TOKEN}")).await.status, 200);
    assert_eq!(outcome(post(TOKEN)).await, (400, Some(190), Some(460)));
    assert_eq!(bench.delete("/_sim/tokens/unknown").await.status, 404);
    assert_eq!(bench.stored()[0].copies, 2);
}

#[tokio::test]
async fn a_proof_is_demanded_per_token_or_of_everybody_and_checked_wherever_sent() {
    let bench = Bench::new();
    let body = json!({"token": TOKEN, "pixels": [PIXEL], "app_secret": SECRET, "require_proof": true});
    assert_eq!(bench.control("/_sim/tokens", &body).await.status, 200);
    let post = |proof: Option<&str>| {
        let request =
            bench.http.post(bench.events_url()).bearer_auth(TOKEN).json(&json!({"data": [event("a")]}));
        if let Some(proof) = proof { request.query(&[("appsecret_proof", proof)]) } else { request }
    };
    assert_eq!(outcome(post(None)).await, (400, Some(100), None));
    assert_eq!(outcome(post(Some("00"))).await, (400, Some(100), None));
    assert_eq!(outcome(post(Some(PROOF))).await, FINE);
    bench.control("/_sim/tokens", &json!({"token": TOKEN, "pixels": [PIXEL], "app_secret": SECRET})).await;
    assert_eq!(outcome(post(None)).await, FINE);
    assert_eq!(outcome(post(Some("00"))).await, (400, Some(100), None));
    bench.sim.set_switches(Switches { require_proof: true, ..Switches::default() });
    assert_eq!(outcome(post(None)).await, (400, Some(100), None));
}

#[tokio::test]
async fn a_pixel_that_is_not_the_tokens_is_100_33() {
    let bench = Bench::new();
    let body = json!({"data": [event("a")]});
    let post = |path: &str| bench.http.post(bench.url(path)).bearer_auth(TOKEN).json(&body);
    let reply = Reply::of(post("/v26.0/999/events").send().await.unwrap()).await;
    assert_eq!(reply.error(), (400, Some(100), Some(33)));
    assert_eq!(reply.body["error"]["type"], "GraphMethodException");
    assert!(reply.body["error"]["message"].as_str().unwrap().contains("'999'"));
    assert_eq!(outcome(post("/v26.0/alias/events")).await, (400, Some(803), None));
    assert_eq!(outcome(post(&format!("/v26.0/{PIXEL}/nonsense"))).await, (400, Some(2500), None));
}

#[tokio::test]
async fn versions_are_gated_and_may_be_left_out() {
    let bench = Bench::new();
    let body = json!({"data": [event("a")]});
    let post = |version: &str| {
        bench.http.post(bench.url(&format!("{version}/{PIXEL}/events"))).bearer_auth(TOKEN).json(&body)
    };
    for living in ["", "/v21.0", "/v24.0", "/v25.0", "/v26.0"] {
        assert_eq!(outcome(post(living)).await, FINE, "{living}");
    }
    assert_eq!(outcome(post("/v20.0")).await, (400, Some(2635), None));
    assert_eq!(outcome(post("/v99.0")).await, (400, Some(2500), None));
    assert_eq!(outcome(post("/v26")).await, (400, Some(2500), None));
    bench.sim.set_switches(Switches { dead_versions: DeadVersions::Upgrade, ..Switches::default() });
    assert_eq!(outcome(post("/v20.0")).await, FINE);
}
