//! Ten thousand events: exactly once each, few calls, never more than a thousand within half a second.

use std::collections::BTreeSet;

use anyhow::ensure;
use e2e::{Shop, lead, list, most_events_within, number, text};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use stack::Stack;

/// Large, so that two invocations get all of them: the emulator writes some 300 receipts a second, whoever asks.
const BATCH: usize = 500;
/// Posts at the same time.
const CONCURRENT: usize = 4;

/// 10,000 events: 2 % exact repeats, 1 % invalid.
fn events() -> (Vec<Value>, BTreeSet<String>, BTreeSet<String>) {
    let (mut all, mut good, mut bad) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for n in 0..10_000 {
        let id = format!("tt-{n}");
        if n % 100 == 7 {
            let mut event = lead(&id, &format!("buyer{n}@example.com"));
            event["event_time"] = json!("yesterday");
            bad.insert(id);
            all.push(event);
        } else if n % 50 == 3 && n > 50 {
            let repeat = all[all.len() - 20].clone();
            all.push(repeat);
        } else {
            good.insert(id.clone());
            all.push(lead(&id, &format!("buyer{n}@example.com")));
        }
    }
    (all, good, bad)
}

#[tokio::test]
async fn ten_thousand_events_arrive_exactly_once_in_few_calls_within_the_rate() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let (all, good, bad) = events();
    let mut seen = BTreeSet::new();
    let ids = all.iter().filter_map(|event| event["event_id"].as_str());
    let repeated: BTreeSet<&str> = ids.filter(|id| !seen.insert(*id)).collect();
    let refused = e2e::without_dispatch(&stack, post_all(&shop, &all)).await?;
    ensure!(refused == bad, "every invalid event is named, and no other");

    shop.meta_holds(good.len() as u64, 300).await?;
    let held = shop.sim.events(&shop.pixel).await?;
    let ids: BTreeSet<String> =
        held.iter().map(|held| Ok(text(held, "event_id")?.to_owned())).collect::<anyhow::Result<_>>()?;
    ensure!(ids == good);
    // Two copies of one event that are under way at the same time may both be sent; Meta deduplicates them.
    let twice = |event: &Value| event["event_id"].as_str().is_some_and(|id| repeated.contains(id));
    ensure!(
        held.iter().all(|event| event["copies"] == 1 || twice(event)),
        "what is posted once is sent once"
    );

    let calls = shop.sim.calls(&shop.pixel).await?;
    ensure!(calls.len() <= 40, "{} calls", calls.len());
    keeps_to_a_thousand_a_second(&calls, good.len() as u64)?;

    // Receipts are written after the calls, and to list them all takes long.
    e2e::eventually("the queue is empty", || async { Ok(stack.queue_depth().await?.total() == 0) }).await?;
    let expected = 10_000 - refused.len() as u64;
    e2e::within(120, "receipts and repeats add up", || async {
        let receipts = shop.all_receipts().await?;
        let repeats: u64 = receipts.iter().filter_map(|receipt| receipt["repeats"].as_u64()).sum();
        let total = receipts.len() as u64 + repeats;
        ensure!(total <= expected, "{total} instead of {expected}");
        Ok((total == expected && receipts.iter().all(|receipt| receipt["status"] == "sent")).then_some(()))
    })
    .await
}

/// Posts everything in batches and returns the ids of the refused events.
async fn post_all(shop: &Shop, all: &[Value]) -> anyhow::Result<BTreeSet<String>> {
    let refused: Vec<BTreeSet<String>> = stream::iter(all.chunks(BATCH).map(|batch| post(shop, batch)))
        .buffer_unordered(CONCURRENT)
        .try_collect()
        .await?;
    Ok(refused.into_iter().flatten().collect())
}

async fn post(shop: &Shop, batch: &[Value]) -> anyhow::Result<BTreeSet<String>> {
    let answer = shop.post(batch).await?;
    let results = list(&answer, "results")?;
    ensure!(results.len() == batch.len());
    let mut refused = BTreeSet::new();
    for (event, result) in batch.iter().zip(results) {
        if result["status"] == "queued" {
            continue;
        }
        ensure!(result["errors"][0]["field"] == "event_time", "{result}");
        refused.insert(text(event, "event_id")?.to_owned());
    }
    Ok(refused)
}

/// The governor books a thousand events for 1.25 s. A busy machine may delay a call by some of that on its way, so half a
/// second is what no two bookings share; that the pace is exact is shown on virtual time (core's `dispatch::together`).
const SPAN_MS: u64 = 500;

/// The calls brought these many events, and never more than a thousand within half a second, whenever it began.
fn keeps_to_a_thousand_a_second(calls: &[Value], events: u64) -> anyhow::Result<()> {
    let stored = calls.iter().map(|call| number(call, "stored")).sum::<anyhow::Result<u64>>()?;
    ensure!(stored == events, "the calls brought {stored} events instead of {events}");
    let most = most_events_within(SPAN_MS, calls)?;
    ensure!(most <= 1_000, "{most} events within {SPAN_MS} ms");
    Ok(())
}

/// Fewer than ten thousand, for these are sent while more come: what is booked for one second is taken by several processes.
#[tokio::test]
async fn a_burst_reaches_meta_at_most_a_thousand_in_half_a_second() -> anyhow::Result<()> {
    const EVENTS: usize = 3_000;
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let all: Vec<Value> =
        (0..EVENTS).map(|n| lead(&format!("burst-{n}"), &format!("b{n}@example.com"))).collect();
    let posts: Vec<_> = all.chunks(EVENTS / 15).map(|batch| shop.post(batch)).collect();
    futures_util::future::try_join_all(posts).await?;
    shop.meta_holds(EVENTS as u64, 300).await?;
    keeps_to_a_thousand_a_second(&shop.sim.calls(&shop.pixel).await?, EVENTS as u64)
}
