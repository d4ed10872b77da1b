//! Reading configuration on the hot path, and writing health.

use std::future::Future;

use super::StoreError;
use crate::config::{ApiKey, Connection, Health, Page, Pixel, Source, Subscription, Webhook};
use crate::ids::{ConnectionId, PageId, PixelId, SourceId, TenantId};

/// Finds keys and sources: what capi-ingest may read.
pub trait KeyDirectory: Send + Sync {
    /// The key whose text has this SHA-256 (lowercase hex), revoked ones too.
    fn key_by_sha256(&self, sha256: &str) -> impl Future<Output = Result<Option<ApiKey>, StoreError>> + Send;

    /// A source of the tenant.
    fn source(
        &self,
        tenant: &TenantId,
        id: &SourceId,
    ) -> impl Future<Output = Result<Option<Source>, StoreError>> + Send;
}

/// Finds where events go and with which token: what capi-dispatch may read, with the health it may write.
pub trait Destinations: Send + Sync {
    /// A pixel of the tenant.
    fn pixel(
        &self,
        tenant: &TenantId,
        id: &PixelId,
    ) -> impl Future<Output = Result<Option<Pixel>, StoreError>> + Send;

    /// A connection of the tenant.
    fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> impl Future<Output = Result<Option<Connection>, StoreError>> + Send;

    /// Sets a pixel's health, where the pixel exists and still uses `connection`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where it does not.
    fn set_pixel_health(
        &self,
        tenant: &TenantId,
        id: &PixelId,
        connection: &ConnectionId,
        health: &Health,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Sets a connection's health, where its token still has `token_version`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where a person has pasted another token meanwhile.
    fn set_connection_health(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        token_version: u32,
        health: &Health,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Finds pages and whose they are: what lead-worker and job-worker may read, with what lead-worker may write.
pub trait PageDirectory: Send + Sync {
    /// The one tenant that has the page.
    fn page_owner(&self, id: &PageId) -> impl Future<Output = Result<Option<TenantId>, StoreError>> + Send;

    /// A page of the tenant.
    fn page(
        &self,
        tenant: &TenantId,
        id: &PageId,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send;

    /// Pages of all tenants, as (tenant, page), in a stable order from the first one after `after`; ≤ `limit`.
    fn pages(
        &self,
        after: Option<&(TenantId, PageId)>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(TenantId, PageId)>, StoreError>> + Send;

    /// Notes whether Meta sends us the page's leads, where the page exists.
    fn set_subscription(
        &self,
        tenant: &TenantId,
        id: &PageId,
        subscription: &Subscription,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Where the tenant wants to be told of new leads.
    fn webhook_of(
        &self,
        tenant: &TenantId,
    ) -> impl Future<Output = Result<Option<Webhook>, StoreError>> + Send;
}
