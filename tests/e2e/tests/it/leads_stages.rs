//! What becomes of a lead is told to Meta, step by step and in order.

use anyhow::{Context as _, ensure};
use e2e::LeadPage;
use serde_json::{Value, json};
use stack::Stack;

const ANSWERS: [(&str, &str); 3] =
    [("full_name", "Jane Doe"), ("email", "jane@example.com"), ("phone_number", "+16505551212")];

/// What Meta holds of the lead's stages, oldest first.
async fn stages(page: &LeadPage) -> anyhow::Result<Vec<Value>> {
    let held = page.shop.sim.events(&page.shop.pixel).await?;
    let mut stages: Vec<Value> = held.into_iter().map(|held| held["event"].clone()).collect();
    stages.retain(|event| event["custom_data"]["event_source"] == "crm");
    stages.sort_by_key(|event| event["event_time"].as_i64());
    Ok(stages)
}

#[tokio::test]
async fn a_lead_that_is_won_is_told_to_meta_in_four_stages_and_an_illegal_step_in_none() -> anyhow::Result<()>
{
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let id = page.submit_one(&ANSWERS, 0).await?;
    page.lead_with(&id, 120, "it is stored", |_| true).await?;
    let path = |rest: &str| format!("/api/v1/leads/{id}{rest}?tenant_id={}", page.shop.tenant);
    let (api, root) = (&page.shop.api, &page.shop.root);

    let illegal = api.call("PATCH", &path(""), Some(root), Some(&json!({"status": "new"}))).await?;
    ensure!((illegal.status, illegal.code()) == (409, "illegal_step"), "{illegal:?}");
    for status in ["contacted", "qualified"] {
        let lead = api.expect("PATCH", &path(""), root, Some(&json!({"status": status})), 200).await?;
        ensure!(lead["status"] == status, "{lead}");
    }
    let worth = json!({"worth": {"minor": 2_990, "currency": "EUR"}});
    let won = api.expect("POST", &path("/convert"), root, Some(&worth), 200).await?;
    ensure!(won["status"] == "converted" && won["worth"]["minor"] == 2_990, "{won}");
    let again = api.call("POST", &path("/convert"), Some(root), Some(&json!({}))).await?;
    ensure!((again.status, again.code()) == (409, "illegal_step"), "{again:?}");

    // Within 15 minutes, says the promise; a minute's sweep makes it two here.
    let told = page
        .lead_with(&id, 240, "every stage is sent", |lead| {
            let feedback = lead["feedback"].as_array().map(Vec::as_slice).unwrap_or_default();
            feedback.len() == 4 && feedback.iter().all(|stage| stage["receipts"][0]["status"] == "sent")
        })
        .await?;
    for stage in told["feedback"].as_array().context("feedback")? {
        ensure!(stage["receipts"][0]["fbtrace_id"].is_string(), "{stage}");
    }
    let stages = stages(&page).await?;
    let names: Vec<&str> = stages.iter().filter_map(|event| event["event_name"].as_str()).collect();
    ensure!(names == ["New", "Contacted", "Qualified", "Converted"], "{names:?}");
    let times: Vec<i64> = stages.iter().filter_map(|event| event["event_time"].as_i64()).collect();
    ensure!(times.windows(2).all(|two| two[0] < two[1]), "{times:?}");
    for event in &stages {
        let lead_id = event["user_data"]["lead_id"].to_string();
        ensure!(lead_id.trim_matches('"') == id, "{event}");
        ensure!(event["action_source"] == "system_generated", "{event}");
        ensure!(event["user_data"]["em"].is_array() || event["user_data"]["em"].is_string(), "{event}");
    }
    ensure!(stages[3]["custom_data"]["value"] == 29.9 && stages[3]["custom_data"]["currency"] == "EUR");
    Ok(())
}
