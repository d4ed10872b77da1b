//! Webhooks that the simulator sends, and the receivers that take them.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::bench::{Bench, NOW_S};

const PAGES: [&str; 2] = ["800000000000001", "800000000000002"];
const FORMS: [&str; 2] = ["810000000000001", "810000000000002"];
const SECRET: &str = "shhh-app-secret";

/// A bench with two pages with a form each, of which the first `subscribed` are subscribed, and a receiver `app`.
async fn bench(subscribed: usize) -> Bench {
    let bench = Bench::new();
    for (nth, (page, form)) in PAGES.iter().zip(FORMS).enumerate() {
        let token = format!("page-token-{nth}");
        bench.control("/_sim/pages", &json!({"page_id": page, "token": token})).await;
        bench.control("/_sim/forms", &json!({"form_id": form, "page_id": page})).await;
        if nth < subscribed {
            let path = format!("/v26.0/{page}/subscribed_apps?subscribed_fields=leadgen");
            let reply = bench.http.post(bench.url(&path)).bearer_auth(token).send().await.unwrap();
            assert_eq!(reply.status(), 200);
        }
    }
    receiver(&bench, "app", json!({})).await;
    bench
}

async fn receiver(bench: &Bench, name: &str, answer: Value) {
    let reply = bench.control("/_sim/receivers", &json!({"name": name, "answer": answer})).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
}

fn webhook(bench: &Bench, more: &Value) -> Value {
    let mut webhook = json!({"url": bench.url("/_receivers/app"), "app_secret": SECRET, "retry_ms": 1});
    for (name, value) in more.as_object().unwrap() {
        webhook[name] = value.clone();
    }
    webhook
}

async fn submit(bench: &Bench, body: Value) -> Value {
    let reply = bench.control("/_sim/leads", &body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.body
}

async fn got(bench: &Bench, name: &str) -> Vec<Value> {
    let body = bench.get(&format!("/_sim/receivers/{name}")).await.body;
    body["requests"].as_array().unwrap().clone()
}

/// The totals, once they fit.
async fn once(bench: &Bench, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..2_000 {
        let totals = bench.get("/_sim/webhooks").await.body;
        if fits(&totals) {
            return totals;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never: {what}: {:?}", bench.get("/_sim/webhooks?limit=2").await.body);
}

async fn all_sent(bench: &Bench) -> Value {
    once(bench, "nothing is pending", |totals| totals["pending"] == 0).await
}

/// How often each lead was announced.
fn announced(requests: &[Value]) -> BTreeMap<String, usize> {
    let mut leads = BTreeMap::new();
    for request in requests {
        let body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["object"], "page");
        for entry in body["entry"].as_array().unwrap() {
            for change in entry["changes"].as_array().unwrap() {
                assert_eq!(
                    (&change["field"], &change["value"]["page_id"]),
                    (&json!("leadgen"), &entry["id"])
                );
                *leads.entry(change["value"]["leadgen_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    leads
}

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_lead_is_announced_as_meta_announces_it_and_signed_as_sent() {
    let bench = bench(1).await;
    let extra = json!({"adgroup_name": "Größe <50 %> / @home"});
    let lead = json!({"id": "123123123123", "ad_id": "12312312312", "created_time": 1_440_120_384});
    submit(
        &bench,
        json!({"form_id": FORMS[0], "leads": [lead], "webhook": webhook(&bench, &json!({"extra": extra}))}),
    )
    .await;
    let totals = all_sent(&bench).await;
    assert_eq!((&totals["delivered"], &totals["statuses"]), (&json!(1), &json!({"200": 1})));
    let got = got(&bench, "app").await;
    let (headers, body) = (&got[0]["headers"], got[0]["body"].as_str().unwrap());
    assert_eq!((&headers["content-type"], &got[0]["method"]), (&json!("application/json"), &json!("POST")));
    assert_eq!(headers["x-hub-signature-256"], signature(body));
    assert!(body.contains(r"Gr\u00f6\u00dfe \u003C50 \u0025\u003E \/ \u0040home"), "{body}");
    let value = json!({"leadgen_id": "123123123123", "page_id": PAGES[0], "form_id": FORMS[0], "ad_id": "12312312312",
        "adgroup_id": "12312312312", "created_time": 1_440_120_384, "adgroup_name": "Größe <50 %> / @home"});
    assert_eq!(
        serde_json::from_str::<Value>(body).unwrap(),
        json!({"object": "page", "entry": [{"id": PAGES[0], "time": NOW_S, "changes": [{"field": "leadgen", "value": value}]}]})
    );
}

#[tokio::test]
async fn ids_may_be_numbers_and_text_may_go_out_unescaped() {
    let bench = bench(1).await;
    let plain = json!({"ids_as_numbers": true, "escape_unicode": false, "extra": {"x": "ö/"}});
    let made =
        submit(&bench, json!({"form_id": FORMS[0], "leads": [{}], "webhook": webhook(&bench, &plain)})).await;
    all_sent(&bench).await;
    let got = got(&bench, "app").await;
    let body = got[0]["body"].as_str().unwrap();
    assert!(
        body.contains("\"ö/\"")
            && body.contains(&format!("\"leadgen_id\":{}", made["ids"][0].as_str().unwrap()))
    );
    assert_eq!(got[0]["headers"]["x-hub-signature-256"], signature(body));
    assert!(!body.contains("ad_id"), "an organic lead is announced without an ad");
}

#[tokio::test]
async fn drops_duplicates_batches_and_order_are_as_told() {
    let bench = bench(2).await;
    let mischief = json!({"drop_percent": 40, "duplicate_percent": 10, "reorder": true, "batch_max": 5});
    let body = json!({"form_id": FORMS, "count": 200, "seed": 9, "webhook": webhook(&bench, &mischief)});
    let told = submit(&bench, body).await;
    let list = |name: &str| serde_json::from_value::<Vec<String>>(told[name].clone()).unwrap();
    let sizes = ["ids", "announced", "dropped", "duplicated", "unsubscribed"].map(|name| list(name).len());
    assert_eq!(sizes, [200, 120, 80, 12, 0]);
    all_sent(&bench).await;
    let got = got(&bench, "app").await;
    assert_eq!(got.len(), list("deliveries").len());
    let counts = announced(&got);
    let twice: Vec<String> =
        counts.iter().filter(|(_, times)| **times == 2).map(|(id, _)| id.clone()).collect();
    assert_eq!((counts.len(), counts.values().sum::<usize>()), (120, 132));
    assert_eq!(twice, {
        let mut ids = list("duplicated");
        ids.sort_unstable();
        ids
    });
    assert!(list("announced").iter().all(|id| counts.contains_key(id)));
    assert!(
        got.iter().any(|request| request["body"].as_str().unwrap().matches("\"changes\"").count() > 1),
        "several entries"
    );
}

#[tokio::test]
async fn only_leads_of_subscribed_pages_are_announced() {
    let bench = bench(1).await;
    let told =
        submit(&bench, json!({"form_id": FORMS, "count": 4, "webhook": webhook(&bench, &json!({}))})).await;
    assert_eq!(
        (told["announced"].as_array().unwrap().len(), told["unsubscribed"].as_array().unwrap().len()),
        (2, 2)
    );
    let silent = submit(&bench, json!({"form_id": FORMS[0], "count": 3})).await;
    assert_eq!(silent["unsubscribed"].as_array().unwrap().len(), 3, "without a webhook nothing is announced");
    all_sent(&bench).await;
    assert_eq!(got(&bench, "app").await.len(), 2);
}

#[tokio::test]
async fn a_delivery_is_repeated_byte_for_byte_until_it_is_answered_with_200() {
    let bench = bench(1).await;
    receiver(&bench, "app", json!({"status": 503})).await;
    submit(
        &bench,
        json!({"form_id": FORMS[0], "leads": [{}], "webhook": webhook(&bench, &json!({"retries": 1_000}))}),
    )
    .await;
    once(&bench, "three tries", |totals| totals["attempts"].as_u64() >= Some(3)).await;
    receiver(&bench, "app", json!({"status": 200})).await;
    let totals = all_sent(&bench).await;
    assert_eq!((&totals["delivered"], &totals["statuses"]["200"]), (&json!(1), &json!(1)));
    let got = got(&bench, "app").await;
    assert!(got.len() >= 4 && got.iter().all(|request| request["body"] == got[0]["body"]));
}

#[tokio::test]
async fn a_delivery_is_given_up_after_its_tries_and_its_errors_are_counted() {
    let bench = bench(1).await;
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    receiver(&bench, "slow", json!({"hang_ms": 60_000})).await;
    for url in [refused, bench.url("/_receivers/slow")] {
        let hopeless = json!({"url": url, "retries": 2, "timeout_ms": 50});
        submit(&bench, json!({"form_id": FORMS[0], "leads": [{}], "webhook": webhook(&bench, &hopeless)}))
            .await;
    }
    let totals = all_sent(&bench).await;
    assert_eq!((&totals["given_up"], &totals["errors"]), (&json!(2), &json!({"connect": 3, "timeout": 3})));
    let filtered = bench.get("/_sim/webhooks?state=given_up&limit=1").await.body;
    assert_eq!(filtered["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(bench.get("/_sim/webhooks?state=lost").await.status, 400);
}

#[tokio::test]
async fn a_past_delivery_can_be_sent_again() {
    let bench = bench(1).await;
    let told =
        submit(&bench, json!({"form_id": FORMS[0], "leads": [{}], "webhook": webhook(&bench, &json!({}))}))
            .await;
    all_sent(&bench).await;
    let replay = json!({"id": told["deliveries"][0]});
    assert_eq!(bench.control("/_sim/webhooks/replay", &replay).await.body, json!({"status": 200}));
    receiver(&bench, "other", json!({"status": 401})).await;
    let elsewhere = json!({"id": told["deliveries"][0], "url": bench.url("/_receivers/other")});
    assert_eq!(bench.control("/_sim/webhooks/replay", &elsewhere).await.body, json!({"status": 401}));
    let (first, second) = (got(&bench, "app").await, got(&bench, "other").await);
    assert_eq!(first.len(), 2);
    for again in [&first[1], &second[0]] {
        assert_eq!(again["body"], first[0]["body"]);
        assert_eq!(again["headers"]["x-hub-signature-256"], first[0]["headers"]["x-hub-signature-256"]);
    }
    let by_lead =
        bench.get(&format!("/_sim/webhooks?lead_id={}", told["ids"][0].as_str().unwrap())).await.body;
    assert_eq!(by_lead["webhooks"][0]["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(by_lead["webhooks"][0]["state"], "delivered");
    assert_eq!(bench.control("/_sim/webhooks/replay", &json!({"id": "w99"})).await.status, 404);
}

#[tokio::test]
async fn receivers_keep_what_they_get_and_answer_as_told() {
    let bench = bench(0).await;
    receiver(
        &bench,
        "moved",
        json!({"status": 302, "body": "gone", "headers": {"location": "http://a.example/"}}),
    )
    .await;
    let post = bench.http.post(bench.url("/_receivers/moved?a=b")).header("x-mine", "1").body("héllo");
    let reply = post.send().await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        (reply.status().as_u16(), reply.headers()["location"].to_str().unwrap()),
        (302, "http://a.example/")
    );
    let seen = got(&bench, "moved").await;
    assert_eq!(
        (&seen[0]["body"], &seen[0]["query"], &seen[0]["headers"]["x-mine"]),
        (&json!("héllo"), &json!("a=b"), &json!("1"))
    );
    assert_eq!(bench.get("/_receivers/nobody").await.status, 404);
    assert_eq!(bench.delete("/_sim/receivers/moved").await.status, 200);
    assert_eq!(bench.get("/_sim/receivers/moved").await.status, 404);
}
