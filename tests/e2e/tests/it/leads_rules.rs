//! Rules ask what a lead's person did before.

use anyhow::ensure;
use e2e::LeadPage;
use serde_json::{Value, json};
use stack::Stack;

#[tokio::test]
async fn a_rule_on_earlier_visits_fires_for_the_lead_of_a_visitor_alone() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let shop = &page.shop;
    let rule = json!({"id": "returning", "events": ["lead_captured"],
        "when": [{"person_times": {"event_name": "visited", "days": 7, "at_least": 1}}],
        "fire": [{"event_name": "ReturningLead"}]});
    let path = format!("/api/v1/rules?tenant_id={}", shop.tenant);
    let body = json!({"version": 0, "rules": [rule]});
    shop.api.expect("PUT", &path, &shop.root, Some(&body), 200).await?;
    let visit = json!({"event_name": "visited", "event_id": "v", "identity": {"email": "back@example.com"}});
    shop.convert(&shop.key, &visit).await?;

    let mut leads = Vec::new();
    for email in ["back@example.com", "new@example.com"] {
        leads.push(page.submit_one(&[("full_name", "Ada Lovelace"), ("email", email)], 0).await?);
    }
    for lead in &leads {
        let sent = |lead: &Value| lead["feedback"][0]["receipts"][0]["status"] == "sent";
        page.lead_with(lead, 120, "its first stage is sent", sent).await?;
    }
    e2e::eventually("the rule fires", || async { Ok(!returning(&page).await?.is_empty()) }).await?;
    ensure!(returning(&page).await? == [leads[0].clone()], "{:?}", returning(&page).await?);
    Ok(())
}

/// The leads that Meta holds the rule's event of.
async fn returning(page: &LeadPage) -> anyhow::Result<Vec<String>> {
    let held = page.shop.sim.events(&page.shop.pixel).await?;
    let fired = held.iter().filter(|held| held["event"]["event_name"] == "ReturningLead");
    let lead = |held: &Value| held["event"]["user_data"]["lead_id"].to_string().trim_matches('"').to_owned();
    Ok(fired.map(lead).collect())
}
