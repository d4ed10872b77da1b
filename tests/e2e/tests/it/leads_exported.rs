//! Leads as a file.

use anyhow::{Context as _, ensure};
use e2e::LeadPage;
use serde_json::json;
use stack::Stack;

const LEADS: usize = 1_050;

#[tokio::test]
async fn many_leads_are_a_file_behind_a_signed_link_and_a_few_come_at_once() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let formula = "=HYPERLINK(\"http://evil.example\",\"x\")";
    let one = page.submit_one(&[("full_name", formula), ("email", "formula@example.com")], 0).await?;
    page.lead_with(&one, 120, "it is stored", |_| true).await?;
    let (api, root) = (&page.shop.api, &page.shop.root);
    let path = format!("/api/v1/leads/export?tenant_id={}", page.shop.tenant);
    let answer = api.call("POST", &path, Some(root), Some(&json!({}))).await?;
    ensure!(answer.status == 200 && answer.content_type == "text/csv", "{answer:?}");
    let text = answer.body.as_str().context("a text")?;
    ensure!(text.contains(",\"'=HYPERLINK(") && !text.contains(",\"=HYPERLINK("), "{text}");

    // None of these is announced: looking through the form finds them.
    let many = json!({"form_id": page.form, "count": LEADS - 1, "seed": 11});
    page.shop.sim.send("/_sim/leads", &many).await?;
    page.reconcile(600).await?;
    let stored = page.leads().await?.len();
    ensure!(stored == LEADS, "{stored} leads");
    let asked = api.post(&path, root, &json!({"inline": false}), 202).await?;
    let job = page.job(asked["id"].as_str().with_context(|| format!("no job in {asked}"))?, 180).await?;
    ensure!(job["state"] == "done", "{job}");
    let url = job["result"]["url"].as_str().with_context(|| format!("no link in {job}"))?;
    let file = reqwest::get(url).await?.error_for_status()?.text().await?;
    ensure!(file.contains("\"'=HYPERLINK("), "the formula stays text");
    // Generated answers hold no line breaks, so a line is a row.
    ensure!(file.trim_end().lines().count() == LEADS + 1, "{} lines", file.lines().count());
    Ok(())
}
