//! Receipts, index lines, waiting rooms and ledgers in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

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
    grave_reads: u64,
    writes: u64,
    down: bool,
    graves_down: bool,
    record_failures: u32,
}

/// The events table. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryEvents(Arc<Mutex<State>>);

impl MemoryEvents {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn up(&self) -> Result<(), StoreError> {
        self.with(|state| if state.down { Err(StoreError::Unavailable("down".into())) } else { Ok(()) })
    }

    /// Every receipt.
    #[must_use]
    pub fn receipts(&self) -> BTreeMap<ReceiptKey, StoredReceipt> {
        self.with(|state| state.receipts.clone())
    }

    /// How many receipts have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.with(|state| state.receipts.values().filter(|r| r.outcome.status == status).count())
    }

    /// The lines of the day's index.
    #[must_use]
    pub fn index_lines(&self) -> Vec<BatchIndexEntry> {
        self.with(|state| state.index.clone())
    }

    /// Events in all waiting rooms.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.with(|state| state.rooms.values().map(|message| message.events.len()).sum())
    }

    /// Writes so far, of any kind.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.with(|state| state.writes)
    }

    /// Makes everything fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.with(|state| state.down = down);
    }

    /// Makes tombstones unreadable, and nothing else; or readable again.
    pub fn set_graves_down(&self, down: bool) {
        self.with(|state| state.graves_down = down);
    }

    /// How often tombstones were read.
    #[must_use]
    pub fn grave_reads(&self) -> u64 {
        self.with(|state| state.grave_reads)
    }

    /// Makes the next `n` receipt writes fail.
    pub fn fail_records(&self, n: u32) {
        self.with(|state| state.record_failures = n);
    }
}

impl ReceiptWriter for MemoryEvents {
    async fn known(&self, keys: &[ReceiptKey]) -> Result<HashMap<ReceiptKey, Known>, StoreError> {
        self.up()?;
        let known = |stored: &StoredReceipt| Known {
            status: stored.outcome.status,
            message: Some(stored.outcome.message.clone()),
        };
        Ok(self.with(|state| {
            let find = |key: &ReceiptKey| state.receipts.get(key).map(|stored| (key.clone(), known(stored)));
            keys.iter().filter_map(find).collect()
        }))
    }

    async fn record(&self, outcomes: &[Outcome]) -> Vec<Result<(), StoreError>> {
        if let Err(error) = self.up() {
            return vec![Err(error); outcomes.len()];
        }
        self.with(|state| outcomes.iter().map(|outcome| record(state, outcome)).collect())
    }

    async fn index(&self, entries: &[BatchIndexEntry]) -> Result<(), StoreError> {
        self.up()?;
        self.with(|state| {
            state.writes += entries.len() as u64;
            state.index.extend_from_slice(entries);
        });
        Ok(())
    }
}

fn record(state: &mut State, outcome: &Outcome) -> Result<(), StoreError> {
    if state.record_failures > 0 {
        state.record_failures -= 1;
        return Err(StoreError::Unavailable("scripted".into()));
    }
    state.writes += 1;
    let fresh = StoredReceipt { outcome: outcome.clone(), copies: 0 };
    let stored = state.receipts.entry(outcome.key.clone()).or_insert(fresh);
    let same_message = stored.copies > 0 && stored.outcome.message == outcome.message;
    stored.copies += if same_message { outcome.copies - 1 } else { outcome.copies };
    if stored.outcome.status != Status::Sent {
        stored.outcome = outcome.clone();
    }
    Ok(())
}

impl WaitingRoom for MemoryEvents {
    async fn park(&self, message: &EventMessage) -> Result<(), StoreError> {
        self.up()?;
        let ids: Vec<&str> = message.events.iter().map(|event| event.head().event_id.as_str()).collect();
        let key = format!("{:015}#{}#{}", message.first_enqueued_at.0, message.id, ids.join(","));
        self.with(|state| {
            state.writes += 1;
            state.rooms.insert((message.tenant.clone(), message.pixel_id.clone(), key), message.clone());
        });
        Ok(())
    }

    async fn page(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        limit: usize,
    ) -> Result<Vec<Parked>, StoreError> {
        self.up()?;
        Ok(self.with(|state| {
            let of_room = state.rooms.iter().filter(|((t, p, _), _)| t == tenant && p == pixel);
            let parked =
                of_room.map(|((_, _, key), message)| Parked { key: key.clone(), message: message.clone() });
            parked.take(limit).collect()
        }))
    }

    async fn remove(&self, tenant: &TenantId, pixel: &PixelId, keys: &[String]) -> Result<(), StoreError> {
        self.up()?;
        self.with(|state| {
            for key in keys {
                state.rooms.remove(&(tenant.clone(), pixel.clone(), key.clone()));
            }
        });
        Ok(())
    }
}

impl ErasureList for MemoryEvents {
    async fn tombstones(&self, tenant: &TenantId) -> Result<Vec<Tombstone>, StoreError> {
        self.up()?;
        // As a store does, it lets others work meanwhile.
        tokio::task::yield_now().await;
        self.with(|state| {
            state.grave_reads += 1;
            if state.graves_down {
                return Err(StoreError::Unavailable("graves down".into()));
            }
            Ok(state.graves.iter().filter(|(of, _)| of == tenant).map(|(_, tombstone)| *tombstone).collect())
        })
    }
}

impl ErasureWriter for MemoryEvents {
    async fn bury(&self, tenant: &TenantId, hashes: &[Sha256Hex], at: UnixMillis) -> Result<(), StoreError> {
        self.up()?;
        let graves = hashes.iter().map(|&sha256| (tenant.clone(), Tombstone { sha256, erased_at: at }));
        self.with(|state| state.graves.extend(graves));
        Ok(())
    }
}

impl GovernorStore for MemoryEvents {
    async fn load(&self, tenant: &TenantId, pixel: &PixelId) -> Result<Versioned, StoreError> {
        self.up()?;
        Ok(self
            .with(|state| state.ledgers.get(&(tenant.clone(), pixel.clone())).cloned().unwrap_or_default()))
    }

    async fn save(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        expected: u64,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        self.up()?;
        self.with(|state| {
            let stored = state.ledgers.entry((tenant.clone(), pixel.clone())).or_default();
            if stored.version != expected {
                return Err(StoreError::Conflict);
            }
            *stored = Versioned { version: expected + 1, ledger: ledger.clone() };
            state.writes += 1;
            Ok(())
        })
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
        self.up()?;
        Ok(self.with(|state| {
            let name = format!("{tenant}/{key}");
            let free = state.passages.get(&name).is_none_or(|last| now.ms_since(*last) >= interval_ms);
            if free {
                state.passages.insert(name, now);
            }
            free
        }))
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
