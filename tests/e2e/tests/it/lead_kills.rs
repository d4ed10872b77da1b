//! lead-worker dies in the middle of five hundred leads.

use std::collections::BTreeSet;

use anyhow::ensure;
use e2e::LeadShop;
use serde_json::json;
use stack::{Function, Queue, Stack};

const LEADS: usize = 500;

#[tokio::test]
async fn kills_in_the_middle_of_five_hundred_leads_lose_none_and_double_none() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = LeadShop::open(&stack, &[1]).await?;
    let form = &shop.pages[0].forms[0];
    // Every lead is announced, so that nothing but the queue brings back what a kill interrupts.
    let submitted = json!({"form_id": form, "count": LEADS, "seed": 500, "webhook": shop.announced(&json!({"batch_max": 20}))});
    shop.shop.sim.send("/_sim/leads", &submitted).await?;
    let mut kills = 0;
    for _ in 0..4 {
        let stored = shop.leads("").await?.len();
        e2e::within(120, "some more leads are stored", || async {
            Ok((shop.leads("").await?.len() >= (stored + 20).min(LEADS)).then_some(()))
        })
        .await?;
        kills += stack.kill_function(Function::LeadWorker).await?;
    }
    ensure!(kills > 0, "nothing was killed");
    let leads = shop.holds(LEADS, 900).await?;

    let truth = shop.shop.sim.read(&format!("/_sim/leads?form_id={form}&limit=20000")).await?;
    let truth: BTreeSet<&str> =
        truth["leads"].as_array().into_iter().flatten().filter_map(|lead| lead["id"].as_str()).collect();
    let stored: BTreeSet<&str> = leads.iter().filter_map(|lead| lead["id"].as_str()).collect();
    ensure!(truth.len() == LEADS && stored == truth, "{} of {}", stored.len(), truth.len());
    let people: BTreeSet<&str> = leads.iter().filter_map(|lead| lead["person_id"].as_str()).collect();
    ensure!(people.len() == LEADS, "one person each: {}", people.len());
    let items = e2e::table_items(&stack, &stack.env().people_table).await?;
    let prefix = format!("\"T#{}#P#", shop.shop.tenant);
    let persons = items.iter().filter(|item| item.contains(&prefix) && item.contains("\"PERSON\"")).count();
    ensure!(persons == LEADS, "{persons} persons");
    // A lead that rules make of each, and its first stage: both once.
    shop.shop.meta_holds(2 * u64::try_from(LEADS)?, 600).await?;
    ensure!(stack.dead_letters_of(Queue::Leads).await?.total() == 0);
    Ok(())
}
