//! The queue, in as few calls as SQS's limits allow.

use std::time::Duration;

use adrelay_core::message::MAX_MESSAGE_BYTES;
use adrelay_core::ports::queue::{EventQueue, Outgoing, QueueError};
use adrelay_core::retry::Backoff;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures_util::stream::{self, StreamExt as _};

use crate::jitter::random;

/// The most messages that one call takes (AWS: SendMessageBatch).
const MESSAGES_PER_CALL: usize = 10;

/// Tries of a message that a batch refused, the first included.
const TRIES: u32 = 3;

const TRY_PAUSES: Backoff = Backoff { base_ms: 100, max_ms: 400 };

/// Calls under way at the same time.
const CONCURRENT_CALLS: usize = 4;

/// A queue of SQS.
#[derive(Debug, Clone)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue at `url`.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    async fn send_one(&self, message: &Outgoing) -> Result<(), QueueError> {
        let send = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(&message.body)
            .message_group_id(&message.group);
        // The SDK itself tries three times.
        let send = if message.delay_s > 0 { send.delay_seconds(i32::from(message.delay_s)) } else { send };
        send.send().await.map(|_| ()).map_err(|error| refused(error.code()))
    }

    /// Sends one call's worth; results in order.
    async fn send_call(&self, messages: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        if let [message] = messages {
            return vec![self.send_one(message).await];
        }
        let mut results = vec![Err(refused(None)); messages.len()];
        for attempt in 0..TRIES {
            let open: Vec<usize> = (0..messages.len()).filter(|at| results[*at].is_err()).collect();
            if open.is_empty() {
                break;
            }
            if attempt > 0 {
                let pause_ms = TRY_PAUSES.full_jitter_ms(attempt - 1, random());
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            let entries: Result<Vec<_>, _> = open.iter().map(|at| entry(*at, &messages[*at])).collect();
            let Ok(entries) = entries else { break };
            let call = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
            match call.send().await {
                Ok(answer) => {
                    for failed in &answer.failed {
                        set(&mut results, &failed.id, Err(refused(Some(&failed.code))));
                    }
                    for sent in &answer.successful {
                        set(&mut results, &sent.id, Ok(()));
                    }
                    // What SQS says is our own fault it will not take at another try.
                    if answer.failed.iter().all(|failed| failed.sender_fault) {
                        break;
                    }
                }
                Err(error) => {
                    let why = refused(error.code());
                    for at in open {
                        results[at] = Err(why.clone());
                    }
                    // The SDK has tried three times already.
                    break;
                }
            }
        }
        results
    }
}

fn set(results: &mut [Result<(), QueueError>], id: &str, to: Result<(), QueueError>) {
    if let Some(result) = id.parse().ok().and_then(|at: usize| results.get_mut(at)) {
        *result = to;
    }
}

fn refused(code: Option<&str>) -> QueueError {
    QueueError(code.unwrap_or("no answer").to_owned())
}

fn entry(
    at: usize,
    message: &Outgoing,
) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&message.body)
        .message_group_id(&message.group)
        .set_delay_seconds((message.delay_s > 0).then_some(i32::from(message.delay_s)))
        .build()
}

/// Cuts messages into calls within SQS's limits.
fn calls(messages: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut calls = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, message) in messages.iter().enumerate() {
        if at > start && (at - start == MESSAGES_PER_CALL || bytes + message.body.len() > MAX_MESSAGE_BYTES) {
            calls.push(&messages[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += message.body.len();
    }
    if start < messages.len() {
        calls.push(&messages[start..]);
    }
    calls
}

impl EventQueue for SqsQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Vec<Result<(), QueueError>> {
        let calls: Vec<_> = calls(&messages).into_iter().map(|call| self.send_call(call)).collect();
        let results: Vec<_> = stream::iter(calls).buffered(CONCURRENT_CALLS).collect().await;
        results.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Outgoing {
        Outgoing { body: "x".repeat(bytes), group: "1".to_owned(), delay_s: 0 }
    }

    #[test]
    fn calls_keep_to_ten_messages_and_256_kb() {
        let small: Vec<Outgoing> = (0..23).map(|_| message(10)).collect();
        let sizes: Vec<usize> = calls(&small).iter().map(|call| call.len()).collect();
        assert_eq!(sizes, [10, 10, 3]);
        let large = [message(200_000), message(62_144), message(1), message(262_144)];
        let sizes: Vec<usize> = calls(&large).iter().map(|call| call.len()).collect();
        assert_eq!(sizes, [2, 1, 1]);
        assert!(calls(&[]).is_empty());
    }
}
