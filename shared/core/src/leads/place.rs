//! Where leads come from: a page, whose it is, its token, its forms. Looked up at most once a minute.

use std::collections::HashSet;
use std::sync::Arc;

use super::desk::{LeadDesk, Ports};
use super::form::LeadForm;
use crate::cache::{CONFIG_TTL_MS, TtlCache};
use crate::config::{Connection, Page, Source};
use crate::ids::{ConnectionId, FormId, LeadId, PageId, SourceId, TenantId};
use crate::ports::StoreError;
use crate::ports::config::{Destinations as _, KeyDirectory as _, PageDirectory as _};
use crate::ports::leads::FormStore as _;
use crate::time::UnixMillis;

/// Things of each kind that one process remembers.
const CACHED: usize = 1_000;

/// Longest age of what is known of a page's limits, in milliseconds: another process may have been told to wait.
const BLOCKED_TTL_MS: i64 = 5_000;

/// A page, with the connection that its leads are fetched with.
#[derive(Debug, Clone)]
pub struct Place {
    /// The page.
    pub page: Page,
    /// Its token; absent where somebody deleted it.
    pub connection: Option<Connection>,
}

/// A connection with one of its tokens.
type TokenKey = (TenantId, ConnectionId, u32);

/// Why a token was refused lately.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) reason: &'static str,
    pub(super) code: Option<i64>,
}

/// What was looked up lately.
pub(super) struct Caches {
    owners: TtlCache<PageId, TenantId>,
    places: TtlCache<(TenantId, PageId), Place>,
    sources: TtlCache<(TenantId, SourceId), Option<Source>>,
    forms: TtlCache<(TenantId, FormId), Option<LeadForm>>,
    pub(super) blocked: TtlCache<(TenantId, PageId), Option<UnixMillis>>,
    pub(super) refused: TtlCache<TokenKey, Refused>,
    pub(super) test_leads: TtlCache<(TenantId, FormId), (UnixMillis, HashSet<LeadId>)>,
    pub(super) webhooks: TtlCache<TenantId, bool>,
}

impl Caches {
    pub(super) fn new() -> Self {
        Self {
            owners: TtlCache::new(CONFIG_TTL_MS, CACHED),
            places: TtlCache::new(CONFIG_TTL_MS, CACHED),
            sources: TtlCache::new(CONFIG_TTL_MS, CACHED),
            forms: TtlCache::new(CONFIG_TTL_MS, CACHED),
            blocked: TtlCache::new(BLOCKED_TTL_MS, CACHED),
            refused: TtlCache::new(CONFIG_TTL_MS, CACHED),
            test_leads: TtlCache::new(CONFIG_TTL_MS, CACHED),
            webhooks: TtlCache::new(CONFIG_TTL_MS, CACHED),
        }
    }
}

impl<P: Ports> LeadDesk<P> {
    /// The tenant that has the page; at most a minute old.
    ///
    /// # Errors
    /// The store's.
    pub async fn owner(&self, page: &PageId) -> Result<Option<TenantId>, StoreError> {
        let now = self.now();
        if let Some(owner) = self.caches.owners.get(page, now) {
            return Ok(Some((*owner).clone()));
        }
        // That nobody has it is not remembered: the first leads of a new page must not be lost.
        let Some(owner) = self.ports.config().page_owner(page).await? else { return Ok(None) };
        Ok(Some((*self.caches.owners.put(page.clone(), owner, now)).clone()))
    }

    /// A page of the tenant with its connection, or nothing where there is no such page; at most a minute old.
    ///
    /// # Errors
    /// The store's.
    pub async fn place(&self, tenant: &TenantId, page: &PageId) -> Result<Option<Arc<Place>>, StoreError> {
        let (now, key) = (self.now(), (tenant.clone(), page.clone()));
        if let Some(place) = self.caches.places.get(&key, now) {
            return Ok(Some(place));
        }
        let Some(page) = self.ports.config().page(tenant, page).await? else { return Ok(None) };
        let connection = self.ports.config().connection(tenant, &page.connection_id).await?;
        Ok(Some(self.caches.places.put(key, Place { page, connection }, now)))
    }

    pub(super) fn forget_place(&self, place: &Place) {
        self.caches.places.forget(&(place.page.tenant_id.clone(), place.page.id.clone()));
    }

    pub(super) async fn source(
        &self,
        tenant: &TenantId,
        id: &SourceId,
    ) -> Result<Arc<Option<Source>>, StoreError> {
        let (now, key) = (self.now(), (tenant.clone(), id.clone()));
        if let Some(source) = self.caches.sources.get(&key, now) {
            return Ok(source);
        }
        let source = self.ports.config().source(tenant, id).await?;
        Ok(self.caches.sources.put(key, source, now))
    }

    /// A form as it was synced last; absent where it was not yet.
    pub(super) async fn form(
        &self,
        tenant: &TenantId,
        page: &PageId,
        id: &FormId,
    ) -> Result<Arc<Option<LeadForm>>, StoreError> {
        let (now, key) = (self.now(), (tenant.clone(), id.clone()));
        if let Some(form) = self.caches.forms.get(&key, now) {
            return Ok(form);
        }
        let form = self.ports.leads().form(tenant, page, id).await?;
        Ok(self.caches.forms.put(key, form, now))
    }
}
