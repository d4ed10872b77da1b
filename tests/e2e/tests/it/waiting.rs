//! Conversions that wait for an identify call, or for consent.

use anyhow::{Context as _, ensure};
use e2e::Shop;
use serde_json::json;
use stack::Stack;

#[tokio::test]
async fn a_held_event_goes_out_once_with_what_an_identify_call_added() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let key = shop.add_source("app", &json!({"hold_event_names": ["signup"], "hold_minutes": 10})).await?;
    let body =
        json!({"event_name": "signup", "event_id": "late", "identity": {"external_id": "anonymous-1"}});
    let answer = shop.convert(&key, &body).await?;
    ensure!(answer["held"]["reason"] == "identity" && answer["forwarded"] == false, "{answer}");
    let identify = json!({"identity": {"external_id": "anonymous-1", "email": "late@example.com", "first_name": "Late"}});
    let done = shop.api.post("/api/v1/identify", &key, &identify, 200).await?;
    ensure!(done["released"] == 1 && done["person_id"] == answer["person_id"], "{done}");
    shop.meta_holds(1, 120).await?;
    let receipt = shop.receipt("late", "sent").await?;
    let has = |field: &str, key: &str| {
        receipt[field].as_array().is_some_and(|keys| keys.iter().any(|known| known == key))
    };
    ensure!(has("keys_before", "external_id") && !has("keys_before", "em"), "{receipt}");
    ensure!(has("user_data_keys", "em") && has("user_data_keys", "fn"), "{receipt}");
    ensure!(receipt["held_since"].is_string(), "{receipt}");
    Ok(())
}

#[tokio::test]
async fn required_consent_releases_or_drops_what_waited_for_it() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let key = shop.add_source("app", &json!({"consent_policy": "require"})).await?;
    for (who, consent) in [("yes", "granted"), ("no", "denied")] {
        let identity = json!({"email": format!("{who}@example.com")});
        let body =
            json!({"event_name": "visited", "event_id": format!("consent-{who}"), "identity": identity});
        let answer = shop.convert(&key, &body).await?;
        ensure!(answer["held"]["reason"] == "consent", "{answer}");
        ensure!(shop.receipts(&format!("consent-{who}")).await?.is_empty());
        let body = json!({"identity": identity, "consent": consent});
        let done = shop.api.post("/api/v1/consent", &key, &body, 200).await?;
        ensure!(done["released"] == 1, "{done}");
    }
    shop.receipt("consent-yes", "sent").await?;
    let dropped = shop.receipt("consent-no", "skipped").await?;
    ensure!(dropped["reason"] == "consent_denied", "{dropped}");
    shop.meta_holds(1, 60).await
}

#[tokio::test]
async fn the_sweep_ends_a_wait_that_nobody_ended() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let key = shop.add_source("app", &json!({"hold_event_names": ["signup"], "hold_minutes": 1})).await?;
    let body =
        json!({"event_name": "signup", "event_id": "swept", "identity": {"external_id": "nobody-knows"}});
    let answer = shop.convert(&key, &body).await?;
    answer["held"]["until"].as_str().context("held")?;
    // Its minute, and the schedule's.
    e2e::within(300, "the sweep sends it", || async {
        Ok((shop.sim.total(&shop.pixel).await? == 1).then_some(()))
    })
    .await?;
    shop.receipt("swept", "sent").await?;
    Ok(())
}
