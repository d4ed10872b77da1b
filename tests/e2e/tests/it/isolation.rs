//! Bad events and bad pixels.

use anyhow::ensure;
use e2e::{Shop, lead, number};
use serde_json::{Value, json};
use stack::Stack;

fn thousand(prefix: &str) -> Vec<Value> {
    (0..1_000).map(|n| lead(&format!("{prefix}-{n}"), &format!("p{n}@example.com"))).collect()
}

#[tokio::test]
async fn one_event_that_meta_refuses_among_a_thousand_costs_21_calls_and_harms_no_other() -> anyhow::Result<()>
{
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let fault = json!({"match": {"pixel_id": shop.pixel}, "times": null,
        "reject_event": {"event_id": "iso-617"}, "code": 100, "subcode": 2_804_050});
    shop.sim.fault(&fault).await?;
    shop.post(&thousand("iso")).await?;
    shop.meta_holds(999, 180).await?;
    let receipt = shop.receipt("iso-617", "rejected").await?;
    ensure!(receipt["code"] == 100 && receipt["subcode"] == 2_804_050, "{receipt}");
    let calls = shop.sim.calls(&shop.pixel).await?;
    ensure!((2..=21).contains(&calls.len()), "{} calls", calls.len());
    let stored = calls.iter().map(|call| number(call, "stored")).sum::<anyhow::Result<u64>>()?;
    ensure!(stored == 999, "{stored} events came in these calls");
    e2e::eventually("999 receipts say sent", || async {
        let receipts = shop.all_receipts().await?;
        Ok(receipts.iter().filter(|receipt| receipt["status"] == "sent").count() == 999)
    })
    .await
}

#[tokio::test]
async fn a_pixel_that_meta_does_not_know_rejects_nothing_and_flows_once_put_right() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::unknown_to_meta(&stack).await?;
    shop.post(&thousand("unk")).await?;
    let pixel_path = format!("/api/v1/pixels/{}?tenant_id={}", shop.pixel, shop.tenant);
    e2e::eventually("the pixel needs attention", || async {
        let pixel = shop.api.get(&pixel_path, &shop.root).await?;
        Ok(pixel["health"]["state"] == "needs_attention")
    })
    .await?;
    e2e::eventually("all events wait", || async {
        let receipts = shop.all_receipts().await?;
        ensure!(receipts.iter().all(|receipt| receipt["status"] != "rejected"));
        Ok(receipts.iter().filter(|receipt| receipt["status"] == "waiting").count() == 1_000)
    })
    .await?;
    let calls = shop.sim.calls(&shop.pixel).await?.len();
    ensure!((1..=4).contains(&calls), "{calls} calls");

    // Somebody assigns the pixel to the system user, in Meta's own tools.
    shop.sim
        .token(&json!({"token": shop.token, "pixels": [shop.pixel], "scopes": ["ads_management"]}))
        .await?;
    shop.meta_holds(1_000, 180).await?;
    shop.receipt("unk-999", "sent").await?;
    let pixel = shop.api.get(&pixel_path, &shop.root).await?;
    ensure!(pixel["health"]["state"] == "ok", "{pixel}");
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}
