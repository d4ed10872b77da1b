//! What an operator changes holds within a minute.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::ensure;
use e2e::{Shop, lead};
use serde_json::json;
use stack::Stack;

/// When at the latest what an operator changed holds everywhere.
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_disabled_pixel_skips_what_is_posted_a_minute_later() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    shop.post(&[lead("on-1", "a@example.com")]).await?;
    shop.receipt("on-1", "sent").await?;
    let path = format!("/api/v1/pixels/{}?tenant_id={}", shop.pixel, shop.tenant);
    shop.api.expect("PATCH", &path, &shop.root, Some(&json!({"enabled": false})), 200).await?;
    let (changed, sent) = (Instant::now(), Cell::new(1));
    e2e::within(120, "an event is skipped", || async {
        let posted = changed.elapsed();
        let id = format!("off-{}", posted.as_millis());
        shop.post(&[lead(&id, "a@example.com")]).await?;
        let receipt = e2e::within(60, "a receipt", || async {
            Ok(shop.receipts(&id).await?.into_iter().find(|receipt| receipt["status"] != "waiting"))
        })
        .await?;
        if receipt["status"] == "skipped" {
            ensure!(receipt["reason"] == "pixel_disabled", "{receipt}");
            return Ok(Some(()));
        }
        ensure!(receipt["status"] == "sent", "{receipt}");
        ensure!(posted < MINUTE, "an event that was posted {posted:?} after the change was sent");
        sent.set(sent.get() + 1);
        Ok(None)
    })
    .await?;
    let held = shop.sim.total(&shop.pixel).await?;
    ensure!(held == sent.get(), "Meta holds {held}, and {} were sent", sent.get());
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
