//! Workers die, deliveries come again: each lead is stored once, is one person, and is told once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use e2e::{LeadPage, announcement, list, number, signature, text};
use serde_json::{Value, json};
use stack::{Function, Queue, Stack};

const LEADS: usize = 500;
const KILLS: usize = 3;

/// Of each lead Meta holds a conversion that rules let through, and its first stage. Gives how often these came beyond once.
async fn told(page: &LeadPage, ids: &BTreeSet<&str>) -> anyhow::Result<u64> {
    page.shop.meta_holds(2 * ids.len() as u64, 600).await?;
    let (mut events, mut copies): (BTreeMap<String, usize>, _) = (BTreeMap::new(), 0);
    for held in page.shop.sim.events(&page.shop.pixel).await? {
        copies += number(&held, "copies")? - 1;
        // `lead-<id>` is the conversion, `lead-<id>-<nth>` a stage.
        let id =
            text(&held, "event_id")?.strip_prefix("lead-").with_context(|| format!("of a lead: {held}"))?;
        *events.entry(id.split('-').next().unwrap_or(id).to_owned()).or_default() += 1;
    }
    let twice = ids.iter().map(|id| ((*id).to_owned(), 2)).collect::<BTreeMap<_, _>>();
    ensure!(events == twice, "Meta holds {events:?}");
    Ok(copies)
}

#[tokio::test]
async fn killing_lead_worker_amid_five_hundred_leads_loses_and_doubles_none() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    // So that the form is known, and its leads are counted from the first on.
    page.reconcile(120).await?;
    let mut webhook = page.webhook.clone();
    webhook["batch_max"] = json!(10);
    let submitted = page.submit(&json!({"count": LEADS, "seed": 500, "webhook": webhook})).await?;
    let wanted = list(&submitted, "ids")?.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>();
    // In the middle: some are stored, others are not; each time some more.
    for kill in 0..KILLS {
        e2e::within(300, "some more leads are stored", || async {
            Ok((page.arrived().await? > kill as u64 * 50).then_some(()))
        })
        .await?;
        e2e::kill_at_work(&stack, Function::LeadWorker, 60).await?;
        ensure!(page.arrived().await? < LEADS as u64, "all leads were stored before a process died");
    }
    e2e::within(600, "every lead is stored", || async {
        let arrived = page.arrived().await?;
        ensure!(arrived <= LEADS as u64, "{arrived} leads are counted");
        Ok((arrived == LEADS as u64).then_some(()))
    })
    .await?;
    // What the dead had in their hands comes again, though looking through the form may have found its leads before.
    e2e::within(300, "nothing of the queue is left", || async {
        Ok((stack.depth(Queue::Leads).await?.total() == 0).then_some(()))
    })
    .await?;
    ensure!(page.arrived().await? == LEADS as u64, "leads were counted twice");
    let stored = page.leads().await?;
    let ids = stored.iter().map(|lead| text(lead, "id")).collect::<Result<BTreeSet<_>, _>>()?;
    ensure!(ids == wanted && stored.len() == LEADS, "exactly the leads that were submitted");
    let people = stored.iter().map(|lead| text(lead, "person_id")).collect::<Result<BTreeSet<_>, _>>()?;
    ensure!(people.len() == LEADS, "{} people", people.len());
    let items = e2e::table_items(&stack, &stack.env().people_table).await?;
    let ours = format!("\"T#{}#P#", page.shop.tenant);
    let persons = items.iter().filter(|item| item.contains(&ours) && item.contains("\"PERSON\"")).count();
    ensure!(persons == LEADS, "{persons} persons");
    told(&page, &ids).await?;
    let items = e2e::table_items(&stack, &stack.env().leads_table).await?;
    let ours = format!("\"T#{}#L#", page.shop.tenant);
    let count = |sk: &str| items.iter().filter(|item| item.contains(&ours) && item.contains(sk)).count();
    let (activities, stages) = (count("\"A#"), count("\"FB#"));
    ensure!((activities, stages) == (LEADS, LEADS), "{activities} activities, {stages} stages");
    ensure!(stack.dead_letters_of(Queue::Leads).await?.total() == 0);
    Ok(())
}

#[tokio::test]
async fn a_genuine_delivery_that_comes_again_stores_and_tells_nothing_twice() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    // So that the form is known, and its leads are counted from the first on.
    page.reconcile(120).await?;
    let submitted = page.submit(&json!({"count": 3, "seed": 3})).await?;
    page.announced(&submitted, 120).await?;
    let first = list(&submitted, "ids")?.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>();
    ensure!(first.len() == 3, "{submitted}");
    e2e::within(120, "three leads", || async { Ok((page.leads().await?.len() == 3).then_some(())) }).await?;
    ensure!(told(&page, &first).await? == 0, "an event came twice");
    let before = histories(&page, &first).await?;
    for id in list(&submitted, "deliveries")? {
        let replayed = page.shop.sim.send("/_sim/webhooks/replay", &json!({"id": id})).await?;
        ensure!(replayed == json!({"status": 200}), "{replayed}");
    }
    // After these a delivery announces all of them and one that nobody announced: once that one is stored, the delivery was
    // worked through.
    let last = page.submit(&json!({"count": 1, "seed": 4, "webhook": null})).await?;
    let last = last["ids"][0].as_str().with_context(|| format!("an id: {last}"))?;
    let all: BTreeSet<&str> = first.iter().copied().chain([last]).collect();
    let ids: Vec<String> = all.iter().map(|id| (*id).to_owned()).collect();
    let body = announcement(&page.page, &page.form, &ids);
    let signature = signature(&stack.env().app_secret, &body)?;
    let answer = page.announce(&body, &[("x-hub-signature-256", &signature)]).await?;
    ensure!(answer.status == 200, "{answer:?}");
    page.lead_with(last, 120, "it is stored", |_| true).await?;
    ensure!(told(&page, &all).await? == 0, "an event came twice");
    ensure!(
        page.leads().await?.len() == 4 && page.arrived().await? == 4,
        "four leads are stored and counted"
    );
    ensure!(histories(&page, &first).await? == before, "a history changed");
    let asked = page.shop.sim.read(&format!("/_sim/leads?form_id={}", page.form)).await?;
    for lead in list(&asked, "leads")? {
        ensure!(number(lead, "reads")? == 1, "Meta was asked again: {lead}");
    }
    Ok(())
}

/// Each lead as it is shown, with its history.
async fn histories(page: &LeadPage, ids: &BTreeSet<&str>) -> anyhow::Result<Vec<Value>> {
    let mut all = Vec::new();
    for id in ids {
        let sent = |lead: &Value| lead["feedback"][0]["receipts"][0]["status"] == "sent";
        let lead = page.lead_with(id, 120, "its stage is sent", sent).await?;
        let history = page.shop.of_tenant(&format!("/api/v1/leads/{id}/activity")).await?;
        ensure!(
            list(&lead, "feedback")?.len() == 1 && list(&history, "items")?.len() == 1,
            "{lead} {history}"
        );
        all.extend([lead, history]);
    }
    Ok(all)
}
