//! Least privilege: each IAM statement of the functions on an event's way is needed.

use anyhow::{Context as _, ensure};
use e2e::{Shop, lead};
use serde_json::{Value, json};
use stack::{Function, Stack};

/// The emulator writes logs and consumes the queue itself, so these can't be shown to be needed here.
const DONE_BY_THE_EMULATOR: [&str; 2] = ["WriteItsLog", "ConsumeEvents"];

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
