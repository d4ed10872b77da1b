//! A single Purchase, from the product to Meta.

use anyhow::{Context as _, ensure};
use e2e::{Shop, purchase};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use stack::Stack;

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[tokio::test]
async fn a_purchase_arrives_hashed_and_its_receipt_has_metas_trace() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let answer = shop.api.post("/api/v1/meta/event", &shop.key, &purchase("one-1"), 202).await?;
    ensure!(answer["success"] == true && answer["event_id"] == "one-1" && answer["status"] == "queued");
    ensure!(answer["hashed"] == true, "{answer}");
    shop.meta_holds(1, 120).await?;
    let held = shop.sim.events(&shop.pixel).await?.pop().context("an event")?;
    let user = &held["event"]["user_data"];
    for (key, plain) in [
        ("em", "john_smith@gmail.com"),
        ("ph", "16505551212"),
        ("fn", "john"),
        ("ln", "smith"),
        ("ct", "menlopark"),
        ("st", "ca"),
        ("zp", "94025"),
        ("country", "us"),
        ("external_id", "user-4711"),
    ] {
        ensure!(user[key] == json!([sha256(plain)]), "{key}: {}", user[key]);
    }
    let sent = purchase("one-1");
    for key in ["fbp", "fbc", "client_ip_address", "client_user_agent"] {
        ensure!(user[key] == sent["user_data"][key], "{key}: {}", user[key]);
    }
    ensure!(
        held["event"]["custom_data"]["value"] == 29.99 && held["event"]["custom_data"]["currency"] == "USD"
    );
    ensure!(held["flags"] == json!([]), "hashes that never match: {}", held["flags"]);
    let receipt = shop.receipt("one-1", "sent").await?;
    ensure!(receipt["fbtrace_id"] == held["fbtrace_id"] && receipt["fbtrace_id"].is_string(), "{receipt}");
    ensure!(receipt["pixel_id"] == shop.pixel.as_str() && receipt["event_name"] == "Purchase", "{receipt}");
    Ok(())
}

#[tokio::test]
async fn the_synchronous_path_shows_metas_answer() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let answer = shop.api.post("/api/v1/meta/event/sync", &shop.key, &purchase("sync-1"), 200).await?;
    ensure!(answer["status"] == "sent", "{answer}");
    ensure!(answer["meta_response"]["events_received"] == 1, "{answer}");
    ensure!(answer["meta_response"]["fbtrace_id"].is_string(), "{answer}");
    ensure!(shop.sim.total(&shop.pixel).await? == 1);
    shop.receipt("sync-1", "sent").await?;
    Ok(())
}

#[tokio::test]
async fn no_answer_from_meta_is_503_on_the_synchronous_path_and_nothing_is_queued() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let fault = json!({"match": {"pixel_id": shop.pixel}, "times": 1, "status": 500, "code": 2, "is_transient": true});
    shop.sim.fault(&fault).await?;
    let answer =
        shop.api.call("POST", "/api/v1/meta/event/sync", Some(&shop.key), Some(&purchase("sync-2"))).await?;
    ensure!(answer.status == 503 && answer.code() == "meta_unavailable", "{answer:?}");
    ensure!(shop.receipts("sync-2").await?.is_empty());
    // The next one goes through, and it is alone.
    let sent = e2e::within(30, "the next event is sent", || async {
        let answer = shop
            .api
            .call("POST", "/api/v1/meta/event/sync", Some(&shop.key), Some(&purchase("sync-3")))
            .await?;
        Ok((answer.status == 200).then_some(answer))
    })
    .await?;
    ensure!(sent.body["status"] == "sent");
    ensure!(shop.sim.total(&shop.pixel).await? == 1);
    Ok(())
}
