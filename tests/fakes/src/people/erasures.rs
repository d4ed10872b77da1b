//! Receipts of erasures.

use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ErasureLedger, Kept};
use adrelay_core::time::UnixMillis;

use super::MemoryPeople;

impl ErasureLedger for MemoryPeople {
    async fn keep(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        kept: &Kept,
        _: UnixMillis,
    ) -> Result<(), StoreError> {
        self.0
            .call("keep", |state| {
                state.erasures.insert((tenant.clone(), person.clone()), kept.clone());
                state.writes += 1;
                Ok(())
            })
            .await
    }

    async fn kept(&self, tenant: &TenantId, person: &PersonId) -> Result<Option<Kept>, StoreError> {
        self.0.call("kept", |state| Ok(state.erasures.get(&(tenant.clone(), person.clone())).cloned())).await
    }
}
