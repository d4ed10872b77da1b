//! Inspection and control: shapes that scripts rely on.

use graph_sim::{Sim, SimConfig};
use serde_json::{Value, json};

use crate::bench::{Bench, NOW_S, PIXEL, TOKEN, event};

#[tokio::test]
async fn events_are_filtered_counted_and_paged() {
    let bench = Bench::new();
    let events: Vec<Value> = (0..5).map(|n| event(&n.to_string())).collect();
    bench.send(&events).await;
    let page = |query: &str| bench.get_owned(format!("/_sim/events?{query}"));
    let first = page(&format!("pixel_id={PIXEL}&limit=2")).await;
    assert_eq!((&first["total"], first["events"].as_array().unwrap().len()), (&json!(5), 2));
    let rest = page(&format!("limit=9&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((rest["events"].as_array().unwrap().len(), rest.get("next_cursor")), (3, None));
    let one = page("event_id=3&event_name=Lead").await;
    assert_eq!((&one["total"], &one["events"][0]["event"]), (&json!(1), &event("3")));
    assert_eq!(page("pixel_id=1").await["total"], 0);
    for wrong in ["limit=20001", "limit=x", "pixel=1"] {
        assert_eq!(bench.get(&format!("/_sim/events?{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn an_event_without_an_id_is_listed_with_null() {
    let bench = Bench::new();
    let mut anonymous = event("x");
    anonymous.as_object_mut().unwrap().remove("event_id");
    bench.send(&[anonymous.clone(), anonymous]).await;
    let listed = bench.get("/_sim/events").await.body;
    assert_eq!((&listed["total"], &listed["events"][0]["event_id"]), (&json!(2), &Value::Null));
}

#[tokio::test]
async fn requests_are_listed_with_what_they_carried() {
    let bench = Bench::new();
    bench.send(&[event("a"), event("a")]).await;
    bench.get("/v26.0/me?fields=id").await;
    let all = bench.get("/_sim/requests").await.body;
    assert_eq!(all["total"], 2, "control calls are not in the log");
    let sent = &all["requests"][0];
    assert_eq!((&sent["method"], &sent["path"]), (&json!("POST"), &json!(format!("/v26.0/{PIXEL}/events"))));
    assert_eq!((&sent["events"], &sent["stored"], &sent["status"]), (&json!(2), &json!(1), &json!(200)));
    assert_eq!((&sent["at_ms"], &sent["pixel_id"]), (&json!(NOW_S * 1_000), &json!(PIXEL)));
    assert_eq!(sent["request_bytes"], json!({"data": [event("a"), event("a")]}).to_string().len());
    assert_eq!(
        (&sent["token_in"], &sent["headers"]["content-type"]),
        (&json!("header"), &json!("application/json"))
    );
    assert!(sent["response_bytes"].as_u64().unwrap() > 0);
    assert!(!all.to_string().contains(TOKEN));
    let latest = bench.get("/_sim/requests?path_contains=/v26.0&limit=1").await.body;
    assert_eq!((&latest["total"], &latest["requests"][0]["query"]), (&json!(2), &json!("fields=id")));
    assert_eq!(bench.get("/_sim/requests?path_contains=/events").await.body["total"], 1);
}

#[tokio::test]
async fn the_clock_stands_moves_and_runs() {
    let bench = Bench::new();
    let set = async |body: Value| bench.control("/_sim/clock", &body).await.body;
    assert_eq!(set(json!({"now_ms": 5})).await, json!({"now_ms": 5, "real": false}));
    assert_eq!(set(json!({"advance_ms": 7})).await, json!({"now_ms": 12, "real": false}));
    let real = set(json!({"real": true})).await;
    assert!(real["real"] == true && real["now_ms"].as_i64().unwrap() > 1_700_000_000_000);
    for wrong in [json!({}), json!({"real": false}), json!({"now_ms": 1, "advance_ms": 1}), json!({"now": 1})]
    {
        assert_eq!(bench.control("/_sim/clock", &wrong).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn usage_headers_are_set_by_switch() {
    let bench = Bench::new();
    let business = json!({"77": [{"type": "ads_management", "call_count": 95, "total_cputime": 20.5, "total_time": 20,
                                  "estimated_time_to_regain_access": 0}]});
    let usage = json!({"usage": {"business": business, "ad_account": {"acc_id_util_pct": 9.67}}});
    assert_eq!(bench.control("/_sim/switches", &usage).await.status, 200);
    let reply = bench.send(&[event("a")]).await;
    assert_eq!(reply.header("x-business-use-case-usage"), Some(business));
    assert_eq!(reply.header("x-ad-account-usage").unwrap()["acc_id_util_pct"], 9.67);
    assert_eq!(reply.header("x-app-usage"), None, "usage is replaced as a whole");
    assert_eq!(bench.control("/_sim/switches", &json!({"useage": {}})).await.status, 400);
}

#[tokio::test]
async fn a_reset_forgets_everything_or_what_it_names() {
    let bench = Bench::new();
    bench.send(&[event("a")]).await;
    bench.control("/_sim/clock", &json!({"advance_ms": 1})).await;
    bench.control("/_sim/switches", &json!({"locale": "de"})).await;
    bench.control("/_sim/reset", &json!({"only": ["events", "requests"]})).await;
    assert_eq!(bench.get("/_sim/events").await.body["total"], 0);
    assert_eq!(bench.get("/_sim/requests").await.body["total"], 0);
    assert_eq!(bench.send(&[event("a")]).await.status, 200, "the token is still known");
    assert_eq!(bench.delete("/_sim/reset").await.status, 405);
    let request = bench.http.post(bench.url("/_sim/reset"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(bench.send(&[event("a")]).await.status, 401);
    assert_eq!(bench.get("/_sim/switches").await.body["locale"], "en");
    assert_eq!(bench.get("/_sim/clock").await.body["now_ms"], NOW_S * 1_000);
    assert_eq!(bench.control("/_sim/reset", &json!({"only": ["everything"]})).await.status, 400);
}

#[tokio::test]
async fn unknown_control_paths_and_methods_are_told_apart() {
    let bench = Bench::new();
    assert_eq!(bench.get("/_sim/nonsense").await.status, 404);
    assert_eq!(bench.delete("/_sim/health").await.status, 405);
    assert_eq!(bench.control("/_sim/tokens", &json!({"token": ""})).await.status, 400);
    assert_eq!(bench.control("/_sim/tokens", &json!({"pixels": []})).await.status, 400);
}

#[test]
fn a_simulator_frees_its_port_when_it_stops() {
    let sim = Sim::start(SimConfig::default()).unwrap();
    let port = sim.base_url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(Sim::start(SimConfig { port, ..SimConfig::default() }).is_err());
    sim.stop();
    drop(Sim::start(SimConfig { port, ..SimConfig::default() }).unwrap());
}
