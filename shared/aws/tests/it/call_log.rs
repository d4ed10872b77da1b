//! The dev profile's log of calls: a line for each right that IAM agreed to or refused, and nothing of what a call carries.

use std::path::Path;

use adrelay_aws::files::S3Files;
use adrelay_aws::jobs::DynamoJobs;
use adrelay_aws::sdk::Sdk;
use adrelay_core::ports::jobs::FileLinks as _;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stub::Stub;

fn sdk(url: &str, directory: Option<&Path>) -> Sdk {
    let variable = |name| match name {
        "AWS_ENDPOINT_URL" => Some(url.to_owned()),
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_SESSION_TOKEN" => None,
        "AWS_CALL_LOG_DIR" => directory.map(|directory| directory.display().to_string()),
        "AWS_LAMBDA_FUNCTION_NAME" => Some("adrelay-job-worker".to_owned()),
        _ => Some("test".to_owned()),
    };
    Sdk::from_variables(variable).unwrap()
}

/// The lines of the one file in `directory`; none where there is no file.
fn lines(directory: &TempDir) -> Vec<String> {
    let files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() <= 1, "{files:?}");
    let text = files.first().map(|file| std::fs::read_to_string(file).unwrap()).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Puts items into a table that answers each with its script's next answer; gives the lines noted.
async fn put_items(answers: Vec<(u16, Value)>) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let puts = answers.len();
    let stub = Stub::start(move |nth, _| answers[nth.min(answers.len() - 1)].clone()).await;
    let client = sdk(&stub.url, Some(directory.path())).dynamodb();
    for _ in 0..puts {
        let put =
            client.put_item().table_name("jobs").item("pk", AttributeValue::S("ada@example.com".into()));
        let _ = put.send().await;
    }
    lines(&directory)
}

fn error(code: &str) -> (u16, Value) {
    let message = "User: x is not authorized to perform: dynamodb:PutItem on ada@example.com";
    (400, json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message}))
}

fn line(outcome: &str) -> String {
    format!("adrelay-job-worker\tdynamodb:PutItem\ttable/jobs\t{outcome}")
}

#[tokio::test]
async fn a_right_is_noted_once_with_nothing_else() {
    assert_eq!(put_items(vec![(200, json!({})), (200, json!({}))]).await, [line("allowed")]);
}

#[tokio::test]
async fn a_refused_right_is_noted_as_refused() {
    assert_eq!(put_items(vec![error("AccessDeniedException")]).await, [line("refused")]);
    let both = vec![error("AccessDeniedException"), (200, json!({})), error("AccessDeniedException")];
    assert_eq!(put_items(both).await, [line("refused"), line("allowed")]);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_shows_the_right() {
    assert_eq!(put_items(vec![error("ConditionalCheckFailedException")]).await, [line("allowed")]);
}

#[tokio::test]
async fn an_error_that_may_come_before_iam_shows_nothing() {
    assert!(put_items(vec![error("ValidationException")]).await.is_empty());
    assert!(put_items(vec![error("ExpiredTokenException")]).await.is_empty());
}

#[tokio::test]
async fn a_signed_link_is_noted_as_what_it_allows() {
    let directory = tempfile::tempdir().unwrap();
    let files = S3Files::new(sdk("http://127.0.0.1:1", Some(directory.path())).s3(), "files".to_owned());
    files.link("exports/acme/job_1.csv", "leads.csv", 60).await.unwrap();
    assert_eq!(lines(&directory), ["adrelay-job-worker\ts3:GetObject\tfiles/exports/*\tallowed"]);
}

#[tokio::test]
async fn a_refused_file_is_noted_though_its_answer_has_no_body() {
    use crate::rest_stub::RestStub;

    let directory = tempfile::tempdir().unwrap();
    let stub = RestStub::start(|_| (403, None, String::new())).await;
    let client = sdk(&stub.url, Some(directory.path())).s3();
    assert!(client.head_object().bucket("files").key("exports/a.csv").send().await.is_err());
    assert_eq!(lines(&directory), ["adrelay-job-worker\ts3:GetObject\tfiles/exports/*\trefused"]);
}

#[tokio::test]
async fn without_a_directory_nothing_is_noted() {
    let stub = Stub::start(|_, _| (200, json!({}))).await;
    let table = DynamoJobs::new(sdk(&stub.url, None).dynamodb(), "jobs".to_owned());
    let debug = format!("{table:?}");
    assert!(!debug.contains("CallLog"), "{debug}");
}
