//! Configuration as the functions on an event's way read it, and the health that dispatch writes.

use adrelay_core::config::{ApiKey, Connection, Health, Page, Pixel, Source, Subscription, Webhook};
use adrelay_core::ids::{ConnectionId, PageId, PixelId, SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::config::{Destinations, KeyDirectory, PageDirectory};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;

use crate::config_admin::WEBHOOK;
use crate::config_admin::stored::PAGES;
use crate::item::{Item, corrupt, key, n, optional_text, s, store_error, text};

/// The config table.
#[derive(Debug, Clone)]
pub struct DynamoConfig {
    client: Client,
    table: String,
}

impl DynamoConfig {
    /// The configuration in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    async fn item(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        // Consistent: who waits for a person looks once more, and must see what the person did.
        let get =
            self.client.get_item().table_name(&self.table).set_key(Some(key(pk, sk))).consistent_read(true);
        Ok(get.send().await.map_err(|error| store_error(&error))?.item)
    }

    pub(crate) async fn record<T: DeserializeOwned>(
        &self,
        tenant: &TenantId,
        sk: &str,
    ) -> Result<Option<(T, Item)>, StoreError> {
        let Some(item) = self.item(&format!("T#{tenant}"), sk).await? else { return Ok(None) };
        let record = serde_json::from_str(text(&item, "doc")?).map_err(corrupt)?;
        Ok(Some((record, item)))
    }

    async fn set_health(
        &self,
        tenant: &TenantId,
        sk: &str,
        (column, expected): (&str, AttributeValue),
        health: &Health,
    ) -> Result<(), StoreError> {
        let health = serde_json::to_string(health).map_err(corrupt)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&format!("T#{tenant}"), sk)))
            .update_expression("SET health = :health")
            .condition_expression("#column = :expected")
            .expression_attribute_names("#column", column)
            .expression_attribute_values(":expected", expected)
            .expression_attribute_values(":health", s(health));
        update.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}

/// The attribute is the truth; its copy in the document is as old as the last change by a person.
fn health(item: &Item) -> Result<Health, StoreError> {
    optional_text(item, "health").map_or(Ok(Health::Ok), |json| serde_json::from_str(json).map_err(corrupt))
}

fn malformed(what: &str) -> StoreError {
    StoreError::Corrupt(what.to_owned())
}

impl KeyDirectory for DynamoConfig {
    async fn key_by_sha256(&self, sha256: &str) -> Result<Option<ApiKey>, StoreError> {
        let Some(lookup) = self.item(&format!("KEYHASH#{sha256}"), "KEY").await? else { return Ok(None) };
        let tenant = TenantId::parse(text(&lookup, "tenant")?).map_err(|_| malformed("tenant"))?;
        let sk = format!("KEY#{}", text(&lookup, "id")?);
        Ok(self.record::<ApiKey>(&tenant, &sk).await?.map(|(key, _)| key))
    }

    async fn source(&self, tenant: &TenantId, id: &SourceId) -> Result<Option<Source>, StoreError> {
        Ok(self.record::<Source>(tenant, &format!("SOURCE#{id}")).await?.map(|(source, _)| source))
    }
}

impl Destinations for DynamoConfig {
    async fn pixel(&self, tenant: &TenantId, id: &PixelId) -> Result<Option<Pixel>, StoreError> {
        let Some((pixel, item)) = self.record::<Pixel>(tenant, &format!("PIXEL#{id}")).await? else {
            return Ok(None);
        };
        Ok(Some(Pixel { health: health(&item)?, ..pixel }))
    }

    async fn connection(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, StoreError> {
        let Some((connection, item)) = self.record::<Connection>(tenant, &format!("CONN#{id}")).await? else {
            return Ok(None);
        };
        Ok(Some(Connection { health: health(&item)?, ..connection }))
    }

    async fn set_pixel_health(
        &self,
        tenant: &TenantId,
        id: &PixelId,
        connection: &ConnectionId,
        health: &Health,
    ) -> Result<(), StoreError> {
        let expected = ("connection_id", s(connection.as_str()));
        self.set_health(tenant, &format!("PIXEL#{id}"), expected, health).await
    }

    async fn set_connection_health(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
        token_version: u32,
        health: &Health,
    ) -> Result<(), StoreError> {
        self.set_health(tenant, &format!("CONN#{id}"), ("token_version", n(token_version)), health).await
    }
}

/// Pages that one read of the list of all returns at most.
const MAX_PAGES: usize = 1_000;

impl PageDirectory for DynamoConfig {
    async fn page_owner(&self, id: &PageId) -> Result<Option<TenantId>, StoreError> {
        let Some(lookup) = self.item(&format!("PAGEID#{id}"), "OWNER").await? else { return Ok(None) };
        TenantId::parse(text(&lookup, "tenant")?).map(Some).map_err(|_| malformed("tenant"))
    }

    async fn page(&self, tenant: &TenantId, id: &PageId) -> Result<Option<Page>, StoreError> {
        let Some((page, item)) = self.record::<Page>(tenant, &format!("PAGE#{id}")).await? else {
            return Ok(None);
        };
        let subscription = optional_text(&item, "subscription");
        let subscription = subscription.map_or(Ok(Subscription::Unknown), serde_json::from_str);
        Ok(Some(Page { subscription: subscription.map_err(corrupt)?, ..page }))
    }

    async fn pages(
        &self,
        after: Option<&(TenantId, PageId)>,
        limit: usize,
    ) -> Result<Vec<(TenantId, PageId)>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(PAGES))
            .limit(i32::try_from(limit.clamp(1, MAX_PAGES)).unwrap_or(1))
            .set_exclusive_start_key(after.map(|(tenant, page)| key(PAGES, &format!("{tenant}#{page}"))));
        let found = query.send().await.map_err(|error| store_error(&error))?.items.unwrap_or_default();
        found
            .iter()
            .map(|item| {
                let tenant = TenantId::parse(text(item, "tenant")?).map_err(|_| malformed("tenant"))?;
                let page = PageId::parse(text(item, "id")?).map_err(|_| malformed("page"))?;
                Ok((tenant, page))
            })
            .collect()
    }

    async fn set_subscription(
        &self,
        tenant: &TenantId,
        id: &PageId,
        subscription: &Subscription,
    ) -> Result<(), StoreError> {
        let subscription = serde_json::to_string(subscription).map_err(corrupt)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&format!("T#{tenant}"), &format!("PAGE#{id}"))))
            .update_expression("SET subscription = :subscription")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":subscription", s(subscription));
        update.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn webhook_of(&self, tenant: &TenantId) -> Result<Option<Webhook>, StoreError> {
        Ok(self.record::<Webhook>(tenant, WEBHOOK).await?.map(|(webhook, _)| webhook))
    }
}
