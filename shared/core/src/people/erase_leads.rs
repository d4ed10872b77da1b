//! The leads of whoever is erased, as the eraser sees them.

use std::future::Future;

use crate::ids::{LeadId, PersonId, TenantId};
use crate::ports::StoreError;
use crate::ports::leads::{LeadEraser, LeadStore};
use crate::time::UnixMillis;

/// What erasing a person needs of leads.
pub trait PersonLeads: Send + Sync {
    /// Leads of a person that are not erased yet, ≤ `limit`.
    fn leads_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<LeadId>, StoreError>> + Send;

    /// Takes everything personal from a lead; the same again is no error.
    fn erase_lead(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<T: LeadStore + LeadEraser> PersonLeads for T {
    fn leads_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<LeadId>, StoreError>> + Send {
        LeadStore::leads_of(self, tenant, person, limit)
    }

    fn erase_lead(
        &self,
        tenant: &TenantId,
        id: &LeadId,
        at: UnixMillis,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        LeadEraser::erase_lead(self, tenant, id, at)
    }
}

/// Where no leads are kept.
#[derive(Debug, Clone, Copy)]
pub struct NoLeads;

impl PersonLeads for NoLeads {
    async fn leads_of(&self, _: &TenantId, _: &PersonId, _: usize) -> Result<Vec<LeadId>, StoreError> {
        Ok(Vec::new())
    }

    async fn erase_lead(&self, _: &TenantId, _: &LeadId, _: UnixMillis) -> Result<(), StoreError> {
        Ok(())
    }
}
