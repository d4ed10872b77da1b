//! The queue between what must answer now and what must reach Meta.

use std::future::Future;

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body, ≤ [`crate::message::MAX_MESSAGE_BYTES`].
    pub body: String,
    /// Fair queues share by it: the pixel id.
    pub group: String,
    /// Seconds before it can be received, 0 to 900.
    pub delay_s: u16,
}

/// The queue did not take a message, after the adapter's own tries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("queue refused the message: {0}")]
pub struct QueueError(pub String);

/// Sends messages.
pub trait EventQueue: Send + Sync {
    /// Sends `messages`; the results come in their order. Every message is tried 3 times.
    fn send(&self, messages: Vec<Outgoing>) -> impl Future<Output = Vec<Result<(), QueueError>>> + Send;
}
