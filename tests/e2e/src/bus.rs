//! Listens to the bus that leads are announced on, as a rule of somebody else in the account does.

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::{AwsApi, Stack};

use crate::unique::unique_digits;

/// A rule on the bus with a queue of its own behind it.
#[derive(Debug, Clone)]
pub struct BusTap {
    aws: AwsApi,
    queue_url: String,
}

impl BusTap {
    /// Hears everything of one tenant from now on.
    ///
    /// # Errors
    /// Where the local AWS refuses.
    pub async fn open(stack: &Stack, tenant: &str) -> anyhow::Result<Self> {
        let aws = stack.aws().clone();
        let name = format!("tap-{}", unique_digits());
        let queue = aws.json("sqs", "AmazonSQS.CreateQueue", "1.0", &json!({"QueueName": name})).await?;
        let queue_url = queue["QueueUrl"].as_str().context("a queue's URL")?.to_owned();
        let body = json!({"QueueUrl": queue_url, "AttributeNames": ["QueueArn"]});
        let queue = aws.json("sqs", "AmazonSQS.GetQueueAttributes", "1.0", &body).await?;
        let arn = queue["Attributes"]["QueueArn"].as_str().context("a queue's ARN")?;
        let pattern = json!({"source": ["adrelay"], "detail": {"tenant_id": [tenant]}}).to_string();
        let bus = &stack.env().event_bus;
        let rule = json!({"Name": name, "EventBusName": bus, "EventPattern": pattern, "State": "ENABLED"});
        aws.json("events", "AWSEvents.PutRule", "1.1", &rule).await?;
        let targets = json!({"Rule": name, "EventBusName": bus, "Targets": [{"Id": "tap", "Arn": arn}]});
        let put = aws.json("events", "AWSEvents.PutTargets", "1.1", &targets).await?;
        anyhow::ensure!(put["FailedEntryCount"] == 0, "{put}");
        Ok(Self { aws, queue_url })
    }

    /// Up to 10 events that were not taken yet, as they came over the bus.
    ///
    /// # Errors
    /// Where the local AWS refuses.
    pub async fn take(&self) -> anyhow::Result<Vec<Value>> {
        let body = json!({"QueueUrl": self.queue_url, "MaxNumberOfMessages": 10});
        let answer = self.aws.json("sqs", "AmazonSQS.ReceiveMessage", "1.0", &body).await?;
        let mut events = Vec::new();
        // SQS leaves the list out where it has nothing.
        for message in answer["Messages"].as_array().map(Vec::as_slice).unwrap_or_default() {
            events.push(serde_json::from_str(message["Body"].as_str().context("a body")?)?);
            let body = json!({"QueueUrl": self.queue_url, "ReceiptHandle": message["ReceiptHandle"]});
            self.aws.json("sqs", "AmazonSQS.DeleteMessage", "1.0", &body).await?;
        }
        Ok(events)
    }
}
