//! Every port of the events table, and what a test looks at besides.

use std::collections::HashMap;

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ports::erasure::{ErasureList, ErasureWriter};
use adrelay_core::ports::governor::{GovernorStore, RateGate};
use adrelay_core::ports::receipts::{ReceiptReader as _, ReceiptWriter};
use adrelay_core::ports::waiting::WaitingRoom;
use adrelay_core::receipt::{Outcome, Receipt, ReceiptKey, Status};
use fakes::{MemoryEvents, StoredReceipt};

use crate::support::{NOON, key, source, tenant};

/// Counts of events by name and status.
pub(crate) type Counts = HashMap<String, HashMap<Status, u64>>;

/// What the functions on an event's way may do, and what is there afterwards.
pub(crate) trait Events:
    ReceiptWriter + WaitingRoom + GovernorStore + RateGate + ErasureList + ErasureWriter
{
    /// Receipts of an event id, a server's first.
    async fn receipts_of(&self, event_id: &str) -> Vec<Receipt>;

    /// What the index of noon's day says of the source of these tests.
    async fn counted(&self) -> Counts;
}

impl Events for DynamoEvents {
    async fn receipts_of(&self, event_id: &str) -> Vec<Receipt> {
        let mut receipts = self.by_event_id(&tenant(), &key(event_id).event_id).await.unwrap();
        receipts.sort_by_key(|receipt| (receipt.trust, receipt.event_name.clone()));
        receipts
    }

    async fn counted(&self) -> Counts {
        self.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap().by_name
    }
}

impl Events for MemoryEvents {
    async fn receipts_of(&self, event_id: &str) -> Vec<Receipt> {
        let of = |key: &ReceiptKey| key.tenant == tenant() && key.event_id.as_str() == event_id;
        let receipts = self.receipts().into_iter().filter(|(key, _)| of(key));
        let mut receipts: Vec<Receipt> = receipts.map(|(_, stored)| shown(stored)).collect();
        receipts.sort_by_key(|receipt| (receipt.trust, receipt.event_name.clone()));
        receipts
    }

    async fn counted(&self) -> Counts {
        let mut counts = Counts::new();
        let of_day = |line: &adrelay_core::receipt::BatchIndexEntry| {
            line.tenant == tenant() && line.source == source() && line.at.utc_day() == NOON.utc_day()
        };
        for line in self.index_lines().into_iter().filter(of_day) {
            for (name, ids) in line.events {
                let by_status = counts.entry(name.to_string()).or_default();
                *by_status.entry(line.status).or_default() += ids.len() as u64;
            }
        }
        counts
    }
}

/// A receipt as admin-api would show it.
fn shown(stored: StoredReceipt) -> Receipt {
    let StoredReceipt { outcome, copies, .. } = stored;
    Receipt {
        event_id: outcome.key.event_id,
        event_name: outcome.key.event_name,
        pixel_id: outcome.key.pixel_id,
        trust: outcome.key.trust,
        source_id: outcome.source,
        status: outcome.status,
        reason: outcome.reason,
        code: outcome.code,
        subcode: outcome.subcode,
        fbtrace_id: outcome.fbtrace_id,
        attempts: outcome.attempts,
        repeats: copies - 1,
        event_time: outcome.event_time,
        queued_at: outcome.queued_at,
        updated_at: outcome.at,
        next_try_at: outcome.next_try_at,
        user_data_keys: outcome.user_data_keys,
        held: outcome.held,
        message: Some(outcome.message),
    }
}

/// Writes outcomes, all of which must succeed.
pub(crate) async fn record(store: &impl ReceiptWriter, outcomes: &[Outcome]) {
    let written = store.record(outcomes).await;
    assert_eq!(written, vec![Ok(()); outcomes.len()]);
}

/// The one receipt of an event id.
pub(crate) async fn the_receipt(store: &impl Events, event_id: &str) -> Receipt {
    let mut receipts = store.receipts_of(event_id).await;
    assert_eq!(receipts.len(), 1, "one receipt");
    receipts.remove(0)
}
