//! The library's controls, against a running stack.

use std::time::Duration;

use serde_json::json;
use stack::{Function, Stack};
use tokio::time::{Instant, sleep};

/// Asks again until `check` holds; fails after a limit.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "{what} never happened");
        sleep(Duration::from_millis(50)).await;
    }
}

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
async fn invoke(stack: &Stack, function: Function) {
    stack.invoke(function, &json!({})).await.unwrap();
}

#[tokio::test]
async fn a_disabled_mapping_leaves_messages_in_the_queue() {
    let stack = Stack::shared().await.unwrap();
    stack.set_dispatch_enabled(false).await.unwrap();
    let body = json!({ "QueueUrl": stack.env().queue_url, "MessageBody": "not for anyone" });
    stack.aws().json("sqs", "AmazonSQS.SendMessage", "1.0", &body).await.unwrap();

    assert_eq!(stack.queue_depth().await.unwrap().visible, 1);

    let body = json!({ "QueueUrl": stack.env().queue_url });
    stack.aws().json("sqs", "AmazonSQS.PurgeQueue", "1.0", &body).await.unwrap();
    stack.set_dispatch_enabled(true).await.unwrap();
    assert_eq!(stack.dead_letters().await.unwrap().total(), 0);
}

#[tokio::test]
async fn a_killed_function_is_started_anew_by_its_next_invocation() {
    let stack = Stack::shared().await.unwrap();
    invoke(&stack, Function::AdminApi).await;

    assert!(stack.kill_function(Function::AdminApi).await.unwrap() > 0);
    eventually("the end of the killed process", async || {
        stack.kill_function(Function::AdminApi).await.unwrap() == 0
    })
    .await;

    invoke(&stack, Function::AdminApi).await;
    assert!(stack.kill_function(Function::AdminApi).await.unwrap() > 0);
}

#[tokio::test]
async fn a_functions_log_holds_each_invocation() {
    let stack = Stack::shared().await.unwrap();
    let reports = async || {
        stack
            .function_logs(Function::CapiIngest)
            .await
            .unwrap()
            .iter()
            .filter(|line| line.starts_with("REPORT"))
            .count()
    };
    let before = reports().await;
    invoke(&stack, Function::CapiIngest).await;
    eventually("a further report line", async || reports().await > before).await;
}

#[tokio::test]
async fn a_functions_environment_can_be_changed_and_put_back() {
    let stack = Stack::shared().await.unwrap();
    stack.set_function_env(Function::AdminApi, &[("LOG_LEVEL", "debug")]).await.unwrap();
    let path = format!("/2015-03-31/functions/{}/configuration", stack.deployed_name(Function::AdminApi));
    let configuration = stack.aws().rest("lambda", "GET", &path, None).await.unwrap();
    let variables = &configuration["Environment"]["Variables"];

    assert_eq!(variables["LOG_LEVEL"], "debug");
    assert_eq!(variables["CONFIG_TABLE"], stack.env().config_table.as_str());
    stack.set_function_env(Function::AdminApi, &[("LOG_LEVEL", "info")]).await.unwrap();
}

#[tokio::test]
async fn one_roles_statement_can_be_taken_away_and_put_back() {
    let stack = Stack::shared().await.unwrap();
    let sids = stack.role_statements(Function::CapiIngest).await.unwrap();
    assert!(sids.contains(&"QueueEvents".to_owned()), "{sids:?}");

    let whole = stack.without_statement(Function::CapiIngest, "QueueEvents").await.unwrap();
    let fewer = stack.role_statements(Function::CapiIngest).await.unwrap();
    stack.restore_role(Function::CapiIngest, &whole).await.unwrap();

    assert_eq!(fewer.len() + 1, sids.len());
    assert!(!fewer.contains(&"QueueEvents".to_owned()));
    assert_eq!(stack.role_statements(Function::CapiIngest).await.unwrap(), sids);
}
