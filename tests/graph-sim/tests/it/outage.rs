//! Outages in each of their forms.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{Bench, event};

async fn begin(bench: &Bench, body: Value) {
    assert_eq!(bench.control("/_sim/outage", &body).await.status, 200);
}

#[tokio::test]
async fn an_outage_ends_by_the_clock_or_by_hand() {
    let bench = Bench::new();
    begin(&bench, json!({"seconds": 7 * 3600})).await;
    assert_eq!(bench.send(&[event("a")]).await.error(), (503, Some(2), None));
    bench.control("/_sim/clock", &json!({"advance_ms": 7 * 3_600_000 - 1})).await;
    assert_eq!(bench.send(&[event("a")]).await.status, 503);
    bench.control("/_sim/clock", &json!({"advance_ms": 1})).await;
    assert_eq!(bench.send(&[event("a")]).await.status, 200);
    begin(&bench, json!({"mode": "500"})).await;
    assert_eq!(bench.send(&[event("a")]).await.error(), (500, Some(1), None));
    bench.delete("/_sim/outage").await;
    assert_eq!(bench.send(&[event("a")]).await.status, 200);
    assert_eq!(bench.sim.requests()[0].fault.as_deref(), Some("outage"));
    assert_eq!(bench.stored()[0].copies, 2);
}

#[tokio::test]
async fn refusing_closes_the_connection_and_leaves_the_control_paths_open() {
    let bench = Bench::new();
    begin(&bench, json!({"mode": "refuse", "seconds": null})).await;
    assert!(bench.try_send(&[event("a")]).await.is_err());
    assert_eq!(bench.get("/_sim/health").await.status, 200);
    assert!(bench.stored().is_empty());
}

#[tokio::test]
async fn hanging_never_answers_and_ends_with_the_simulator() {
    let bench = Bench::new();
    begin(&bench, json!({"mode": "hang"})).await;
    let url = bench.events_url();
    let request = bench.http.post(&url).timeout(Duration::from_millis(50)).send();
    assert!(request.await.unwrap_err().is_timeout());
    let hanging = tokio::spawn(bench.http.post(&url).send());
    let logged = async {
        while bench.sim.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), logged).await.unwrap();
    let sim = bench.sim;
    tokio::task::spawn_blocking(move || sim.stop()).await.unwrap();
    assert!(hanging.await.unwrap().is_err(), "cut when the simulator stopped");
}
