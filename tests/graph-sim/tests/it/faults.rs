//! Faults, one by one.

use serde_json::{Value, json};

use crate::bench::{Bench, PIXEL, Reply, event};

async fn fault(bench: &Bench, body: Value) -> String {
    let reply = bench.control("/_sim/faults", &body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_error_fault_answers_for_meta_and_stores_nothing() {
    let bench = Bench::new();
    let id =
        fault(&bench, json!({"match": {"pixel_id": PIXEL, "method": "POST"}, "times": 1, "code": 2})).await;
    let reply = bench.send(&[event("a")]).await;
    assert_eq!(reply.error(), (503, Some(2), None));
    assert_eq!(reply.body["error"]["is_transient"], true);
    assert_eq!(reply.headers["x-fb-trace-id"], reply.body["error"]["fbtrace_id"].as_str().unwrap());
    assert!(bench.stored().is_empty());
    assert_eq!(bench.send(&[event("a")]).await.status, 200, "only one call is hit");
    let log = bench.sim.requests();
    assert_eq!((log[0].fault.as_deref(), log[1].fault.as_deref()), (Some(id.as_str()), None));
    assert_eq!((log[0].status, log[0].code, log[1].stored), (503, Some(2), 1));
}

#[tokio::test]
async fn a_limit_says_how_many_minutes_to_wait() {
    let bench = Bench::new();
    let body = json!({"code": 80004, "subcode": 2_446_079, "wait_minutes": 7, "headers": {"x-more": "yes"}});
    fault(&bench, body).await;
    let reply = bench.send(&[event("a")]).await;
    assert_eq!(reply.error(), (400, Some(80004), Some(2_446_079)));
    let usage = reply.header("x-business-use-case-usage").unwrap();
    assert_eq!(usage[PIXEL][0]["type"], "ads_management");
    assert_eq!(usage[PIXEL][0]["estimated_time_to_regain_access"], 7);
    assert_eq!(reply.headers["x-more"], "yes");
}

#[tokio::test]
async fn a_warning_comes_with_an_ordinary_answer() {
    let bench = Bench::new();
    fault(&bench, json!({"wait_minutes": 3, "latency_ms": 1})).await;
    let reply = bench.send(&[event("a")]).await;
    assert_eq!((reply.status, bench.stored().len()), (200, 1));
    assert!(reply.header("x-business-use-case-usage").is_some());
}

#[tokio::test]
async fn a_cut_before_the_write_stores_nothing_and_one_after_it_does() {
    let bench = Bench::new();
    fault(&bench, json!({"times": 1, "cut": "before_write"})).await;
    assert!(bench.try_send(&[event("a")]).await.is_err());
    assert_eq!(bench.stored().len(), 0);
    fault(&bench, json!({"times": 1, "cut": "after_write", "code": 1})).await;
    assert!(bench.try_send(&[event("a")]).await.is_err());
    assert_eq!(bench.stored().len(), 1);
    assert_eq!(bench.send(&[event("a")]).await.status, 200);
    assert_eq!(bench.stored()[0].copies, 2);
    let log = bench.sim.requests();
    assert_eq!(
        log.iter().map(|entry| (entry.status, entry.stored)).collect::<Vec<_>>(),
        [(0, 0), (0, 1), (200, 0)]
    );
}

#[tokio::test]
async fn a_proxys_page_or_a_lying_200_can_stand_in_for_an_answer() {
    let bench = Bench::new();
    fault(&bench, json!({"times": 1, "status": 502, "body": "<html>Bad Gateway</html>"})).await;
    fault(&bench, json!({"body": "Service Unavailable"})).await;
    let page = bench.send(&[event("a")]).await;
    assert_eq!((page.status, &page.body), (502, &json!("<html>Bad Gateway</html>")));
    let lie = bench.send(&[event("a")]).await;
    assert_eq!((lie.status, &lie.body), (200, &json!("Service Unavailable")));
    assert!(bench.stored().is_empty());
}

#[tokio::test]
async fn an_event_fault_refuses_any_request_that_holds_the_event_without_naming_it() {
    let bench = Bench::new();
    let body = json!({"reject_event": {"event_id": "culprit"}, "code": 100, "subcode": 2_804_016});
    let id = fault(&bench, body).await;
    assert_eq!(bench.send(&[event("a"), event("b")]).await.status, 200);
    let reply = bench.send(&[event("c"), event("culprit")]).await;
    assert_eq!(reply.error(), (400, Some(100), Some(2_804_016)));
    assert!(!reply.body.to_string().contains("culprit"));
    assert_eq!(bench.stored().len(), 2);
    assert_eq!(bench.sim.requests()[1].fault.as_deref(), Some(id.as_str()));
    fault(&bench, json!({"reject_event": {"event_name": "Lead"}, "times": 1})).await;
    assert_eq!(bench.send(&[event("d")]).await.error(), (400, Some(100), None));
    assert_eq!(bench.send(&[event("d")]).await.status, 200);
}

#[tokio::test]
async fn faults_are_listed_removed_and_refused() {
    let bench = Bench::new();
    let first = fault(&bench, json!({"code": 1})).await;
    fault(&bench, json!({"code": 4, "times": 2})).await;
    bench.send(&[event("a")]).await;
    assert_eq!(bench.delete(&format!("/_sim/faults/{first}")).await.status, 200);
    assert_eq!(bench.delete(&format!("/_sim/faults/{first}")).await.status, 404);
    assert_eq!(bench.send(&[event("a")]).await.error().1, Some(4));
    let listed = bench.get("/_sim/faults").await.body["faults"].clone();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["hits"], &listed[0]["times"]),
        (1, &json!(1), &json!(2))
    );
    bench.delete("/_sim/faults").await;
    assert_eq!(bench.send(&[event("a")]).await.status, 200);
    for defective in [json!({"times": -1}), json!({"probability": 2}), json!({"cod": 1}), json!([])] {
        assert_eq!(bench.control("/_sim/faults", &defective).await.status, 400, "{defective}");
    }
}

#[tokio::test]
async fn a_share_of_calls_fails_the_same_way_each_time() {
    let bench = Bench::new();
    let mut runs = Vec::new();
    for _ in 0..2 {
        bench.delete("/_sim/faults").await;
        fault(&bench, json!({"probability": 0.5, "seed": 11, "code": 1})).await;
        let mut run = Vec::new();
        for _ in 0..20 {
            run.push(bench.send(&[event("a")]).await.status);
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&500));
}

#[tokio::test]
async fn faults_hit_reads_too_but_never_the_control_paths() {
    let bench = Bench::new();
    fault(&bench, json!({"status": 500})).await;
    assert_eq!(bench.get("/v26.0/me").await.error(), (500, Some(1), None));
    let health = bench.http.get(bench.url("/_sim/health")).send().await.unwrap();
    assert_eq!(Reply::of(health).await.body, json!({"ok": true}));
}
