//! Leads as a file. That a long list is one, too, is shown where many leads are (`leads_complete`).

use anyhow::{Context as _, ensure};
use e2e::LeadPage;
use serde_json::json;
use stack::Stack;

const LEADS: usize = 30;

#[tokio::test]
async fn a_few_leads_come_at_once_or_as_a_file_behind_a_signed_link() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let formula = "=HYPERLINK(\"http://evil.example\",\"x\")";
    let one = page.submit_one(&[("full_name", formula), ("email", "formula@example.com")], 0).await?;
    page.lead_with(&one, 120, "it is stored", |_| true).await?;
    // None of these is announced: looking through the form finds them.
    let many = json!({"form_id": page.form, "count": LEADS - 1, "seed": 11});
    page.shop.sim.send("/_sim/leads", &many).await?;
    page.reconcile(300).await?;
    let stored = page.leads().await?.len();
    ensure!(stored == LEADS, "{stored} leads");

    let path = format!("/api/v1/leads/export?tenant_id={}", page.shop.tenant);
    let answer = page.shop.api.call("POST", &path, Some(&page.shop.root), Some(&json!({}))).await?;
    ensure!(answer.status == 200 && answer.content_type == "text/csv", "{answer:?}");
    let at_once = answer.body.as_str().context("a text")?;
    let file = page.export(&json!({"inline": false}), 180).await?;
    ensure!(file == at_once, "both ways give the same:\n{file}\n{at_once}");
    ensure!(
        file.contains(",\"'=HYPERLINK(") && !file.contains(",\"=HYPERLINK("),
        "the formula stays text: {file}"
    );
    // The answers hold no line breaks, so a line is a row.
    ensure!(file.trim_end().lines().count() == LEADS + 1, "{file}");
    Ok(())
}
