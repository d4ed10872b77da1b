//! Where rules are kept: one current set a tenant, and every set that was.

use std::future::Future;

use super::StoreError;
use crate::ids::TenantId;
use crate::rules::{Rule, RuleSet};
use crate::time::UnixMillis;

/// Finds the current rules: what capi-ingest and track-conversion may read.
pub trait RuleDirectory: Send + Sync {
    /// The tenant's current rules; absent where there never were any.
    fn rules(&self, tenant: &TenantId) -> impl Future<Output = Result<Option<RuleSet>, StoreError>> + Send;
}

/// A set of rules, with who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleVersion {
    /// The set.
    pub set: RuleSet,
    /// When it became the current one.
    pub changed_at: UnixMillis,
    /// Who made it so: a key's id, or `root`.
    pub changed_by: String,
}

/// Manages rules: what admin-api may do.
pub trait RuleAdmin: Send + Sync {
    /// The tenant's current rules, read consistently; absent where there never were any.
    fn current(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Option<RuleVersion>, StoreError>> + Send;

    /// A set that is or was current.
    fn version(
        &self,
        tenant: &TenantId,
        version: u64,
    ) -> impl Future<Output = Result<Option<RuleVersion>, StoreError>> + Send;

    /// Makes `rules` the current set where the current one is `replaced` (0: there is none), and keeps it under its
    /// version, `replaced + 1`, both or nothing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another one is current.
    fn replace(
        &self,
        tenant: &TenantId,
        replaced: u64,
        rules: Vec<Rule>,
        by: &str,
        at: UnixMillis,
    ) -> impl Future<Output = Result<RuleVersion, StoreError>> + Send;
}
