//! Where the governor's state is shared between invocations.

use std::future::Future;

use super::StoreError;
use crate::dispatch::governor::Ledger;
use crate::ids::{KeyId, PixelId, TenantId};
use crate::time::UnixMillis;

/// A ledger with the version that a save must still find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versioned {
    /// 0 where nothing is stored yet.
    pub version: u64,
    /// The ledger.
    pub ledger: Ledger,
}

/// The governor's ledgers, one per pixel.
pub trait GovernorStore: Send + Sync {
    /// The pixel's ledger, read consistently; an empty one of version 0 where none is stored.
    fn load(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
    ) -> impl Future<Output = Result<Versioned, StoreError>> + Send;

    /// Stores `ledger` as version `expected + 1`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the stored version is not `expected`.
    fn save(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        expected: u64,
        ledger: &Ledger,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Lets a key through at most once an interval, over all invocations.
pub trait RateGate: Send + Sync {
    /// Whether the key's last passage is `interval_ms` or longer ago; records this one if so.
    fn pass(
        &self,
        tenant: &TenantId,
        key: &KeyId,
        now: UnixMillis,
        interval_ms: i64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
