//! Leads as a file.

use anyhow::{Context as _, ensure};
use e2e::LeadShop;
use serde_json::json;
use stack::Stack;

const LEADS: usize = 1_050;

#[tokio::test]
async fn many_leads_are_a_file_behind_a_signed_link_and_a_few_come_at_once() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let form = &shop.pages[0].forms[0];
    let formula = "=HYPERLINK(\"http://evil.example\",\"x\")";
    let one = json!({"form_id": form, "leads": [{"field_data": [{"name": "full_name", "values": [formula]},
        {"name": "email", "values": ["formula@example.com"]}]}], "webhook": shop.announced(&json!({}))});
    shop.shop.sim.send("/_sim/leads", &one).await?;
    shop.holds(1, 120).await?;
    let export = |inline: bool| json!({"tenant_id": shop.shop.tenant, "inline": inline});
    let answer = shop
        .shop
        .api
        .call("POST", "/api/v1/leads/export", Some(&shop.shop.root), Some(&export(true)))
        .await?;
    ensure!(answer.status == 200 && answer.content_type == "text/csv", "{answer:?}");
    let text = answer.body.as_str().context("a text")?;
    ensure!(text.contains("'=HYPERLINK(") && !text.contains("\"=HYPERLINK("), "{text}");

    // None of these is announced: looking through the form finds them.
    let many = json!({"form_id": form, "count": LEADS - 1, "seed": 11});
    shop.shop.sim.send("/_sim/leads", &many).await?;
    shop.sync(90, 300).await?;
    shop.holds(LEADS, 60).await?;
    let asked = shop.shop.api.post("/api/v1/leads/export", &shop.shop.root, &export(false), 202).await?;
    let job = shop.job(asked["job_id"].as_str().context("a job")?, 180).await?;
    let url = job["result"]["url"].as_str().with_context(|| format!("no link in {job}"))?;
    let file = reqwest::get(url).await?.error_for_status()?.text().await?;
    ensure!(file.contains("'=HYPERLINK("), "the formula stays text");
    // Generated answers hold no line breaks, so a line is a row.
    ensure!(file.trim_end().lines().count() == LEADS + 1, "{} lines", file.lines().count());
    let unsigned = url.split('?').next().unwrap_or_default();
    ensure!(!reqwest::get(unsigned).await?.status().is_success(), "the file is open to everybody");
    Ok(())
}
