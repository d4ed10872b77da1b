//! The rules of tenants, remembered for at most a minute.

use std::sync::Arc;

use adrelay_core::cache::{CONFIG_TTL_MS, TtlCache};
use adrelay_core::ids::TenantId;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::rules::RuleDirectory;
use adrelay_core::rules::RuleSet;
use adrelay_lambda::auth::AuthError;

/// Sets that one process remembers; each is ≤ 64 KiB of JSON.
const CACHED_SETS: usize = 200;

/// Finds rules.
pub(crate) struct RuleBook<D, C> {
    directory: D,
    clock: C,
    sets: TtlCache<TenantId, RuleSet>,
}

impl<D: RuleDirectory, C: Clock> RuleBook<D, C> {
    pub(crate) fn new(directory: D, clock: C) -> Self {
        Self { directory, clock, sets: TtlCache::new(CONFIG_TTL_MS, CACHED_SETS) }
    }

    /// The tenant's rules; an empty set where it has none. Rules that can't be read are no reason to send an event as
    /// if there were none: it would reach Meta under another name, and for good.
    pub(crate) async fn of(&self, tenant: &TenantId) -> Result<Arc<RuleSet>, AuthError> {
        if let Some(known) = self.sets.get(tenant, self.clock.now()) {
            return Ok(known);
        }
        match self.directory.rules(tenant).await {
            Ok(found) => Ok(self.sets.put(tenant.clone(), found.unwrap_or_default(), self.clock.now())),
            Err(error) => {
                tracing::error!(%error, %tenant, "the rules can't be read");
                Err(AuthError::Unavailable)
            }
        }
    }
}
