//! The floor: the least that a function behind an API can do with a request's body, which is to put it on a queue.
//!
//! One client of the AWS SDK with the settings of the real functions, the same runtime, no checks, no logs. What the
//! real functions cost above it is ours.

use std::borrow::Cow;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Region, SharedCredentialsProvider};
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The most bytes that one call of `SendMessage` takes.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    body: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
}

fn main() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, queue) = (client()?, variable("CAPI_EVENTS_QUEUE_URL")?);
        let (client, queue) = (&client, queue.as_str());
        let handler = service_fn(move |event| answer(client, queue, event));
        Runtime::new(handler).run().await
    })
}

async fn answer(client: &Client, queue: &str, event: LambdaEvent<Box<RawValue>>) -> Result<Answer, Error> {
    let request: Request<'_> = serde_json::from_str(event.payload.get())?;
    let mut rest = &*request.body;
    while !rest.is_empty() {
        let (message, after) = rest.split_at(rest.floor_char_boundary(MAX_MESSAGE_BYTES));
        client.send_message().queue_url(queue).message_body(message).message_group_id("1").send().await?;
        rest = after;
    }
    Ok(Answer { status_code: 202 })
}

fn client() -> Result<Client, Error> {
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID")?,
        variable("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12))
        .build();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .endpoint_url(variable("AWS_ENDPOINT_URL")?);
    Ok(Client::from_conf(config.build()))
}

fn variable(name: &str) -> Result<String, Error> {
    std::env::var(name).map_err(|_| Error::from(format!("{name} is not set")))
}
