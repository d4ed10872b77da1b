//! Where receipts live.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;

use super::StoreError;
use crate::ids::{EventId, MessageId, SourceId, TenantId};
use crate::receipt::{BatchIndexEntry, Outcome, Receipt, ReceiptKey, Status};

/// What dispatch must know of an event before it sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its status now.
    pub status: Status,
    /// The message that brought it.
    pub message: Option<MessageId>,
}

/// Writes receipts: what capi-dispatch may do.
pub trait ReceiptWriter: Send + Sync {
    /// What is known of these events; absent where nothing is. Any number of keys.
    fn known(
        &self,
        keys: &[ReceiptKey],
    ) -> impl Future<Output = Result<HashMap<ReceiptKey, Known>, StoreError>> + Send;

    /// Writes outcomes, one write each; the results come in their order. `sent` is never replaced by another
    /// status; then, and for an outcome of an event that is known as sent by another message, the copies are
    /// counted as repeats.
    fn record(&self, outcomes: &[Outcome]) -> impl Future<Output = Vec<Result<(), StoreError>>> + Send;

    /// Writes lines of the day's index; before the receipts, so that no receipt is without one.
    fn index(&self, entries: &[BatchIndexEntry]) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds.
    pub items: Vec<T>,
    /// Where the next one starts; absent on the last.
    pub next_cursor: Option<String>,
}

/// Which receipts of a source and day to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayQuery {
    /// Whose.
    pub tenant: TenantId,
    /// Which source.
    pub source: SourceId,
    /// UTC day of the outcome, `2026-11-21`.
    pub day: String,
    /// Only this status.
    pub status: Option<Status>,
    /// 1 to 100.
    pub limit: usize,
    /// From the page before.
    pub cursor: Option<String>,
}

/// Events of a source and day, counted from the day's index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayCounts {
    /// Count per event name and status; an event that waited first is counted under each status it had.
    pub by_name: HashMap<String, HashMap<Status, u64>>,
    /// Whether the day had more lines than one call reads.
    pub truncated: bool,
}

/// A day of a source, added up from the rollups of its index lines. An event counts once for each pixel it goes to;
/// copies don't count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DaySummary {
    /// Events per status; an event that waited first is counted under each status it had.
    pub by_status: HashMap<Status, u64>,
    /// Lines that say that events wait.
    pub waiting_lines: u64,
    /// Of those sent, how many had each user_data key.
    pub sent_keys: BTreeMap<String, u64>,
    /// Pages read, ≤ 1 MB each.
    pub pages: usize,
    /// Whether the day had more lines than were read, or lines without a rollup.
    pub truncated: bool,
}

/// Reads receipts: what admin-api may do.
pub trait ReceiptReader: Send + Sync {
    /// All receipts of an event id, ≤ 100.
    fn by_event_id(
        &self,
        tenant: &TenantId,
        event_id: &EventId,
    ) -> impl Future<Output = Result<Vec<Receipt>, StoreError>> + Send;

    /// Receipts of a source and day, newest first within a status; only those that still have the status asked for.
    fn by_day(&self, query: &DayQuery) -> impl Future<Output = Result<Page<Receipt>, StoreError>> + Send;

    /// Counts of a source and day.
    fn day_counts(
        &self,
        tenant: &TenantId,
        source: &SourceId,
        day: &str,
    ) -> impl Future<Output = Result<DayCounts, StoreError>> + Send;

    /// Adds up a source's day, reading ≤ `pages_max` pages.
    fn day_summary(
        &self,
        tenant: &TenantId,
        source: &SourceId,
        day: &str,
        pages_max: usize,
    ) -> impl Future<Output = Result<DaySummary, StoreError>> + Send;
}
