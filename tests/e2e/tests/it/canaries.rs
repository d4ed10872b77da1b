//! Canaries: secrets and personal data planted in a run appear in no log line, URL, queue body or stored item.

use anyhow::{Context as _, ensure};
use e2e::{Shop, purchase};
use serde_json::{Value, json};
use stack::{Function, Stack};

#[tokio::test]
async fn planted_secrets_and_personal_data_show_up_nowhere() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let mut event = purchase("canary-1");
    let planted = [
        ("email", "canary.bird@canary-mail.example"),
        ("phone", "+1 650 555 7788"),
        ("first_name", "Canaryfirst"),
        ("last_name", "Canarylast"),
        ("city", "Canarytown"),
        ("external_id", "canary-external-4242"),
    ];
    for (key, value) in planted {
        event["user_data"][key] = json!(value);
    }
    event["event_source_url"] = json!(
        "https://shop.example.com/thanks?email=canary.bird%40canary-mail.example&token=canarysecret1234567890"
    );
    event["custom_data"]["note"] = json!("write to canary.bird@canary-mail.example");

    let conversion = json!({"event_name": "visited", "event_id": "canary-2", "identity": {
            "email": planted[0].1, "phone": planted[1].1, "first_name": planted[2].1, "last_name": planted[3].1,
            "city": planted[4].1, "external_id": planted[5].1},
        "metadata": {"note": "write to canary.bird@canary-mail.example", "name": "Canaryfirst"}});
    let mut bad_conversion = conversion.clone();
    bad_conversion["event_time"] = json!("canary.bird@canary-mail.example");
    bad_conversion["canary.bird@canary-mail.example"] = json!(1);
    // On the queue, where it can be looked at.
    stack.set_dispatch_enabled(false).await?;
    let tracked = shop.convert(&shop.key, &conversion).await;
    let refused_too =
        shop.api.call("POST", "/api/v1/conversions", Some(&shop.key), Some(&bad_conversion)).await;
    let posted = shop.api.post("/api/v1/meta/event", &shop.key, &event, 202).await;
    let mut bad = event.clone();
    bad["event_time"] = json!("canary.bird@canary-mail.example");
    let refused = shop.api.call("POST", "/api/v1/meta/event", Some(&shop.key), Some(&bad)).await;
    let bodies = e2e::queue_bodies(&stack).await;
    stack.set_dispatch_enabled(true).await?;
    posted?;
    let refused = refused?;
    let bodies = bodies?;
    ensure!(!bodies.is_empty(), "the message was there to look at");
    let (tracked, refused_too) = (tracked?, refused_too?);
    ensure!(refused_too.status == 422, "{refused_too:?}");
    shop.meta_holds(2, 120).await?;
    shop.receipt("canary-1", "sent").await?;
    shop.receipt("canary-2", "sent").await?;

    let mut haystacks: Vec<(String, String)> =
        bodies.into_iter().map(|body| ("a queue body".to_owned(), body)).collect();
    haystacks.push(("the answer to a bad event".to_owned(), refused.body.to_string()));
    haystacks.push(("the answer to a conversion".to_owned(), tracked.to_string()));
    haystacks.push(("the answer to a bad conversion".to_owned(), refused_too.body.to_string()));
    for function in Function::ALL {
        let lines = stack.function_logs(function).await?;
        haystacks.extend(lines.into_iter().map(|line| (format!("{function:?}'s log"), line)));
    }
    let env = stack.env();
    for table in [&env.config_table, &env.events_table, &env.people_table, &env.leads_table, &env.jobs_table]
    {
        let items = e2e::table_items(&stack, table).await?;
        haystacks.extend(items.into_iter().map(|item| (format!("table {table}"), item)));
    }
    let requests = shop.sim.requests().await?;
    for request in requests["requests"].as_array().context("requests")? {
        let url = format!("{}?{}", text(&request["path"]), text(&request["query"]));
        haystacks.push(("a URL".to_owned(), url));
    }
    let keys = [shop.token.as_str(), shop.key.as_str(), shop.root.as_str()];
    let needles = planted
        .iter()
        .map(|(_, value)| *value)
        .chain(["6505557788", "canarysecret1234567890", "canary.bird%40"])
        .chain(keys);
    for needle in needles {
        let needle = needle.to_lowercase();
        for (place, text) in &haystacks {
            ensure!(!text.to_lowercase().contains(&needle), "a canary in {place}: {text}");
        }
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
