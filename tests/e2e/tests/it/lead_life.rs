//! A lead's life, as Meta is told it.

use anyhow::{Context as _, ensure};
use e2e::{LeadShop, within};
use serde_json::{Value, json};
use stack::Stack;

#[tokio::test]
async fn a_lead_s_four_stages_reach_meta_in_their_order_and_an_illegal_step_tells_nothing()
-> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let form = &shop.pages[0].forms[0];
    let submitted = json!({"form_id": form, "count": 1, "seed": 4, "webhook": shop.announced(&json!({}))});
    shop.shop.sim.send("/_sim/leads", &submitted).await?;
    let lead = shop.holds(1, 120).await?.remove(0);
    let id = lead["id"].as_str().context("an id")?.to_owned();
    ensure!(lead["status"] == "new", "{lead}");

    let path = format!("/api/v1/leads/{id}");
    let step = async |status: &str, expected: u16| {
        let body = json!({"tenant_id": shop.shop.tenant, "status": status, "actor": "Ada"});
        shop.shop.api.expect("PATCH", &path, &shop.shop.root, Some(&body), expected).await
    };
    let illegal = step("converted", 409).await?;
    ensure!(illegal["code"] == "illegal_step", "{illegal}");
    step("contacted", 200).await?;
    step("qualified", 200).await?;
    let illegal = step("new", 409).await?;
    ensure!(illegal["code"] == "illegal_step", "{illegal}");
    let body = json!({"tenant_id": shop.shop.tenant, "worth": {"amount": 2990, "currency": "EUR"}});
    shop.shop.api.post(&format!("{path}/convert"), &shop.shop.root, &body, 200).await?;

    let told = within(180, "four stages at Meta", || async {
        let events = shop.shop.sim.events(&shop.shop.pixel).await?;
        let mut told: Vec<Value> = events
            .into_iter()
            .map(|held| held["event"].clone())
            .filter(|event| event["custom_data"]["event_source"] == "crm")
            .collect();
        ensure!(told.len() <= 4, "{told:?}");
        told.sort_by_key(|event| event["event_time"].as_i64());
        Ok((told.len() == 4).then_some(told))
    })
    .await?;
    let names: Vec<&str> = told.iter().filter_map(|event| event["event_name"].as_str()).collect();
    ensure!(names == ["New", "Contacted", "Qualified", "Converted"], "{names:?}");
    let times: Vec<i64> = told.iter().filter_map(|event| event["event_time"].as_i64()).collect();
    ensure!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    for event in &told {
        ensure!(event["action_source"] == "system_generated", "{event}");
        let sent = &event["user_data"]["lead_id"];
        ensure!(sent.as_str() == Some(&id) || sent.to_string() == id, "{event}");
        ensure!(event["user_data"]["em"].is_array() || event["user_data"]["em"].is_string(), "{event}");
    }
    within(120, "four receipts", || async {
        let lead = shop.lead(&id).await?;
        let feedback = lead["feedback"].as_array().cloned().unwrap_or_default();
        let sent = feedback.iter().filter(|stage| {
            let receipt = &stage["receipts"][0];
            receipt["status"] == "sent" && receipt["fbtrace_id"].is_string()
        });
        Ok((sent.count() == 4).then_some(()))
    })
    .await?;
    let activity = shop.shop.of_tenant(&format!("{path}/activity")).await?;
    let by: Vec<&str> =
        activity["items"].as_array().into_iter().flatten().filter_map(|line| line["by"].as_str()).collect();
    ensure!(by.iter().filter(|by| **by == "Ada").count() == 2 && by.len() == 4, "{activity}");
    Ok(())
}
