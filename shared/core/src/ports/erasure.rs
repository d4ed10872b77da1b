//! Who was erased: tombstones by which dispatch knows events of theirs that were queued before, and receipts.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::ids::{PersonId, TenantId};
use crate::normalize::Sha256Hex;
use crate::time::UnixMillis;

/// How long tombstones are kept, in days: longer than a queue keeps a message (14).
pub const TOMBSTONE_TTL_DAYS: i64 = 15;

/// Hashes that one erasure may bury: a person has at most 16 values each of `em`, `ph` and `external_id` an event, and
/// a person of many events a few times that.
pub const MAX_BURIED_HASHES: usize = 1_000;

/// One value by which an erased person was known to Meta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tombstone {
    /// As it stands in queued events under `em`, `ph` or `external_id`.
    pub sha256: Sha256Hex,
    /// When its person was erased.
    pub erased_at: UnixMillis,
}

/// Reads tombstones: what capi-dispatch may do.
pub trait ErasureList: Send + Sync {
    /// All tombstones of a tenant, complete or not at all.
    fn tombstones(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Vec<Tombstone>, StoreError>> + Send;
}

/// Writes tombstones: what admin-api may do.
pub trait ErasureWriter: Send + Sync {
    /// Buries up to [`MAX_BURIED_HASHES`] hashes. The same again is no error; of two erasures of one hash the later counts.
    /// Done with only where all are written: a caller that is told an error calls again.
    fn bury(
        &self,
        tenant: &TenantId,
        hashes: &[Sha256Hex],
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// How long the record of an erasure is kept, in days: 3 years, after which hardly anybody can still ask for the proof.
pub const ERASURE_RECORD_TTL_DAYS: i64 = 3 * 365;

/// How far an erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Something is left: it goes on with the next call.
    Running,
    /// Nothing is left.
    Done,
}

/// What an erasure removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureCounts {
    /// Documents: the person and all who were merged into it.
    pub parts: u64,
    /// E-mails, phones and external ids that pointed to it.
    pub identifiers: u64,
    /// Hashes by which events that are still queued are known.
    pub tombstones: u64,
    /// Held conversions that were dropped.
    pub holds: u64,
    /// Leads that nothing personal is kept of any more.
    #[serde(default)]
    pub leads: u64,
}

/// The receipt of an erasure. Holds nothing of the person but ids that we made from randomness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRecord {
    /// Whose.
    pub tenant: TenantId,
    /// Who.
    pub person: PersonId,
    /// All parts, the person's own id first; ≤ 100.
    pub parts: Vec<PersonId>,
    /// How far it has come.
    pub state: ErasureState,
    /// Since when nothing is stored for the person any more.
    pub erased_at: UnixMillis,
    /// When nothing was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<UnixMillis>,
    /// The key's name.
    pub by: String,
    /// What was, or is to be, removed.
    pub counts: ErasureCounts,
}

/// What is kept of an erasure under a person's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Its record.
    Record(ErasureRecord),
    /// It was part of this person, whose record says the rest.
    PartOf(PersonId),
}

/// Keeps the receipts of erasures: what admin-api may do.
pub trait ErasureLedger: Send + Sync {
    /// Keeps this under a person's id in place of what is there, for [`ERASURE_RECORD_TTL_DAYS`] from `at` on.
    fn keep(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        kept: &Kept,
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What is kept under a person's id, read consistently.
    fn kept(
        &self,
        tenant: &TenantId,
        person: &PersonId,
    ) -> impl Future<Output = Result<Option<Kept>, StoreError>> + Send;
}
