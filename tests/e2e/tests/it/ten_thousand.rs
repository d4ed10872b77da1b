//! Ten thousand events: exactly once each, few calls, never more than a thousand a second.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use e2e::{Shop, lead};
use serde_json::{Value, json};
use stack::Stack;

const BATCH: usize = 500;

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
    stack.set_dispatch_enabled(false).await?;
    let posted = post_all(&shop, &all).await;
    stack.set_dispatch_enabled(true).await?;
    let refused = posted?;
    ensure!(refused == bad, "every invalid event is named, and no other");

    shop.meta_holds(good.len() as u64, 300).await?;
    let held = shop.sim.events(&shop.pixel).await?;
    let ids: BTreeSet<String> =
        held.iter().filter_map(|e| e["event_id"].as_str()).map(str::to_owned).collect();
    ensure!(ids == good);
    // Two copies of one event that are under way at the same time may both be sent; Meta deduplicates them.
    let twice = |event: &Value| event["event_id"].as_str().is_some_and(|id| repeated.contains(id));
    ensure!(
        held.iter().all(|event| event["copies"] == 1 || twice(event)),
        "what is posted once is sent once"
    );

    let calls = shop.sim.calls(&shop.pixel).await?;
    ensure!(calls.len() <= 40, "{} calls", calls.len());
    keeps_to_a_thousand_a_second(&calls)?;

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
    let mut refused = BTreeSet::new();
    for batch in all.chunks(BATCH) {
        let answer = shop.post(batch).await?;
        let results = answer["results"].as_array().context("results")?;
        ensure!(results.len() == batch.len());
        for (event, result) in batch.iter().zip(results) {
            if result["status"] == "queued" {
                continue;
            }
            ensure!(result["errors"][0]["field"] == "event_time", "{result}");
            refused.insert(event["event_id"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(refused)
}

fn keeps_to_a_thousand_a_second(calls: &[Value]) -> anyhow::Result<()> {
    let mut by_second: BTreeMap<i64, u64> = BTreeMap::new();
    for call in calls {
        let second = call["at_ms"].as_i64().context("at_ms")? / 1000;
        *by_second.entry(second).or_default() += call["events"].as_u64().unwrap_or(0);
    }
    for (second, events) in by_second {
        ensure!(events <= 1_000, "{events} events in second {second}");
    }
    Ok(())
}

#[tokio::test]
async fn ten_thousand_events_at_once_keep_to_a_thousand_a_second() -> anyhow::Result<()> {
    let shop = Shop::open(&*Stack::shared().await?).await?;
    let all: Vec<Value> =
        (0..10_000).map(|n| lead(&format!("burst-{n}"), &format!("b{n}@example.com"))).collect();
    let mut posts = Vec::new();
    for batch in all.chunks(1_000) {
        let (shop, batch) = (shop.clone(), batch.to_vec());
        posts.push(tokio::spawn(async move { shop.post(&batch).await }));
    }
    for post in posts {
        post.await??;
    }
    shop.meta_holds(10_000, 300).await?;
    keeps_to_a_thousand_a_second(&shop.sim.calls(&shop.pixel).await?)
}
