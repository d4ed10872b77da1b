//! Workers die, deliveries come again: each lead is stored once, and is one person.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, ensure};
use e2e::LeadPage;
use serde_json::json;
use stack::{Function, Queue, Stack};

const LEADS: usize = 500;
const KILLS: usize = 3;

#[tokio::test]
async fn killing_lead_worker_amid_five_hundred_leads_loses_and_doubles_none() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let mut webhook = page.webhook.clone();
    webhook["batch_max"] = json!(10);
    let submitted = page.submit(&json!({"count": LEADS, "seed": 500, "webhook": webhook})).await?;
    let killed = AtomicUsize::new(0);
    let stored = e2e::within(900, "every lead is stored", || async {
        let stored = page.leads().await?;
        ensure!(stored.len() <= LEADS, "{} leads", stored.len());
        // In the middle: some are stored, others are not; each time some more.
        let kills = killed.load(Ordering::Relaxed);
        if kills < KILLS && (1 + kills * 50..LEADS).contains(&stored.len()) {
            killed.fetch_add(stack.kill_function(Function::LeadWorker).await?.min(1), Ordering::Relaxed);
        }
        Ok((stored.len() == LEADS).then_some(stored))
    })
    .await?;
    ensure!(killed.load(Ordering::Relaxed) == KILLS, "{killed:?} kills");
    let ids: BTreeSet<&str> = stored.iter().filter_map(|lead| lead["id"].as_str()).collect();
    let wanted: BTreeSet<&str> =
        submitted["ids"].as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
    ensure!(ids == wanted, "exactly the leads that were submitted");
    let people: BTreeSet<&str> = stored.iter().filter_map(|lead| lead["person_id"].as_str()).collect();
    ensure!(people.len() == LEADS, "{} people", people.len());
    let items = e2e::table_items(&stack, &stack.env().people_table).await?;
    let ours = format!("\"T#{}#P#", page.shop.tenant);
    let persons = items.iter().filter(|item| item.contains(&ours) && item.contains("\"PERSON\"")).count();
    ensure!(persons == LEADS, "{persons} persons");
    // Of each lead a conversion that rules let through, and its first stage: both once.
    page.shop.meta_holds(2 * u64::try_from(LEADS)?, 600).await?;
    ensure!(stack.dead_letters_of(Queue::Leads).await?.total() == 0);
    Ok(())
}

#[tokio::test]
async fn a_genuine_delivery_that_comes_again_stores_nothing_twice() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let submitted = page.submit(&json!({"count": 3, "seed": 3})).await?;
    page.announced(&submitted, 120).await?;
    e2e::within(120, "three leads", || async { Ok((page.leads().await?.len() == 3).then_some(())) }).await?;
    for id in submitted["deliveries"].as_array().context("deliveries")? {
        let replayed = page.shop.sim.send("/_sim/webhooks/replay", &json!({"id": id})).await?;
        ensure!(replayed == json!({"status": 200}), "{replayed}");
    }
    // One more lead goes through the same queue and worker after them.
    let last = page.submit_one(&[("email", "last@example.com")], 0).await?;
    page.lead_with(&last, 120, "it is stored", |_| true).await?;
    e2e::eventually("the queue is empty", || async {
        let depth = stack.depth(Queue::Leads).await?;
        Ok(depth.total() == 0)
    })
    .await?;
    ensure!(page.leads().await?.len() == 4);
    Ok(())
}
