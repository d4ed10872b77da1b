//! Receipts, index lines, waiting rooms and ledgers in memory.

use std::collections::{BTreeMap, HashMap};

use adrelay_core::dispatch::governor::Ledger;
use adrelay_core::ids::{MessageId, PixelId, TenantId};
use adrelay_core::message::EventMessage;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ErasureList, ErasureWriter, Tombstone};
use adrelay_core::ports::governor::{GovernorStore, RateGate, Versioned};
use adrelay_core::ports::receipts::{Known, ReceiptWriter};
use adrelay_core::ports::waiting::{Parked, WaitingRoom};
use adrelay_core::receipt::{BatchIndexEntry, Outcome, ReceiptKey, Status};
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{ANY, Faults};

/// A receipt with what a test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its latest decisive outcome.
    pub outcome: Outcome,
    /// Copies counted, the first included.
    pub copies: u32,
}

#[derive(Debug, Default)]
struct State {
    receipts: BTreeMap<ReceiptKey, StoredReceipt>,
    index: Vec<BatchIndexEntry>,
    rooms: BTreeMap<(TenantId, PixelId, String), EventMessage>,
    ledgers: HashMap<(TenantId, PixelId), Versioned>,
    passages: HashMap<String, UnixMillis>,
    graves: Vec<(TenantId, Tombstone)>,
    writes: u64,
}

/// The events table. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryEvents(Shared<State>);

impl MemoryEvents {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Every receipt.
    #[must_use]
    pub fn receipts(&self) -> BTreeMap<ReceiptKey, StoredReceipt> {
        self.0.with(|state| state.receipts.clone())
    }

    /// How many receipts have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.0.with(|state| state.receipts.values().filter(|r| r.outcome.status == status).count())
    }

    /// The lines of the day's index.
    #[must_use]
    pub fn index_lines(&self) -> Vec<BatchIndexEntry> {
        self.0.with(|state| state.index.clone())
    }

    /// Events in all waiting rooms.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.with(|state| state.rooms.values().map(|message| message.events.len()).sum())
    }

    /// Writes so far, of any kind.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.0.with(|state| state.writes)
    }

    /// Messages in all waiting rooms.
    #[must_use]
    pub fn parked(&self) -> Vec<EventMessage> {
        self.0.with(|state| state.rooms.values().cloned().collect())
    }

    /// The ledger of a pixel.
    #[must_use]
    pub fn ledger(&self, tenant: &TenantId, pixel: &PixelId) -> Versioned {
        self.0.with(|state| state.ledgers.get(&(tenant.clone(), pixel.clone())).cloned().unwrap_or_default())
    }

    /// Makes everything fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.0.faults.set_down(ANY, down);
    }
}

impl ReceiptWriter for MemoryEvents {
    async fn known(&self, keys: &[ReceiptKey]) -> Result<HashMap<ReceiptKey, Known>, StoreError> {
        let known = |stored: &StoredReceipt| Known {
            status: stored.outcome.status,
            message: Some(stored.outcome.message.clone()),
        };
        self.0
            .call("known", |state| {
                let find =
                    |key: &ReceiptKey| state.receipts.get(key).map(|stored| (key.clone(), known(stored)));
                Ok(keys.iter().filter_map(find).collect())
            })
            .await
    }

    async fn record(&self, outcomes: &[Outcome]) -> Vec<Result<(), StoreError>> {
        let write = |outcome: &Outcome| {
            self.0.with(|state| record(state, outcome));
            Ok(())
        };
        self.0.faults.each("record", outcomes, write).await
    }

    async fn index(&self, entries: &[BatchIndexEntry]) -> Result<(), StoreError> {
        self.0
            .call("index", |state| {
                state.writes += entries.len() as u64;
                state.index.extend_from_slice(entries);
                Ok(())
            })
            .await
    }
}

fn record(state: &mut State, outcome: &Outcome) {
    state.writes += 1;
    let fresh = StoredReceipt { outcome: outcome.clone(), copies: 0 };
    let stored = state.receipts.entry(outcome.key.clone()).or_insert(fresh);
    let same_message = stored.copies > 0 && stored.outcome.message == outcome.message;
    stored.copies += if same_message { outcome.copies - 1 } else { outcome.copies };
    if stored.outcome.status != Status::Sent {
        stored.outcome = outcome.clone();
    }
}

impl WaitingRoom for MemoryEvents {
    async fn park(&self, message: &EventMessage) -> Result<(), StoreError> {
        let ids: Vec<&str> = message.events.iter().map(|event| event.head().event_id.as_str()).collect();
        let key = format!("{:015}#{}#{}", message.first_enqueued_at.0, message.id, ids.join(","));
        self.0
            .call("park", |state| {
                state.writes += 1;
                state.rooms.insert((message.tenant.clone(), message.pixel_id.clone(), key), message.clone());
                Ok(())
            })
            .await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        limit: usize,
    ) -> Result<Vec<Parked>, StoreError> {
        self.0
            .call("page", |state| {
                let of_room = state.rooms.iter().filter(|((t, p, _), _)| t == tenant && p == pixel);
                let parked = of_room
                    .map(|((_, _, key), message)| Parked { key: key.clone(), message: message.clone() });
                Ok(parked.take(limit).collect())
            })
            .await
    }

    async fn remove(&self, tenant: &TenantId, pixel: &PixelId, keys: &[String]) -> Result<(), StoreError> {
        self.0
            .call("remove", |state| {
                for key in keys {
                    state.rooms.remove(&(tenant.clone(), pixel.clone(), key.clone()));
                }
                Ok(())
            })
            .await
    }
}

impl ErasureList for MemoryEvents {
    async fn tombstones(&self, tenant: &TenantId) -> Result<Vec<Tombstone>, StoreError> {
        self.0
            .call("tombstones", |state| {
                let graves = state.graves.iter().filter(|(of, _)| of == tenant);
                Ok(graves.map(|(_, tombstone)| *tombstone).collect())
            })
            .await
    }
}

impl ErasureWriter for MemoryEvents {
    async fn bury(&self, tenant: &TenantId, hashes: &[Sha256Hex], at: UnixMillis) -> Result<(), StoreError> {
        let graves = hashes.iter().map(|&sha256| (tenant.clone(), Tombstone { sha256, erased_at: at }));
        self.0
            .call("bury", |state| {
                state.graves.extend(graves);
                Ok(())
            })
            .await
    }
}

impl GovernorStore for MemoryEvents {
    async fn load(&self, tenant: &TenantId, pixel: &PixelId) -> Result<Versioned, StoreError> {
        self.0.faults.call("load", || Ok(self.ledger(tenant, pixel))).await
    }

    async fn save(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        expected: u64,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        self.0
            .call("save", |state| {
                let stored = state.ledgers.entry((tenant.clone(), pixel.clone())).or_default();
                if stored.version != expected {
                    return Err(StoreError::Conflict);
                }
                *stored = Versioned { version: expected + 1, ledger: ledger.clone() };
                state.writes += 1;
                Ok(())
            })
            .await
    }
}

impl RateGate for MemoryEvents {
    async fn pass(
        &self,
        tenant: &TenantId,
        key: &adrelay_core::ids::KeyId,
        now: UnixMillis,
        interval_ms: i64,
    ) -> Result<bool, StoreError> {
        self.0
            .call("pass", |state| {
                let name = format!("{tenant}/{key}");
                let free = state.passages.get(&name).is_none_or(|last| now.ms_since(*last) >= interval_ms);
                if free {
                    state.passages.insert(name, now);
                }
                Ok(free)
            })
            .await
    }
}

/// Makes a message id for tests.
///
/// # Panics
/// Where `text` is no slug.
#[must_use]
#[expect(clippy::expect_used, reason = "for tests")]
pub fn message_id(text: &str) -> MessageId {
    MessageId::parse(text).expect("a slug")
}
