//! Who was erased: tombstones by which dispatch knows events of theirs that were queued before.

use std::future::Future;

use super::StoreError;
use crate::ids::TenantId;
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
