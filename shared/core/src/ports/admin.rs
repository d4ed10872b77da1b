//! Managing configuration: what admin-api may do.

use std::future::Future;

use super::StoreError;
use super::receipts::Page;
use super::rules::RuleAdmin;
use crate::config::{ApiKey, Connection, Page as FacebookPage, Pixel, Source, Tenant, Webhook};
use crate::ids::{ConnectionId, KeyId, PageId, PixelId, SourceId, TenantId};

/// The most records that one page of a list holds.
pub const MAX_PAGE: usize = 100;

/// Something that people configure: it belongs to a tenant and has an id there.
pub trait Record: Clone + Send + Sync {
    /// The type of its id.
    type Id: Send + Sync;

    /// Whose it is.
    fn tenant(&self) -> &TenantId;

    /// Its id.
    fn id(&self) -> &Self::Id;

    /// The text of an id.
    fn id_text(id: &Self::Id) -> &str;
}

macro_rules! record {
    ($record:ty, $id:ty, $tenant:ident) => {
        impl Record for $record {
            type Id = $id;

            fn tenant(&self) -> &TenantId {
                &self.$tenant
            }

            fn id(&self) -> &$id {
                &self.id
            }

            fn id_text(id: &$id) -> &str {
                id.as_str()
            }
        }
    };
}

record!(Tenant, TenantId, id);
record!(Connection, ConnectionId, tenant_id);
record!(Pixel, PixelId, tenant_id);
record!(Source, SourceId, tenant_id);
record!(ApiKey, KeyId, tenant_id);
record!(FacebookPage, PageId, tenant_id);

/// A record as it was read, with the revision that an update must still find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revised<T> {
    /// The record.
    pub value: T,
    /// Counts the changes that people made; health, which dispatch writes, is not among them.
    pub revision: u64,
}

/// Whether an update writes the record's health. Dispatch writes it too, at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthWrite {
    /// What is stored stays, whatever the record says.
    Keep,
    /// The record's health replaces what is stored.
    Replace,
}

/// Why a record could not be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The tenant has a record of this id already.
    #[error("exists already")]
    Exists,
    /// What may exist only once in the whole deployment belongs to another tenant: a pixel, a page.
    #[error("belongs to another tenant")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records of one kind.
pub trait Records<T: Record>: Send + Sync {
    /// Stores a new record, with its look-up item where it has one, or nothing at all.
    fn create(&self, record: &T) -> impl Future<Output = Result<(), CreateError>> + Send;

    /// A record of the tenant, read consistently.
    fn get(
        &self,
        tenant: &TenantId,
        id: &T::Id,
    ) -> impl Future<Output = Result<Option<Revised<T>>, StoreError>> + Send;

    /// Records of the tenant in the order of their ids, from the first one after `after`; ≤ `limit` and
    /// ≤ [`MAX_PAGE`]. The page's `next_cursor` is the id of its last record.
    fn list(
        &self,
        tenant: &TenantId,
        after: Option<&T::Id>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<T>, StoreError>> + Send;

    /// Replaces a record.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is gone, or was changed since it was read.
    fn update(
        &self,
        record: &Revised<T>,
        health: HealthWrite,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes a record and its look-up item.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it is gone already.
    fn delete(&self, record: &T) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A tenant's webhook: one, so that it needs no list.
pub trait WebhookAdmin: Send + Sync {
    /// The tenant's webhook, read consistently.
    fn webhook(&self, tenant: &TenantId) -> impl Future<Output = Result<Option<Webhook>, StoreError>> + Send;

    /// Stores it in place of the one there was.
    fn put_webhook(&self, webhook: &Webhook) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes it; that there was none is no error.
    fn delete_webhook(&self, tenant: &TenantId) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// All of configuration.
pub trait ConfigAdmin:
    Records<Tenant>
    + Records<Connection>
    + Records<Pixel>
    + Records<Source>
    + Records<ApiKey>
    + Records<FacebookPage>
    + RuleAdmin
    + WebhookAdmin
{
    /// Tenants in the order of their ids, as [`Records::list`] pages.
    fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Tenant>, StoreError>> + Send;
}
