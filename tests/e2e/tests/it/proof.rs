//! Connections of the deployment's own app prove themselves to Meta with its secret.

use anyhow::ensure;
use e2e::{Shop, lead};
use serde_json::json;
use stack::Stack;

#[tokio::test]
async fn events_of_the_deployments_app_carry_the_proof_meta_asks_for() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let env = stack.env();
    let token = json!({"token": shop.token, "pixels": [shop.pixel], "scopes": ["ads_management"],
        "app_id": env.app_id, "app_secret": env.app_secret, "require_proof": true});
    shop.sim.token(&token).await?;
    // Without a secret of its own: whose app it is says which secret.
    let path = format!("/api/v1/connections/{}?tenant_id={}", shop.connection, shop.tenant);
    shop.api.expect("PATCH", &path, &shop.root, Some(&json!({"app_id": env.app_id})), 200).await?;
    shop.post(&[lead("proven", "a@example.com")]).await?;
    shop.receipt("proven", "sent").await?;
    ensure!(shop.sim.total(&shop.pixel).await? == 1, "Meta took the event");
    Ok(())
}
