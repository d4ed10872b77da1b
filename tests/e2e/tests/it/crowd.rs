//! Two thousand conversions of two hundred people at once, with repeats, out of order, while processes die.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use e2e::Shop;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use stack::{Function, Stack};

const PEOPLE: usize = 200;
/// Of each person; the first [`REPEATED`] of them are posted twice.
const EVENTS: usize = 8;
const REPEATED: usize = 2;
const AT_ONCE: usize = 24;

/// What of a person the nth event tells: every pair of identifiers is tied together by some event.
fn identity(person: usize, nth: usize) -> Value {
    let (email, phone) = (format!("crowd{person}@example.com"), format!("+1650555{:04}", 2_000 + person));
    let id = format!("user-{person}");
    match nth % 4 {
        0 => json!({"email": email, "external_id": id, "first_name": "Crowdfirst"}),
        1 => json!({"phone": phone, "external_id": id, "last_name": "Crowdlast"}),
        2 => json!({"email": email, "phone": phone}),
        _ => json!({"external_id": id}),
    }
}

fn conversion(person: usize, nth: usize, now_s: i64) -> Value {
    let name = if nth.is_multiple_of(2) { "visited" } else { "bought" };
    let mut body = json!({"event_name": name, "event_id": format!("c-{person}-{nth}"), "identity": identity(person, nth),
        "event_time": now_s - i64::try_from(nth).unwrap_or(0) * 86_400 / 3});
    if name == "bought" {
        body["value"] = json!(1.25);
        body["currency"] = json!("USD");
    }
    body
}

/// Every post, in an order that has nothing to do with people or time.
fn posts(now_s: i64) -> Vec<Value> {
    let one = |person| (0..EVENTS).chain(0..REPEATED).map(move |nth| conversion(person, nth, now_s));
    let mut posts: Vec<Value> = (0..PEOPLE).flat_map(one).collect();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for at in (1..posts.len()).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        posts.swap(at, usize::try_from(state % (at as u64 + 1)).unwrap_or(0));
    }
    posts
}

/// Posts until the answer is a 2xx, as a product does; counts the calls that failed.
async fn post(shop: &Shop, body: &Value, failed: &Cell<usize>) -> anyhow::Result<()> {
    e2e::within(120, "a conversion is taken", || async {
        let answer = shop.api.call("POST", "/api/v1/conversions", Some(&shop.key), Some(body)).await;
        match answer {
            Ok(answer) if matches!(answer.status, 200 | 202) => Ok(Some(())),
            Ok(answer) => {
                ensure!(answer.status >= 500 || answer.status == 429, "{answer:?}");
                failed.set(failed.get() + 1);
                Ok(None)
            }
            // The process died with the call in its hands.
            Err(_) => {
                failed.set(failed.get() + 1);
                Ok(None)
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_crowd_at_once_makes_two_hundred_people_with_exact_features_and_one_event_each()
-> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let posts = posts(e2e::now_s());
    let failed = Cell::new(0);
    for half in posts.chunks(posts.len() / 2) {
        let taken = Cell::new(0);
        let all = stream::iter(half)
            .map(|body| async {
                post(&shop, body, &failed).await?;
                taken.set(taken.get() + 1);
                Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<()>>();
        let kill = async {
            e2e::kill_at_work(&stack, Function::TrackConversion, 60).await?;
            ensure!(taken.get() < half.len(), "all were taken before a process died");
            Ok(())
        };
        tokio::try_join!(all, kill)?;
    }
    ensure!(failed.get() >= 2, "{} calls were in a dying process's hands", failed.get());

    let items = e2e::table_items(&stack, &stack.env().people_table).await?;
    let roots = people(&shop, &items)?;
    ensure!(roots.len() == PEOPLE, "{} persons", roots.len());
    // Of whichever tenant: no other one has these people.
    for item in items.iter().map(|item| item.to_lowercase()) {
        for plain in ["crowd1@", "example.com", "65055520", "65055521", "crowdfirst", "crowdlast", "user-1"] {
            ensure!(!item.contains(plain), "{plain} in {item}");
        }
    }
    stream::iter(&roots)
        .map(|person| exact(&shop, person))
        .buffer_unordered(8)
        .try_collect::<Vec<()>>()
        .await?;

    let unique = PEOPLE * EVENTS;
    shop.meta_holds(u64::try_from(unique)?, 600).await?;
    let held = shop.sim.events(&shop.pixel).await?;
    let ids: BTreeSet<&str> =
        held.iter().map(|held| e2e::text(held, "event_id")).collect::<Result<_, _>>()?;
    ensure!(ids.len() == unique && held.len() == unique, "each event once: {} of {}", ids.len(), held.len());
    ensure!(stack.dead_letters().await?.total() == 0);
    Ok(())
}

/// Ids of the tenant's persons who are not part of another.
fn people(shop: &Shop, items: &[String]) -> anyhow::Result<Vec<String>> {
    let mut roots = Vec::new();
    for item in items {
        let item: Value = serde_json::from_str(item)?;
        let prefix = format!("T#{}#P#", shop.tenant);
        let pk = item["pk"]["S"].as_str().unwrap_or_default();
        if let (Some(id), "PERSON") = (pk.strip_prefix(&prefix), item["sk"]["S"].as_str().unwrap_or_default())
        {
            let doc: Value = serde_json::from_str(item["doc"]["S"].as_str().context("a document")?)?;
            if doc["merged_into"].is_null() {
                roots.push(id.to_owned());
            }
        }
    }
    Ok(roots)
}

async fn exact(shop: &Shop, person: &str) -> anyhow::Result<()> {
    let features = shop.of_tenant(&format!("/api/v1/people/{person}/features")).await?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for names in features["days"].as_object().context("days")?.values() {
        for (name, count) in names.as_object().context("names")? {
            *counts.entry(name).or_default() +=
                count.as_u64().with_context(|| format!("a count: {features}"))?;
        }
    }
    let half = u64::try_from(EVENTS / 2)?;
    ensure!(counts == BTreeMap::from([("bought", half), ("visited", half)]), "{person}: {features}");
    ensure!(features["totals_minor"] == json!({"USD": 125 * half}), "{person}: {features}");
    Ok(())
}
