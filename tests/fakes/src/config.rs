//! Configuration in memory.

use std::collections::{BTreeMap, HashMap};

use adrelay_core::config::{
    ApiKey, Connection, ConnectionKind, Health, Page, Pixel, Source, Subscription, Webhook,
};
use adrelay_core::ids::{ConnectionId, PageId, PixelId, SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::config::{Destinations, KeyDirectory, PageDirectory};
use adrelay_core::ports::meta::Credentials;
use adrelay_core::ports::rules::RuleDirectory;
use adrelay_core::ports::vault::{CredentialError, CredentialSource};
use adrelay_core::rules::RuleSet;
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{ANY, Faults};

#[derive(Debug, Default)]
struct State {
    pixels: HashMap<(TenantId, PixelId), Pixel>,
    connections: HashMap<(TenantId, ConnectionId), Connection>,
    sources: HashMap<(TenantId, SourceId), Source>,
    keys: HashMap<String, ApiKey>,
    rules: HashMap<TenantId, RuleSet>,
    pages: BTreeMap<(TenantId, PageId), Page>,
    webhooks: HashMap<TenantId, Webhook>,
}

/// Keys, sources, pixels, connections and rules. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryConfig(Shared<State>);

impl MemoryConfig {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    async fn read<T: Send>(
        &self,
        method: &'static str,
        act: impl FnOnce(&State) -> T + Send,
    ) -> Result<T, StoreError> {
        self.0.call(method, |state| Ok(act(state))).await
    }

    /// A pixel with a connection of its own, both well. The "sealed" token is the token itself.
    pub fn add_pixel(&self, tenant: &TenantId, id: &PixelId, token: &str) {
        let connection_id = connection_of(id.as_str());
        let connection = connection(tenant, &connection_id, ConnectionKind::SystemUser, token);
        let pixel = Pixel {
            tenant_id: tenant.clone(),
            id: id.clone(),
            connection_id: connection_id.clone(),
            test_event_code: None,
            enabled: true,
            health: Health::Ok,
            created_at: UnixMillis(0),
            updated_at: UnixMillis(0),
        };
        self.0.with(|state| {
            state.connections.insert((tenant.clone(), connection_id), connection);
            state.pixels.insert((tenant.clone(), id.clone()), pixel);
        });
    }

    /// A page with a connection of its own, both well; its leads belong to `source`. The "sealed" token is the token
    /// itself.
    pub fn add_page(&self, tenant: &TenantId, id: &PageId, source: &SourceId, token: &str) {
        let connection_id = connection_of(id.as_str());
        let connection = connection(tenant, &connection_id, ConnectionKind::Page, token);
        let page = Page {
            tenant_id: tenant.clone(),
            id: id.clone(),
            name: None,
            connection_id: connection_id.clone(),
            source_id: source.clone(),
            feedback_pixel_id: None,
            enabled: true,
            subscription: Subscription::Unknown,
            created_at: UnixMillis(0),
            updated_at: UnixMillis(0),
        };
        self.0.with(|state| {
            state.connections.insert((tenant.clone(), connection_id), connection);
            state.pages.insert((tenant.clone(), id.clone()), page);
        });
    }

    /// Changes a page.
    pub fn change_page(&self, tenant: &TenantId, id: &PageId, change: impl FnOnce(&mut Page)) {
        self.0.with(|state| state.pages.get_mut(&(tenant.clone(), id.clone())).map(change));
    }

    /// Sets where a tenant wants to be told of leads. The "sealed" secret is the secret itself.
    pub fn set_webhook(&self, webhook: Webhook) {
        self.0.with(|state| state.webhooks.insert(webhook.tenant_id.clone(), webhook));
    }

    /// Adds a source, or replaces it.
    pub fn add_source(&self, source: Source) {
        self.0.with(|state| state.sources.insert((source.tenant_id.clone(), source.id.clone()), source));
    }

    /// Adds a key.
    pub fn add_key(&self, key: ApiKey) {
        self.0.with(|state| state.keys.insert(key.sha256.clone(), key));
    }

    /// Sets a tenant's rules.
    pub fn set_rules(&self, tenant: &TenantId, rules: RuleSet) {
        self.0.with(|state| state.rules.insert(tenant.clone(), rules));
    }

    /// Changes a pixel.
    pub fn change_pixel(&self, tenant: &TenantId, id: &PixelId, change: impl FnOnce(&mut Pixel)) {
        self.0.with(|state| state.pixels.get_mut(&(tenant.clone(), id.clone())).map(change));
    }

    /// Pastes a new token into the pixel's connection, which makes it well.
    pub fn new_token(&self, tenant: &TenantId, pixel: &PixelId, token: &str) {
        let key = (tenant.clone(), connection_of(pixel.as_str()));
        self.0.with(|state| {
            if let Some(connection) = state.connections.get_mut(&key) {
                token.clone_into(&mut connection.sealed_token);
                connection.token_version += 1;
                connection.health = Health::Ok;
            }
        });
    }

    /// The health of a pixel and of its connection.
    #[must_use]
    pub fn health(&self, tenant: &TenantId, pixel: &PixelId) -> Option<(Health, Health)> {
        self.0.with(|state| {
            let pixel = state.pixels.get(&(tenant.clone(), pixel.clone()))?;
            let connection = state.connections.get(&(tenant.clone(), pixel.connection_id.clone()))?;
            Some((pixel.health.clone(), connection.health.clone()))
        })
    }

    /// Makes every read and write fail, or work again.
    pub fn set_down(&self, down: bool) {
        self.0.faults.set_down(ANY, down);
    }
}

#[expect(clippy::expect_used, reason = "digits are a valid slug")]
fn connection_of(digits: &str) -> ConnectionId {
    ConnectionId::parse(&format!("conn_{digits}")).expect("a slug")
}

fn connection(tenant: &TenantId, id: &ConnectionId, kind: ConnectionKind, token: &str) -> Connection {
    Connection {
        tenant_id: tenant.clone(),
        id: id.clone(),
        kind,
        sealed_token: token.to_owned(),
        token_version: 1,
        app_id: None,
        sealed_app_secret: None,
        derived_from: None,
        health: Health::Ok,
        verified_at: None,
        expires_at: None,
        created_at: UnixMillis(0),
        updated_at: UnixMillis(0),
    }
}

impl KeyDirectory for MemoryConfig {
    async fn key_by_sha256(&self, sha256: &str) -> Result<Option<ApiKey>, StoreError> {
        self.read("key_by_sha256", |state| state.keys.get(sha256).cloned()).await
    }

    async fn source(&self, tenant: &TenantId, id: &SourceId) -> Result<Option<Source>, StoreError> {
        self.read("source", |state| state.sources.get(&(tenant.clone(), id.clone())).cloned()).await
    }
}

impl RuleDirectory for MemoryConfig {
    async fn rules(&self, tenant: &TenantId) -> Result<Option<RuleSet>, StoreError> {
        self.read("rules", |state| state.rules.get(tenant).cloned()).await
    }
}

impl Destinations for MemoryConfig {
    async fn pixel(&self, tenant: &TenantId, id: &PixelId) -> Result<Option<Pixel>, StoreError> {
        self.read("pixel", |state| state.pixels.get(&(tenant.clone(), id.clone())).cloned()).await
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        self.read("connection", |state| state.connections.get(&(tenant.clone(), id.clone())).cloned()).await
    }

    async fn set_pixel_health(
        &self,
        tenant: &TenantId,
        id: &PixelId,
        connection: &ConnectionId,
        health: &Health,
    ) -> Result<(), StoreError> {
        self.0
            .call("set_pixel_health", |state| match state.pixels.get_mut(&(tenant.clone(), id.clone())) {
                Some(pixel) if pixel.connection_id == *connection => {
                    pixel.health = health.clone();
                    Ok(())
                }
                _ => Err(StoreError::Conflict),
            })
            .await
    }

    async fn set_connection_health(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        token_version: u32,
        health: &Health,
    ) -> Result<(), StoreError> {
        self.0
            .call("set_connection_health", |state| {
                match state.connections.get_mut(&(tenant.clone(), id.clone())) {
                    Some(connection) if connection.token_version == token_version => {
                        connection.health = health.clone();
                        Ok(())
                    }
                    _ => Err(StoreError::Conflict),
                }
            })
            .await
    }
}

impl PageDirectory for MemoryConfig {
    async fn page_owner(&self, id: &PageId) -> Result<Option<TenantId>, StoreError> {
        self.read("page_owner", |state| {
            state.pages.values().find(|page| page.id == *id).map(|page| page.tenant_id.clone())
        })
        .await
    }

    async fn page(&self, tenant: &TenantId, id: &PageId) -> Result<Option<Page>, StoreError> {
        self.read("page", |state| state.pages.get(&(tenant.clone(), id.clone())).cloned()).await
    }

    async fn pages(
        &self,
        after: Option<&(TenantId, PageId)>,
        limit: usize,
    ) -> Result<Vec<(TenantId, PageId)>, StoreError> {
        self.read("pages", |state| {
            let pages = state.pages.keys().filter(|key| after.is_none_or(|after| *key > after));
            pages.take(limit).cloned().collect()
        })
        .await
    }

    async fn set_subscription(
        &self,
        tenant: &TenantId,
        id: &PageId,
        subscription: &Subscription,
    ) -> Result<(), StoreError> {
        self.0
            .call("set_subscription", |state| match state.pages.get_mut(&(tenant.clone(), id.clone())) {
                Some(page) => {
                    page.subscription = subscription.clone();
                    Ok(())
                }
                None => Err(StoreError::Conflict),
            })
            .await
    }

    async fn webhook_of(&self, tenant: &TenantId) -> Result<Option<Webhook>, StoreError> {
        self.read("webhook_of", |state| state.webhooks.get(tenant).cloned()).await
    }
}

/// Takes what is stored as sealed for the token itself. Clones share their faults.
#[derive(Debug, Clone, Default)]
pub struct FixedVault(Faults);

impl FixedVault {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0
    }
}

impl CredentialSource for FixedVault {
    async fn credentials(&self, connection: &Connection) -> Result<Credentials, CredentialError> {
        let token = Secret::new(connection.sealed_token.clone());
        self.0.call("credentials", || Ok(Credentials { token, app_secret: None })).await
    }
}
