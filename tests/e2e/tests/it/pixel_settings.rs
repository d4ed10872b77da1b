//! What an operator changes holds within a minute.

use anyhow::ensure;
use e2e::{Shop, lead};
use serde_json::json;
use stack::Stack;

#[tokio::test]
async fn a_disabled_pixel_skips_events_within_a_minute() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    shop.post(&[lead("on-1", "a@example.com")]).await?;
    shop.receipt("on-1", "sent").await?;
    let path = format!("/api/v1/pixels/{}?tenant_id={}", shop.pixel, shop.tenant);
    shop.api.expect("PATCH", &path, &shop.root, Some(&json!({"enabled": false})), 200).await?;
    let mut nth = 0;
    let skipped = std::cell::Cell::new(0);
    e2e::within(90, "events are skipped", || {
        nth += 1;
        let id = format!("off-{nth}");
        let (shop, skipped) = (&shop, &skipped);
        async move {
            shop.post(&[lead(&id, "a@example.com")]).await?;
            let receipt = e2e::within(60, "a receipt", || async {
                Ok(shop.receipts(&id).await?.into_iter().find(|receipt| receipt["status"] != "waiting"))
            })
            .await?;
            skipped.set(nth);
            Ok((receipt["status"] == "skipped" && receipt["reason"] == "pixel_disabled").then_some(()))
        }
    })
    .await?;
    ensure!(skipped.get() > 0);
    Ok(())
}

#[tokio::test]
async fn a_test_event_shows_metas_answer() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let path = format!("/api/v1/pixels/{}/test-event?tenant_id={}", shop.pixel, shop.tenant);
    let answer = shop.api.post(&path, &shop.root, &json!({"test_event_code": "TEST12345"}), 200).await?;
    ensure!(answer["meta_response"]["events_received"] == 1, "{answer}");
    let held = shop.sim.events(&shop.pixel).await?;
    ensure!(held.len() == 1 && held[0]["test_event_code"] == "TEST12345", "{held:?}");
    Ok(())
}
