//! Canaries in a lead: its answers, the page's token, the app's secrets and a note appear in no log line, URL, queue body,
//! bus event or stored item.

use anyhow::ensure;
use e2e::{BusTap, Haystacks, LeadPage};
use serde_json::{Value, json};
use stack::{Function, Queue, Stack};

const EMAIL: &str = "canary.lead@canary-mail.example";

const ANSWERS: [(&str, &str); 4] = [
    ("full_name", "Leadfirstcanary Leadlastcanary"),
    ("email", EMAIL),
    ("phone_number", "+16505557799"),
    ("what_are_you_looking_for", "canaryanswer about my illness"),
];

const NEEDLES: [&str; 7] = [
    EMAIL,
    "canary.lead%40",
    "leadfirstcanary",
    "leadlastcanary",
    "6505557799",
    "canaryanswer",
    "canarynote",
];

#[tokio::test]
async fn what_a_lead_answered_shows_up_nowhere() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let page = LeadPage::open(&stack).await?;
    let tap = BusTap::open(&stack, &page.shop.tenant).await?;
    page.tell_receiver(&format!("canary-{}", page.page), &json!({"status": 500})).await?;
    let mut haystacks = Haystacks::new();

    // On the queue, where it can be looked at.
    let announced = announce(&stack, &page, &mut haystacks);
    let id = e2e::without_lead_worker(&stack, announced).await?;
    let stored = |lead: &Value| lead["feedback"][0]["receipts"][0]["status"] == "sent";
    page.lead_with(&id, 120, "Meta has heard of it", stored).await?;
    let path = format!("/api/v1/leads/{id}?tenant_id={}", page.shop.tenant);
    let change = json!({"status": "contacted", "note": "canarynote: call back", "actor": "desk-7"});
    page.shop.api.expect("PATCH", &path, &page.shop.root, Some(&change), 200).await?;
    e2e::eventually("Meta has heard of the step", || async {
        e2e::tick(&stack, Function::LeadWorker).await?;
        let lead = page.lead(&id).await?.unwrap_or_default();
        Ok(lead["feedback"][1]["receipts"][0]["status"] == "sent")
    })
    .await?;
    let event =
        e2e::within(60, "it is on the bus", || async { Ok(tap.take().await?.into_iter().next()) }).await?;
    haystacks.push(("an event on the bus".to_owned(), event.to_string()));

    collect(&stack, &page, &mut haystacks).await?;
    let env = stack.env();
    let secrets =
        [page.token.as_str(), env.app_secret.as_str(), env.verify_token.as_str(), env.admin_key.as_str()];
    e2e::found_nowhere(NEEDLES.into_iter().chain(secrets), &haystacks)?;
    // What was searched is what the lead went through: it holds ids where ids belong.
    e2e::found_each(
        &[
            ("a body in the queue of leads", &id),
            ("an event on the bus", &id),
            (&format!("table {}", env.leads_table), &id),
            (&format!("table {}", env.people_table), &page.shop.tenant),
            (&format!("table {}", env.config_table), &page.page),
            (&format!("table {}", env.jobs_table), &page.shop.tenant),
            ("a URL", &id),
            ("LeadWorker's log", "REPORT"),
            ("LeadgenWebhook's log", "REPORT"),
            ("JobWorker's log", "REPORT"),
            ("AdminApi's log", "REPORT"),
        ],
        &haystacks,
    )
}

/// Submits the lead and looks at its announcement on the queue; refused deliveries, too, are logged.
async fn announce(stack: &Stack, page: &LeadPage, haystacks: &mut Haystacks) -> anyhow::Result<String> {
    let unsigned =
        json!({"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"email": EMAIL}}]}]});
    let refused = page.shop.api.call("POST", "/webhooks/leadgen", None, Some(&unsigned)).await?;
    ensure!(refused.status == 401, "{refused:?}");
    let challenge =
        format!("/webhooks/leadgen?hub.mode=subscribe&hub.challenge=1&hub.verify_token={}", "canarynote");
    ensure!(page.shop.api.call("GET", &challenge, None, None).await?.status == 403);
    haystacks.push(("the answer to an unsigned delivery".to_owned(), refused.body.to_string()));
    let id = page.submit_one(&ANSWERS, 0).await?;
    let bodies = e2e::within(60, "the announcement is on the queue", || async {
        let bodies = e2e::bodies_of(stack, Queue::Leads).await?;
        Ok(bodies.iter().any(|body| body.contains(&id)).then_some(bodies))
    });
    haystacks.extend(bodies.await?.into_iter().map(|body| ("a body in the queue of leads".to_owned(), body)));
    Ok(id)
}

async fn collect(stack: &Stack, page: &LeadPage, haystacks: &mut Haystacks) -> anyhow::Result<()> {
    for function in Function::ALL {
        let lines = stack.function_logs(function).await?;
        haystacks.extend(lines.into_iter().map(|line| (format!("{function:?}'s log"), line)));
    }
    for queue in Queue::ALL {
        let bodies = e2e::bodies_of(stack, queue).await?;
        haystacks.extend(bodies.into_iter().map(|body| (format!("a body in the queue of {queue:?}"), body)));
    }
    let env = stack.env();
    for table in [&env.config_table, &env.events_table, &env.people_table, &env.leads_table, &env.jobs_table]
    {
        let items = e2e::table_items(stack, table).await?;
        ensure!(!items.is_empty(), "{table} is empty");
        haystacks.extend(items.into_iter().map(|item| (format!("table {table}"), item)));
    }
    for request in page.shop.sim.requests().await? {
        let url = format!("{}?{}", e2e::text(&request, "path")?, e2e::text(&request, "query")?);
        haystacks.push(("a URL".to_owned(), url));
    }
    Ok(())
}
