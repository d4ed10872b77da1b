//! Canaries: secrets and personal data planted in a run appear in no log line, URL, queue body or stored item.

use anyhow::ensure;
use e2e::{Haystacks, Shop, purchase};
use serde_json::json;
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
    let mut bad = event.clone();
    bad["event_time"] = json!("canary.bird@canary-mail.example");
    // On the queue, where it can be looked at.
    let (answers, bodies) = e2e::without_dispatch(&stack, async {
        let tracked = shop.convert(&shop.key, &conversion).await?;
        let refused_too =
            shop.api.call("POST", "/api/v1/conversions", Some(&shop.key), Some(&bad_conversion)).await?;
        shop.api.post("/api/v1/meta/event", &shop.key, &event, 202).await?;
        let refused = shop.api.call("POST", "/api/v1/meta/event", Some(&shop.key), Some(&bad)).await?;
        ensure!((refused.status, refused_too.status) == (422, 422), "{refused:?} {refused_too:?}");
        Ok(([refused.body, tracked, refused_too.body], e2e::queue_bodies(&stack).await?))
    })
    .await?;
    for id in ["canary-1", "canary-2"] {
        ensure!(bodies.iter().any(|body| body.contains(id)), "{id} was on the queue to look at: {bodies:?}");
    }
    shop.meta_holds(2, 120).await?;
    shop.receipt("canary-1", "sent").await?;
    shop.receipt("canary-2", "sent").await?;

    let mut haystacks: Haystacks = bodies.into_iter().map(|body| ("a queue body".to_owned(), body)).collect();
    haystacks.extend(answers.iter().map(|answer| ("an answer".to_owned(), answer.to_string())));
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
    for request in shop.sim.requests().await? {
        let url = format!("{}?{}", e2e::text(&request, "path")?, e2e::text(&request, "query")?);
        haystacks.push(("a URL".to_owned(), url));
    }
    let keys = [shop.token.as_str(), shop.key.as_str(), shop.root.as_str()];
    let needles = planted
        .iter()
        .map(|(_, value)| *value)
        .chain(["6505557788", "canarysecret1234567890", "canary.bird%40"])
        .chain(keys);
    e2e::found_nowhere(needles, &haystacks)?;
    // What was searched is what the events went through: it holds ids where ids belong.
    e2e::found_each(
        &[
            (&format!("table {}", env.events_table), "canary-1"),
            (&format!("table {}", env.events_table), "canary-2"),
            (&format!("table {}", env.people_table), &shop.tenant),
            (&format!("table {}", env.config_table), &shop.tenant),
            ("a URL", &shop.pixel),
            ("CapiIngest's log", "REPORT"),
            ("CapiDispatch's log", "REPORT"),
            ("TrackConversion's log", "REPORT"),
        ],
        &haystacks,
    )
}
