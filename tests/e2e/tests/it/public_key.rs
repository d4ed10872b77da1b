//! Keys that stand in web pages are trusted with nothing.

use anyhow::ensure;
use e2e::{Shop, lead, now_s};
use serde_json::json;
use stack::Stack;

#[tokio::test]
async fn a_guessed_event_id_never_keeps_the_servers_event_from_being_sent() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let path = format!("/api/v1/sources/{}?tenant_id={}", shop.source, shop.tenant);
    let origins = json!({"allowed_origins": ["https://shop.example.com"]});
    shop.api.expect("PATCH", &path, &shop.root, Some(&origins), 200).await?;
    let public = shop.new_key("public").await?;
    let guessed = json!({"key": public, "events": [{"event_name": "Lead", "event_id": "order-77",
        "event_time": now_s(), "action_source": "website", "event_source_url": "https://shop.example.com/",
        "user_data": {"fbp": "fb.1.1596403881668.1098115397", "client_user_agent": "Mozilla/5.0"}}]});
    let headers = [("content-type", "text/plain"), ("origin", "https://shop.example.com")];
    let answer = shop.api.post_raw("/b/events", &headers, guessed.to_string().into_bytes()).await?;
    ensure!(answer.status == 202, "{answer:?}");
    shop.receipt("order-77", "sent").await?;

    shop.post(&[lead("order-77", "real@example.com")]).await?;
    e2e::eventually("both were sent", || async {
        let receipts = shop.receipts("order-77").await?;
        Ok(receipts.len() == 2 && receipts.iter().all(|receipt| receipt["status"] == "sent"))
    })
    .await?;
    ensure!(shop.sim.calls(&shop.pixel).await?.len() == 2, "the server's event went out");
    Ok(())
}
