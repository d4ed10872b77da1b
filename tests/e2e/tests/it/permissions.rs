//! Least privilege: each IAM statement of the functions on an event's way is needed.

use anyhow::{Context as _, ensure};
use e2e::{BusTap, LeadPage, Shop, lead};
use serde_json::{Value, json};
use stack::{Function, Stack};

/// The emulator writes logs and consumes the queue itself, so these can't be shown to be needed here.
const DONE_BY_THE_EMULATOR: [&str; 4] = ["WriteItsLog", "ConsumeEvents", "ConsumeLeads", "ConsumeJobs"];

/// How long each step about leads may take, in seconds; what needs a statement that is gone never comes.
const PATIENCE_S: u64 = 20;

/// What a role is for, in one go: everything must work for this to return true.
async fn everything_works(stack: &Stack) -> anyhow::Result<bool> {
    let shop = Shop::open(stack).await?;
    let posted = shop
        .api
        .call("POST", "/api/v1/meta/event", Some(&shop.key), Some(&lead("p", "a@example.com")))
        .await?;
    if posted.status != 202 {
        return Ok(false);
    }
    let conversion =
        json!({"event_name": "visited", "event_id": "c", "identity": {"email": "c@example.com"}});
    let tracked = shop.api.call("POST", "/api/v1/conversions", Some(&shop.key), Some(&conversion)).await?;
    if tracked.status != 202 {
        return Ok(false);
    }
    // Both, so that none of them meets the faults that are meant for the next event.
    let sent = e2e::within(15, "both are sent", || async {
        for id in ["p", "c"] {
            if !shop.receipts(id).await?.iter().any(|receipt| receipt["status"] == "sent") {
                return Ok(None);
            }
        }
        Ok(Some(()))
    });
    if sent.await.is_err() {
        return Ok(false);
    }
    // Events that can't be sent go back to the queue; a pixel that needs attention is marked.
    let fault = json!({"match": {"pixel_id": shop.pixel}, "times": 3, "status": 500, "code": 2});
    shop.sim.fault(&fault).await?;
    shop.post(&[lead("again", "a@example.com")]).await?;
    let sent = e2e::within(25, "sent after faults", || async {
        Ok(shop.receipts("again").await?.into_iter().find(|receipt| receipt["status"] == "sent"))
    });
    Ok(sent.await.is_ok())
}

#[tokio::test]
async fn each_statement_of_the_three_roles_is_needed() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    ensure!(everything_works(&stack).await?, "with all statements everything works");
    for function in [Function::CapiIngest, Function::CapiDispatch, Function::TrackConversion] {
        let mut needed = 0;
        for sid in stack.role_statements(function).await? {
            if DONE_BY_THE_EMULATOR.contains(&sid.as_str()) {
                continue;
            }
            let policy = stack.without_statement(function, &sid).await?;
            // A fresh process, so that nothing is remembered from when the statement was there.
            stack.kill_function(function).await?;
            let works = everything_works(&stack).await;
            stack.restore_role(function, &policy).await?;
            stack.kill_function(function).await?;
            ensure!(!works?, "{function:?} works without {sid}");
            needed += 1;
        }
        ensure!(needed > 0, "{function:?} has statements");
    }
    ensure!(everything_works(&stack).await?, "with all statements back everything works again");
    Ok(())
}

/// What a function gets when it asks for a secret, by its ARN or by its name: whether it was given the value.
async fn reads_secret(stack: &Stack, function: Function, secret_id: &str) -> anyhow::Result<bool> {
    let body = json!({"SecretId": secret_id});
    let answer = stack
        .as_function(function)
        .await?
        .json("secretsmanager", "secretsmanager.GetSecretValue", "1.1", &body)
        .await;
    match answer {
        Ok(answer) => Ok(answer["SecretString"].is_string()),
        Err(error) if format!("{error:#}").contains("AccessDenied") => Ok(false),
        Err(error) => Err(error),
    }
}

async fn secret_arn(stack: &Stack, name: &str) -> anyhow::Result<String> {
    let body = json!({"SecretId": name});
    let answer: Value =
        stack.aws().json("secretsmanager", "secretsmanager.DescribeSecret", "1.1", &body).await?;
    answer["ARN"].as_str().map(str::to_owned).with_context(|| format!("no ARN in {answer}"))
}

#[tokio::test]
async fn functions_that_strangers_reach_can_not_read_the_keyring_of_tokens() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let prefix = &stack.env().stack_name;
    let tokens = format!("{prefix}/keyring-tokens");
    let arn = secret_arn(&stack, &tokens).await?;
    for function in [Function::CapiIngest, Function::TrackConversion, Function::LeadgenWebhook] {
        for id in [&arn, &tokens] {
            ensure!(!reads_secret(&stack, function, id).await?, "{function:?} reads {id}");
        }
    }
    // Whoever needs it reads it, in the same way.
    for function in [Function::CapiDispatch, Function::LeadWorker, Function::JobWorker, Function::AdminApi] {
        ensure!(reads_secret(&stack, function, &arn).await?, "{function:?} can't read {arn}");
    }
    // And the others are refused this secret, not every one.
    for (function, name) in
        [(Function::TrackConversion, "keyring-pii"), (Function::LeadgenWebhook, "meta-app")]
    {
        let arn = secret_arn(&stack, &format!("{prefix}/{name}")).await?;
        ensure!(reads_secret(&stack, function, &arn).await?, "{function:?} can't read {arn}");
    }
    Ok(())
}

/// What the roles about leads are for, in one go: everything must work for this to return true.
async fn everything_about_leads_works(stack: &Stack) -> anyhow::Result<bool> {
    Ok(match lead_is_told(stack).await? {
        Some(page) => looks_through_forms(&page).await? && exports(&page).await?,
        None => false,
    })
}

/// An announced lead is fetched, stored with its person, and told to the bus, to a receiver outside that fails at first,
/// and to Meta.
async fn lead_is_told(stack: &Stack) -> anyhow::Result<Option<LeadPage>> {
    let page = LeadPage::open(stack).await?;
    let tap = BusTap::open(stack, &page.shop.tenant).await?;
    let receiver = format!("receiver-{}", page.page);
    page.tell_receiver(&receiver, &json!({"status": 503})).await?;
    // Not readable at once, so that it goes back to the queue.
    let id = page.submit_one(&[("full_name", "Ada Lovelace"), ("email", "ada@example.com")], 1_500).await?;
    let sent = |lead: &Value| {
        lead["person_id"].is_string() && lead["feedback"][0]["receipts"][0]["status"] == "sent"
    };
    if page.lead_with(&id, PATIENCE_S, "Meta has heard of it", sent).await.is_err() {
        return Ok(None);
    }
    let on_bus = e2e::within(PATIENCE_S, "it is on the bus", || async {
        Ok(tap.take().await?.into_iter().find(|event| event["detail"]["lead_id"] == id.as_str()))
    });
    if on_bus.await.is_err() {
        return Ok(None);
    }
    let calls = |least: usize| {
        let (page, receiver) = (page.clone(), receiver.clone());
        e2e::within(PATIENCE_S, "the receiver is called", move || {
            let (page, receiver) = (page.clone(), receiver.clone());
            async move { Ok((page.received(&receiver).await?.len() >= least).then_some(())) }
        })
    };
    if calls(1).await.is_err() {
        return Ok(None);
    }
    page.tell_receiver(&receiver, &json!({"status": 200})).await?;
    Ok(calls(2).await.is_ok().then_some(page))
}

/// A look through a page's forms on demand ends.
async fn looks_through_forms(page: &LeadPage) -> anyhow::Result<bool> {
    let body = json!({"page_id": page.page, "days": 1});
    let path = format!("/api/v1/leads/sync?tenant_id={}", page.shop.tenant);
    ends(page, &path, &body).await
}

/// An export becomes a file that its link gives.
async fn exports(page: &LeadPage) -> anyhow::Result<bool> {
    let path = format!("/api/v1/leads/export?tenant_id={}", page.shop.tenant);
    ends(page, &path, &json!({"inline": false})).await
}

async fn ends(page: &LeadPage, path: &str, body: &Value) -> anyhow::Result<bool> {
    let shop = &page.shop;
    let asked = shop.api.call("POST", path, Some(&shop.root), Some(body)).await?;
    ensure!(asked.status == 202, "{path}: {asked:?}");
    let id = asked.body["id"].as_str().with_context(|| format!("no job in {asked:?}"))?;
    let Ok(job) = page.job(id, PATIENCE_S).await else { return Ok(false) };
    let Some(url) = job["result"]["url"].as_str() else { return Ok(job["state"] == "done") };
    let file = e2e::Api::new("")?.call("GET", url, None, None).await?;
    Ok(file.status == 200 && file.body.as_str().is_some_and(|text| text.contains("ada@example.com")))
}

#[tokio::test]
async fn each_statement_of_the_roles_about_leads_is_needed() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    ensure!(everything_about_leads_works(&stack).await?, "with all statements everything works");
    for function in [Function::LeadgenWebhook, Function::LeadWorker, Function::JobWorker] {
        let mut needed = 0;
        for sid in stack.role_statements(function).await? {
            if DONE_BY_THE_EMULATOR.contains(&sid.as_str()) {
                continue;
            }
            let policy = stack.without_statement(function, &sid).await?;
            stack.kill_function(function).await?;
            let works = everything_about_leads_works(&stack).await;
            stack.restore_role(function, &policy).await?;
            stack.kill_function(function).await?;
            ensure!(!works?, "{function:?} works without {sid}");
            needed += 1;
        }
        ensure!(needed > 0, "{function:?} has statements");
    }
    ensure!(everything_about_leads_works(&stack).await?, "with all statements back everything works again");
    Ok(())
}
