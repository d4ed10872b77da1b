//! The stored account of what became of an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::Scope;
use crate::ids::{EventId, EventName, MessageId, PixelId, SourceId, TenantId};
use crate::message::Held;
use crate::time::UnixMillis;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Meta took it.
    Sent,
    /// Meta refused it for good.
    Rejected,
    /// It grew older than Meta accepts before it could be sent.
    Expired,
    /// It was not to be sent: its pixel is disabled or gone, or its person did not consent.
    Skipped,
    /// It waits: for Meta, for a rate limit, or for a person.
    Waiting,
    /// It was dropped because its person was erased.
    Erased,
}

impl Status {
    /// Every status, in the order of this type.
    pub const ALL: [Self; 6] =
        [Self::Sent, Self::Rejected, Self::Expired, Self::Skipped, Self::Waiting, Self::Erased];

    /// The word in stores, JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
            Self::Erased => "erased",
        }
    }

    /// Reads [`Self::as_str`] back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Whether an event came with a key that can be trusted. Events of public keys have receipts of their own: a
/// guessed event id posted from a browser must not keep the server's event from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// From a server.
    Server,
    /// From a browser.
    Public,
}

impl From<Scope> for Trust {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Public => Self::Public,
            Scope::Ingest | Scope::People | Scope::Admin => Self::Server,
        }
    }
}

/// Names a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReceiptKey {
    /// Whose event.
    pub tenant: TenantId,
    /// Its id.
    pub event_id: EventId,
    /// Where it went.
    pub pixel_id: PixelId,
    /// Its name.
    pub event_name: EventName,
    /// Who posted it.
    pub trust: Trust,
}

/// What became of an event this time: one write to its receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which receipt.
    pub key: ReceiptKey,
    /// The source that posted it.
    pub source: SourceId,
    /// The new status. `Sent` is never replaced by another.
    pub status: Status,
    /// A stable reason, e.g. `meta_unavailable`, `too_old`, `pixel_disabled`, `meta_100_2804050`.
    pub reason: Option<String>,
    /// Meta's error code.
    pub code: Option<i64>,
    /// Meta's error subcode.
    pub subcode: Option<i64>,
    /// Meta's trace of the call that decided.
    pub fbtrace_id: Option<String>,
    /// Which attempt of its message decided, from 0.
    pub attempts: u32,
    /// When the event happened, unix seconds.
    pub event_time: i64,
    /// When ingest queued it.
    pub queued_at: UnixMillis,
    /// When this outcome came to be.
    pub at: UnixMillis,
    /// When it is tried next, for `Waiting`.
    pub next_try_at: Option<UnixMillis>,
    /// The message it came with: the same message again is a redelivery, another one a repeat.
    pub message: MessageId,
    /// How many copies of the event this outcome stands for; ≥ 1.
    pub copies: u32,
    /// Names of the user_data keys present, never values.
    pub user_data_keys: Vec<Box<str>>,
    /// How it was held before it was queued.
    pub held: Option<Held>,
}

/// A receipt as it is read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Its id.
    pub event_id: EventId,
    /// Its name.
    pub event_name: EventName,
    /// Where it went.
    pub pixel_id: PixelId,
    /// Who posted it.
    pub trust: Trust,
    /// The source that posted it.
    pub source_id: SourceId,
    /// What became of it.
    pub status: Status,
    /// A stable reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Meta's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Meta's error subcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
    /// Meta's trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbtrace_id: Option<String>,
    /// How often it had been sent anew when this was decided.
    pub attempts: u32,
    /// Copies of it that came after the first.
    pub repeats: u32,
    /// When the event happened, unix seconds.
    pub event_time: i64,
    /// When ingest queued it first.
    pub queued_at: UnixMillis,
    /// When its status was last written.
    pub updated_at: UnixMillis,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_at: Option<UnixMillis>,
    /// Names of the user_data keys present.
    pub user_data_keys: Vec<Box<str>>,
    /// How it was held before it was queued: compared with `user_data_keys`, `keys_before` tells what the hold added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The message that brought it, for telling redeliveries from repeats. Not shown.
    #[serde(skip)]
    pub message: Option<MessageId>,
}

/// One line of the day's index: a dispatched batch of one source, pixel and status, with its rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchIndexEntry {
    /// Whose events.
    pub tenant: TenantId,
    /// Which source.
    pub source: SourceId,
    /// What became of them.
    pub status: Status,
    /// When.
    pub at: UnixMillis,
    /// Tells batches of one millisecond apart; ≤ 32 characters.
    pub batch: String,
    /// Where they went.
    pub pixel_id: PixelId,
    /// Who posted them.
    pub trust: Trust,
    /// Their ids by name.
    pub events: Vec<(EventName, Vec<EventId>)>,
    /// How many they are, copies not counted.
    pub count: u64,
    /// How many of them have each user_data key, by its name.
    pub keys: BTreeMap<Box<str>, u64>,
}

/// How long receipts, index lines and waiting rooms are kept: 90 days.
pub const RECEIPT_TTL_DAYS: i64 = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        assert_eq!(Status::parse("queued"), None);
    }

    #[test]
    fn only_public_keys_are_not_trusted() {
        assert_eq!(Trust::from(Scope::Public), Trust::Public);
        for scope in [Scope::Ingest, Scope::People, Scope::Admin] {
            assert_eq!(Trust::from(scope), Trust::Server);
        }
    }
}
