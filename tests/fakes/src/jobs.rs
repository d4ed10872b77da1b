//! Jobs, deliveries and files in memory.

use std::collections::BTreeMap;

use adrelay_core::ids::{JobId, TenantId};
use adrelay_core::jobs::{Delivery, DeliveryState, Job};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::jobs::{DeliveryStore, JobStore};
use adrelay_core::ports::receipts::Page;

use crate::shared::Shared;
use crate::{ANY, Faults};

#[derive(Debug, Default)]
struct State {
    jobs: BTreeMap<(TenantId, JobId), Job>,
    deliveries: BTreeMap<(TenantId, String), Delivery>,
}

/// The jobs table. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryJobs(Shared<State>);

impl MemoryJobs {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// One call fails, after `calls_before` others: before it does anything, or having done it all the same.
    pub fn stumble(&self, calls_before: u64, done_all_the_same: bool) {
        self.0.stumble(calls_before, done_all_the_same);
    }

    /// Whether every call fails from now on.
    pub fn set_down(&self, down: bool) {
        self.0.faults.set_down(ANY, down);
    }

    /// Every job, by tenant and id.
    #[must_use]
    pub fn all(&self) -> Vec<Job> {
        self.0.with(|state| state.jobs.values().cloned().collect())
    }

    /// Every delivery, by tenant and id.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.0.with(|state| state.deliveries.values().cloned().collect())
    }
}

impl JobStore for MemoryJobs {
    async fn job(&self, tenant: &TenantId, id: &JobId) -> Result<Option<Job>, StoreError> {
        self.0.call("job", |state| Ok(state.jobs.get(&(tenant.clone(), id.clone())).cloned())).await
    }

    async fn save_job(&self, job: &Job) -> Result<(), StoreError> {
        self.0
            .call("save_job", |state| {
                let key = (job.tenant.clone(), job.id.clone());
                if state.jobs.get(&key).map_or(0, |stored| stored.rev) != job.rev {
                    return Err(StoreError::Conflict);
                }
                state.jobs.insert(key, Job { rev: job.rev + 1, ..job.clone() });
                Ok(())
            })
            .await
    }
}

impl DeliveryStore for MemoryJobs {
    async fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.0
            .call("put_delivery", |state| {
                let key = (delivery.tenant.clone(), delivery.id.clone());
                state.deliveries.insert(key, delivery.clone());
                Ok(())
            })
            .await
    }

    async fn delivery(&self, tenant: &TenantId, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.0
            .call("delivery", |state| Ok(state.deliveries.get(&(tenant.clone(), id.to_owned())).cloned()))
            .await
    }

    async fn open_deliveries(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>, StoreError> {
        self.0
            .call("open_deliveries", |state| {
                let open = |delivery: &&Delivery| {
                    delivery.tenant == *tenant
                        && delivery.state != DeliveryState::Delivered
                        && cursor.is_none_or(|cursor| delivery.id.as_str() > cursor)
                };
                let mut rest = state.deliveries.values().filter(open);
                let items: Vec<Delivery> = rest.by_ref().take(limit.clamp(1, 100)).cloned().collect();
                let next_cursor = rest.next().and_then(|_| items.last().map(|last| last.id.clone()));
                Ok(Page { items, next_cursor })
            })
            .await
    }
}
