//! A token dies in the middle.

use anyhow::ensure;
use e2e::{Shop, lead};
use serde_json::{Value, json};
use stack::Stack;

fn leads(prefix: &str, n: usize) -> Vec<Value> {
    (0..n).map(|i| lead(&format!("{prefix}-{i}"), &format!("t{i}@example.com"))).collect()
}

#[tokio::test]
async fn events_wait_for_a_new_token_and_then_arrive_by_themselves() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    shop.post(&leads("before", 100)).await?;
    shop.meta_holds(100, 120).await?;

    shop.sim.revoke(&shop.token).await?;
    shop.post(&leads("after", 300)).await?;
    let path = format!("/api/v1/connections/{}?tenant_id={}", shop.connection, shop.tenant);
    e2e::eventually("the connection needs attention", || async {
        let connection = shop.api.get(&path, &shop.root).await?;
        Ok(connection["health"]["state"] == "needs_attention")
    })
    .await?;
    let receipt = shop.receipt("after-0", "waiting").await?;
    ensure!(receipt["reason"] == "token_invalid", "{receipt}");

    let token = format!("{}2", shop.token);
    shop.sim.token(&json!({"token": token, "pixels": [shop.pixel], "scopes": ["ads_management"]})).await?;
    let path = format!("/api/v1/connections/{}?tenant_id={}", shop.connection, shop.tenant);
    shop.api.expect("PATCH", &path, &shop.root, Some(&json!({"access_token": token})), 200).await?;
    shop.meta_holds(400, 180).await?;
    shop.receipt("after-299", "sent").await?;
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}
