//! Meta fails, our process dies: nothing is lost, nothing doubles.

use anyhow::ensure;
use e2e::{Shop, lead, number};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use stack::{Function, Stack};

/// Adds faults of the shop's own pixel; gives their ids.
async fn add(shop: &Shop, faults: impl IntoIterator<Item = Value>) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for (nth, mut fault) in faults.into_iter().enumerate() {
        fault["match"] = json!({"pixel_id": shop.pixel});
        fault["seed"] = json!(nth + 1);
        ids.push(shop.sim.fault(&fault).await?);
    }
    Ok(ids)
}

fn leads(n: usize) -> Vec<Value> {
    (0..n).map(|n| lead(&format!("storm-{n}"), &format!("s{n}@example.com"))).collect()
}

/// Each event is at Meta and has a receipt that says so; it came a second time only where an answer was lost.
async fn nothing_is_lost_or_doubled(shop: &Shop, events: u64) -> anyhow::Result<()> {
    // While receipts change, a list of several pages may show one twice or leave one out.
    e2e::within(300, &format!("{events} receipts say sent"), || async {
        let receipts = shop.all_receipts().await?;
        let sent = receipts.iter().filter(|receipt| receipt["status"] == "sent").count() as u64;
        Ok((sent == events && receipts.len() as u64 == events).then_some(()))
    })
    .await?;
    let total = shop.sim.total(&shop.pixel).await?;
    ensure!(total == events, "Meta holds {total} events");
    Ok(())
}

/// Events that came a second time.
async fn copies(shop: &Shop) -> anyhow::Result<u64> {
    let held = shop.sim.events(&shop.pixel).await?;
    held.iter().map(|held| Ok(number(held, "copies")?.saturating_sub(1))).sum()
}

/// One kind of fault hits so many calls of a shop of its own.
async fn survives(stack: &Stack, what: &str, hits: u64, mut fault: Value) -> anyhow::Result<()> {
    const EVENTS: u64 = 200;
    let shop = Shop::open(stack).await?;
    let loses_answers = fault["cut"] == "after_write";
    fault["times"] = json!(hits);
    let ids = add(&shop, [fault]).await?;
    for batch in leads(usize::try_from(EVENTS)?).chunks(50) {
        shop.post(batch).await?;
    }
    shop.meta_holds(EVENTS, 300).await?;
    nothing_is_lost_or_doubled(&shop, EVENTS).await?;
    let hit = shop.sim.hits(&ids[0]).await?;
    ensure!(hit == hits, "{what} hit {hit} calls instead of {hits}");
    let copies = copies(&shop).await?;
    ensure!((copies > 0) == loses_answers, "{what}: {copies} events came a second time");
    Ok(())
}

#[tokio::test]
async fn no_way_in_which_meta_fails_loses_or_doubles_an_event() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    // More hits than the tries that one invocation makes where events go back to the queue at once. A limit is waited for
    // a minute, so one has to do.
    let kinds = [
        ("a passing fault", 5, json!({"status": 500, "code": 2, "is_transient": true})),
        ("a lost answer", 2, json!({"cut": "after_write"})),
        ("a call that never came", 5, json!({"cut": "before_write"})),
        ("the app's limit", 1, json!({"status": 400, "code": 4, "wait_minutes": 0})),
        ("the account's limit", 1, json!({"status": 400, "code": 17, "subcode": 2_446_079})),
        ("a limit that names its time", 1, json!({"status": 400, "code": 80_004, "wait_minutes": 1})),
        ("a slow answer", 2, json!({"latency_ms": 1_500})),
    ];
    try_join_all(kinds.map(|(what, hits, fault)| survives(&stack, what, hits, fault))).await?;
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}

/// Each way to fail once, for the next calls.
async fn fail_the_next_calls(shop: &Shop) -> anyhow::Result<Vec<String>> {
    let faults = [
        json!({"status": 500, "code": 2, "is_transient": true, "times": 1}),
        json!({"cut": "after_write", "times": 1}),
        json!({"latency_ms": 1_500, "times": 1}),
    ];
    add(shop, faults).await
}

#[tokio::test]
async fn two_kills_while_calls_fail_lose_and_double_nothing() -> anyhow::Result<()> {
    const EVENTS: u64 = 5_000;
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let mut faults = fail_the_next_calls(&shop).await?;
    for (nth, batch) in leads(usize::try_from(EVENTS)?).chunks(250).enumerate() {
        shop.post(batch).await?;
        if nth == 6 || nth == 13 {
            e2e::kill_at_work(&stack, Function::CapiDispatch, 60).await?;
            let held = shop.sim.total(&shop.pixel).await?;
            ensure!(held < EVENTS, "all events were sent before a process died");
            faults.extend(fail_the_next_calls(&shop).await?);
        }
    }
    shop.meta_holds(EVENTS, 900).await?;
    nothing_is_lost_or_doubled(&shop, EVENTS).await?;
    for fault in &faults {
        let hits = shop.sim.hits(fault).await?;
        ensure!(hits == 1, "a fault hit {hits} calls");
    }
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}
