//! Meta fails, our process dies: nothing is lost, nothing doubles.

use anyhow::ensure;
use e2e::{Shop, lead};
use serde_json::{Value, json};
use stack::{Function, Stack};

#[tokio::test]
async fn a_third_of_calls_failing_and_two_kills_lose_and_double_nothing() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    for (nth, fault) in [
        json!({"status": 500, "code": 2, "is_transient": true, "probability": 0.06}),
        json!({"cut": "after_write", "probability": 0.06}),
        json!({"status": 400, "code": 4, "probability": 0.04, "wait_minutes": 0}),
        json!({"status": 400, "code": 17, "subcode": 2_446_079, "probability": 0.04}),
        json!({"status": 400, "code": 80_004, "probability": 0.02, "wait_minutes": 1}),
        json!({"latency_ms": 1_500, "probability": 0.08}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut fault = fault;
        fault["match"] = json!({"pixel_id": shop.pixel});
        fault["times"] = Value::Null;
        fault["seed"] = json!(nth + 1);
        shop.sim.fault(&fault).await?;
    }
    let all: Vec<Value> =
        (0..5_000).map(|n| lead(&format!("storm-{n}"), &format!("s{n}@example.com"))).collect();
    let mut kills = 0;
    for (nth, batch) in all.chunks(250).enumerate() {
        shop.post(batch).await?;
        if nth == 6 || nth == 13 {
            // At least one process of capi-dispatch dies in the middle of its work.
            kills += e2e::within(60, "a process of capi-dispatch to kill", || async {
                let killed = stack.kill_function(Function::CapiDispatch).await?;
                Ok((killed > 0).then_some(1))
            })
            .await?;
        }
    }
    ensure!(kills == 2);
    shop.meta_holds(5_000, 900).await?;
    shop.sim.no_faults().await?;
    e2e::within(300, "5,000 receipts say sent", || async {
        let receipts = shop.all_receipts().await?;
        Ok((receipts.iter().filter(|receipt| receipt["status"] == "sent").count() == 5_000).then_some(()))
    })
    .await?;
    ensure!(shop.sim.total(&shop.pixel).await? == 5_000, "none double");
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}
