//! Looks into the queue and the tables themselves, past every API of ours; and calls a function as its schedule does.

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::{Function, Queue, Stack};

/// Bodies of up to 10 visible messages of the queue of events; they stay visible.
///
/// # Errors
/// Where the local AWS refuses.
pub async fn queue_bodies(stack: &Stack) -> anyhow::Result<Vec<String>> {
    bodies_of(stack, Queue::Events).await
}

/// Bodies of up to 10 visible messages of a queue; they stay visible.
///
/// # Errors
/// Where the local AWS refuses.
pub async fn bodies_of(stack: &Stack, queue: Queue) -> anyhow::Result<Vec<String>> {
    let body = json!({"QueueUrl": stack.queue_url(queue), "MaxNumberOfMessages": 10, "VisibilityTimeout": 0});
    let answer = stack.aws().json("sqs", "AmazonSQS.ReceiveMessage", "1.0", &body).await?;
    // SQS leaves the list out where it has nothing.
    let messages = answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(messages.iter().filter_map(|message| message["Body"].as_str().map(str::to_owned)).collect())
}

/// Every item of a table, as DynamoDB's JSON.
///
/// # Errors
/// Where the local AWS refuses.
pub async fn table_items(stack: &Stack, table: &str) -> anyhow::Result<Vec<String>> {
    let mut items = Vec::new();
    let mut body = json!({"TableName": table});
    loop {
        let answer = stack.aws().json("dynamodb", "DynamoDB_20120810.Scan", "1.0", &body).await?;
        items.extend(answer["Items"].as_array().context("items")?.iter().map(Value::to_string));
        match &answer["LastEvaluatedKey"] {
            Value::Null => return Ok(items),
            key => body["ExclusiveStartKey"] = key.clone(),
        }
    }
}

/// Changes an item's attribute `doc`, a JSON text, past every check: as if whoever wrote it had been cut off.
///
/// # Errors
/// Where the local AWS refuses, or there is no such item with a document.
pub async fn change_doc(
    stack: &Stack,
    table: &str,
    (pk, sk): (&str, &str),
    change: impl FnOnce(&mut Value),
) -> anyhow::Result<()> {
    let key = json!({"pk": {"S": pk}, "sk": {"S": sk}});
    let get = json!({"TableName": table, "Key": key, "ConsistentRead": true});
    let mut item =
        stack.aws().json("dynamodb", "DynamoDB_20120810.GetItem", "1.0", &get).await?["Item"].take();
    let doc = item["doc"]["S"].as_str().with_context(|| format!("{pk} {sk} has no document"))?;
    let mut doc: Value = serde_json::from_str(doc)?;
    change(&mut doc);
    item["doc"]["S"] = json!(doc.to_string());
    let put = json!({"TableName": table, "Item": item});
    stack.aws().json("dynamodb", "DynamoDB_20120810.PutItem", "1.0", &put).await?;
    Ok(())
}

/// Calls a function as its schedule does each minute, at once. That the schedule does call it is shown by those tests that
/// wait for it.
///
/// # Errors
/// Where the function fails.
pub async fn tick(stack: &Stack, function: Function) -> anyhow::Result<()> {
    let event = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "resources": [],
        "detail": {}});
    let answer = stack.invoke(function, &event).await?;
    anyhow::ensure!(answer["errorMessage"].is_null(), "{}: {answer}", function.name());
    Ok(())
}
