//! Tenants' own endpoints fail in different ways: each is tried as documented, and none harms another.

use anyhow::{Context as _, ensure};
use e2e::LeadPage;
use serde_json::{Value, json};
use stack::Stack;

/// Calls of the tenant's webhook that did not succeed.
async fn open_calls(page: &LeadPage) -> anyhow::Result<Vec<Value>> {
    let shown = page.shop.of_tenant("/api/v1/lead-webhook/deliveries").await?;
    shown["items"].as_array().cloned().context("items")
}

/// Waits until the one call that did not succeed is given up, and returns it.
async fn dead_call(page: &LeadPage) -> anyhow::Result<Value> {
    e2e::within(300, "the call is dead", || async {
        let calls = open_calls(page).await?;
        Ok(calls.into_iter().find(|call| call["state"] == "dead"))
    })
    .await
}

#[tokio::test]
async fn three_receivers_fail_differently_and_the_fourth_hears_of_its_lead() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let [hanging, failing, refusing, good] = [
        LeadPage::open(&stack).await?,
        LeadPage::open(&stack).await?,
        LeadPage::open(&stack).await?,
        LeadPage::open(&stack).await?,
    ];
    let name = |page: &LeadPage| format!("outside-{}", page.page);
    hanging.tell_receiver(&name(&hanging), &json!({"hang_ms": 60_000})).await?;
    failing.tell_receiver(&name(&failing), &json!({"status": 500})).await?;
    good.tell_receiver(&name(&good), &json!({"status": 200})).await?;
    // A port that nobody listens on.
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let path = format!("/api/v1/lead-webhook?tenant_id={}", refusing.shop.tenant);
    let body = json!({"url": format!("http://{closed}/hook")});
    let put = refusing.shop.api.call("PUT", &path, Some(&refusing.shop.root), Some(&body)).await?;
    ensure!(matches!(put.status, 200 | 201), "{put:?}");

    for (nth, page) in [&hanging, &failing, &refusing, &good].into_iter().enumerate() {
        let email = format!("outside{nth}@example.com");
        page.submit_one(&[("full_name", "Jane Doe"), ("email", &email)], 0).await?;
    }
    let heard = e2e::within(120, "the good one has heard", || async {
        Ok(good.received(&name(&good)).await?.into_iter().next())
    })
    .await?;
    ensure!(
        heard["headers"]["webhook-signature"].as_str().is_some_and(|text| text.starts_with("v1,")),
        "{heard}"
    );
    let told: Value = serde_json::from_str(heard["body"].as_str().context("a body")?)?;
    ensure!(told["type"] == "lead.created" && told["tenant_id"] == good.shop.tenant.as_str(), "{told}");
    ensure!(open_calls(&good).await?.is_empty());

    let calls = [dead_call(&hanging).await?, dead_call(&failing).await?, dead_call(&refusing).await?];
    ensure!(calls[0]["error"] == "timeout", "{}", calls[0]);
    ensure!(calls[1]["http_status"] == 500, "{}", calls[1]);
    ensure!(calls[2]["error"] == "refused", "{}", calls[2]);
    ensure!(calls.iter().all(|call| call["attempts"].as_u64() > Some(1)), "{calls:?}");
    let tries = failing.received(&name(&failing)).await?;
    ensure!(calls[1]["attempts"] == tries.len(), "{} tries: {}", tries.len(), calls[1]);
    let id = &tries[0]["headers"]["webhook-id"];
    ensure!(tries.iter().all(|one| one["headers"]["webhook-id"] == *id), "one id through all tries");
    ensure!(good.received(&name(&good)).await?.len() == 1, "the others' tries are not the good one's");

    failing.tell_receiver(&name(&failing), &json!({"status": 200})).await?;
    let path = format!(
        "/api/v1/lead-webhook/deliveries/{}/redeliver?tenant_id={}",
        calls[1]["id"].as_str().context("an id")?,
        failing.shop.tenant
    );
    let again = failing.shop.api.call("POST", &path, Some(&failing.shop.root), Some(&json!({}))).await?;
    ensure!(matches!(again.status, 200 | 202), "{again:?}");
    e2e::eventually("what was dead is delivered", || async { Ok(open_calls(&failing).await?.is_empty()) })
        .await
}
