//! Rules: the same posts of two organisations, one of them flagged b2b.

use std::collections::BTreeMap;

use anyhow::ensure;
use e2e::{Shop, now_s};
use serde_json::{Value, json};
use stack::Stack;

/// Two sources with a pixel each, so that Meta holds their events apart.
async fn organisations(stack: &Stack) -> anyhow::Result<[Shop; 2]> {
    let flagged = Shop::open(stack).await?;
    let plain = Shop::open(stack).await?;
    let path = format!("/api/v1/sources/{}?tenant_id={}", flagged.source, flagged.tenant);
    flagged.api.expect("PATCH", &path, &flagged.root, Some(&json!({"flags": ["b2b"]})), 200).await?;
    for shop in [&flagged, &plain] {
        let path = format!("/api/v1/rules/defaults?tenant_id={}", shop.tenant);
        let set = shop.api.post(&path, &shop.root, &json!({}), 200).await?;
        ensure!(set["rules"].as_array().is_some_and(|rules| rules.len() > 10), "{set}");
    }
    Ok([flagged, plain])
}

async fn held(shop: &Shop) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for held in shop.sim.events(&shop.pixel).await? {
        let text = |field: &str| held["event"][field].as_str().unwrap_or_default().to_owned();
        names.entry(text("event_id")).or_default().push(text("event_name"));
    }
    for names in names.values_mut() {
        names.sort();
    }
    Ok(names)
}

async fn post(shop: &Shop, through_conversions: bool) -> anyhow::Result<()> {
    for (name, id) in [("WidgetView", "w-1"), ("CallStarted", "c-1")] {
        if through_conversions {
            let body =
                json!({"event_name": name, "event_id": id, "identity": {"email": "visitor@example.com"}});
            shop.convert(&shop.key, &body).await?;
        } else {
            let event = json!({"event_name": name, "event_id": id, "event_time": now_s(),
                "user_data": {"email": "visitor@example.com"}});
            let answer = shop.api.post("/api/v1/meta/event", &shop.key, &event, 202).await?;
            ensure!(answer["meta_events"].as_array().is_some_and(|events| !events.is_empty()), "{answer}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_organisations_post_the_same_and_the_flagged_one_fires_its_b2b_events() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    for through_conversions in [false, true] {
        let [flagged, plain] = organisations(&stack).await?;
        for shop in [&flagged, &plain] {
            post(shop, through_conversions).await?;
        }
        flagged.meta_holds(5, 120).await?;
        plain.meta_holds(3, 120).await?;
        let expected = |b2b: bool| {
            let with = |names: &[&str], more: &str| {
                let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
                names.extend(b2b.then(|| more.to_owned()));
                names.sort();
                names
            };
            BTreeMap::from([
                ("c-1".to_owned(), with(&["GreetNow_CallStarted", "Lead"], "GreetNow_CallStarted_B2B")),
                ("w-1".to_owned(), with(&["GreetNow_WidgetView"], "GreetNow_WidgetView_B2B")),
            ])
        };
        ensure!(held(&flagged).await? == expected(true), "{:?}", held(&flagged).await?);
        ensure!(held(&plain).await? == expected(false), "{:?}", held(&plain).await?);
    }
    Ok(())
}

#[tokio::test]
async fn products_are_summed_up_by_day() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    for nth in 0..3 {
        let body = json!({"event_name": "visited", "event_id": format!("s-{nth}"),
            "identity": {"email": format!("s{nth}@example.com")}});
        shop.convert(&shop.key, &body).await?;
    }
    let denied = json!({"event_name": "visited", "event_id": "s-denied", "consent": "denied",
        "identity": {"email": "denied@example.com"}});
    let answer = shop.convert(&shop.key, &denied).await?;
    ensure!(answer["meta_events"][0]["reason"] == "consent_denied", "{answer}");
    shop.meta_holds(3, 120).await?;
    let receipt = shop.receipt("s-denied", "skipped").await?;
    ensure!(receipt["reason"] == "consent_denied", "{receipt}");
    let row = e2e::within(60, "the summary has all four", || async {
        let summary = shop.of_tenant("/api/v1/products/summary").await?;
        let rows = summary["days"].as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().find(|row: &Value| row["events"] == 4))
    })
    .await?;
    ensure!(row["forwarded"] == 3 && row["skipped"] == 1, "{row}");
    ensure!(row["match_keys"]["em"]["events"] == 3, "{row}");
    Ok(())
}
