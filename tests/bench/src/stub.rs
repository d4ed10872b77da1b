//! AWS and Meta in one small server that answers yes and counts.
//!
//! It holds items for reading and remembers what is written, but evaluates no condition: in the benchmark they all
//! hold. What costs money is counted as AWS bills it.

mod dynamodb;
mod update;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use self::dynamodb::Tables;

/// SQS bills each started 64 KB of a call's messages as a request (AWS: Amazon SQS pricing).
pub(crate) const SQS_CHUNK_BYTES: usize = 64 * 1024;

/// What was done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Calls by operation.
    pub(crate) calls: BTreeMap<String, u64>,
    /// Requests as SQS bills them.
    pub(crate) sqs_requests: u64,
    /// Write request units of DynamoDB.
    pub(crate) write_units: u64,
    /// The same by kind of item: its sort key up to the first `#`.
    pub(crate) write_units_by_kind: BTreeMap<String, u64>,
    /// Halves of read request units of DynamoDB.
    pub(crate) read_half_units: u64,
    /// Events that Meta got.
    pub(crate) meta_events: u64,
}

/// How long each service takes to answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latencies {
    pub(crate) sqs: Duration,
    pub(crate) dynamodb: Duration,
    pub(crate) secrets: Duration,
    pub(crate) meta: Duration,
}

#[derive(Default)]
struct Inner {
    latencies: Latencies,
    counts: Counts,
    tables: Tables,
    secrets: BTreeMap<String, String>,
    queue: Vec<String>,
}

/// The server.
#[derive(Clone)]
pub(crate) struct Stub {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

impl Stub {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the stub")?;
        let stub = Self { address: listener.local_addr()?, inner: Arc::default() };
        let router =
            Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(stub)
    }

    /// Puts an item where it can be read.
    pub(crate) fn put_item(&self, table: &str, item: Value) -> anyhow::Result<()> {
        self.inner().tables.put(table, item).map(|_| ()).context("an item needs pk and sk")
    }

    /// Puts a secret where it can be read.
    pub(crate) fn put_secret(&self, id: &str, text: String) {
        self.inner().secrets.insert(id.to_owned(), text);
    }

    /// From now on services take this long.
    pub(crate) fn set_latencies(&self, latencies: Latencies) {
        self.inner().latencies = latencies;
    }

    /// What was done so far.
    pub(crate) fn counts(&self) -> Counts {
        self.inner().counts.clone()
    }

    /// Bytes that storage bills for what a table holds.
    pub(crate) fn stored_bytes(&self, table: &str) -> u64 {
        self.inner().tables.stored_bytes(table)
    }

    /// Takes what is on the queue.
    pub(crate) fn take_messages(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().queue)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    message_body: String,
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MessageBatch {
    entries: Vec<Message>,
}

async fn answer(State(stub): State<Stub>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or("Meta.Events");
    let (service, operation) = target.split_once('.').unwrap_or((target, ""));
    let (latency, answer) = {
        let mut inner = stub.inner();
        *inner.counts.calls.entry(operation.to_owned()).or_default() += 1;
        let latencies = inner.latencies;
        match service {
            "AmazonSQS" => (latencies.sqs, inner.sqs(operation, &body)),
            "DynamoDB_20120810" => (latencies.dynamodb, inner.dynamodb(operation, &body)),
            "secretsmanager" => (latencies.secrets, inner.secret(&body)),
            _ => (latencies.meta, inner.meta(&body)),
        }
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match answer {
        Some(answer) => ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response(),
        None => (StatusCode::NOT_IMPLEMENTED, format!("the stub has no {target} at {}", uri.path()))
            .into_response(),
    }
}

impl Inner {
    fn sqs(&mut self, operation: &str, body: &[u8]) -> Option<Value> {
        let (messages, answer) = match operation {
            "SendMessage" => {
                let message: Message = serde_json::from_slice(body).ok()?;
                (vec![message], json!({"MessageId": "m", "MD5OfMessageBody": ""}))
            }
            "SendMessageBatch" => {
                let batch: MessageBatch = serde_json::from_slice(body).ok()?;
                let sent =
                    |message: &Message| json!({"Id": message.id, "MessageId": "m", "MD5OfMessageBody": ""});
                let sent: Vec<Value> = batch.entries.iter().map(sent).collect();
                (batch.entries, json!({"Successful": sent, "Failed": []}))
            }
            _ => return None,
        };
        let bytes: usize = messages.iter().map(|message| message.message_body.len()).sum();
        self.counts.sqs_requests += sqs_requests(bytes);
        self.queue.extend(messages.into_iter().map(|message| message.message_body));
        Some(answer)
    }

    fn dynamodb(&mut self, operation: &str, body: &[u8]) -> Option<Value> {
        let request: Value = serde_json::from_slice(body).ok()?;
        self.tables.answer(operation, &request, &mut self.counts)
    }

    fn secret(&mut self, body: &[u8]) -> Option<Value> {
        let request: Value = serde_json::from_slice(body).ok()?;
        let id = request.get("SecretId")?.as_str()?;
        Some(json!({"ARN": id, "Name": id, "SecretString": self.secrets.get(id)?}))
    }

    fn meta(&mut self, body: &[u8]) -> Option<Value> {
        #[derive(Deserialize)]
        struct Events {
            data: Vec<IgnoredAny>,
        }
        let events = serde_json::from_slice::<Events>(body).ok()?.data.len();
        self.counts.meta_events += events as u64;
        Some(json!({"events_received": events, "messages": [], "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv1"}))
    }
}

/// Requests that SQS bills for a call with this many bytes of messages.
pub(crate) fn sqs_requests(bytes: usize) -> u64 {
    bytes.max(1).div_ceil(SQS_CHUNK_BYTES) as u64
}
