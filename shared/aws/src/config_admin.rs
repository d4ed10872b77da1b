//! What people manage, in the config table: the DynamoDB side of [`ConfigAdmin`].
//!
//! A record is one item: its JSON in `doc`, the people's changes of it counted in `rev`, and in attributes of their
//! own what other functions write (`health`) or branch on (`connection_id`, `token_version`). Those attributes are
//! the truth; their copies in `doc` are as old as the last change by a person.

pub(crate) mod stored;

use adrelay_core::config::{Tenant, Webhook};
use adrelay_core::ids::TenantId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{
    ConfigAdmin, CreateError, HealthWrite, MAX_PAGE, Records, Revised, WebhookAdmin,
};
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use self::stored::{Lookup, Stored};
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, s, store_error, text};

/// Tenants that one page reads at the same time.
const CONCURRENT_READS: usize = 10;

/// Partition of the look-up items that name all tenants.
const TENANTS: &str = "TENANTS";

/// Sort key of a tenant's webhook.
pub(crate) const WEBHOOK: &str = "WEBHOOK";

const ABSENT: &str = "attribute_not_exists(pk)";

/// Manages configuration in one table.
#[derive(Debug, Clone)]
pub struct DynamoConfigAdmin {
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl DynamoConfigAdmin {
    /// The configuration in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).condition_expression(ABSENT);
        let put = put.build().map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn remove(&self, key: Item) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    async fn write_all(&self, items: Vec<TransactWriteItem>) -> Result<(), Refused> {
        let write = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        write.map(|_| ()).map_err(|error| refused(&error))
    }

    async fn page(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Item>, StoreError> {
        let start = after.map(|id| key(partition, &format!("{prefix}{id}")));
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(partition))
            .limit(i32::try_from(limit.clamp(1, MAX_PAGE)).unwrap_or(1))
            .set_exclusive_start_key(start);
        if !prefix.is_empty() {
            query = query
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", s(prefix));
        }
        let found = query.send().await.map_err(|error| store_error(&error))?;
        let next_cursor = match &found.last_evaluated_key {
            Some(last) => text(last, "sk")?.strip_prefix(prefix).map(str::to_owned),
            None => None,
        };
        Ok(Page { items: found.items.unwrap_or_default(), next_cursor })
    }
}

impl<T: Stored> Records<T> for DynamoConfigAdmin {
    async fn create(&self, record: &T) -> Result<(), CreateError> {
        let item = new_item(record)?;
        let lookups = record.lookups();
        if lookups.is_empty() {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
            let put = put.condition_expression(ABSENT).send().await;
            return match put.map_err(|error| store_error(&error)) {
                Ok(_) => Ok(()),
                Err(StoreError::Conflict) => Err(CreateError::Exists),
                Err(other) => Err(CreateError::Store(other)),
            };
        }
        let mut items = vec![self.put(item)?];
        for lookup in &lookups {
            items.push(self.put(lookup_item(lookup))?);
        }
        self.write_all(items).await.map_err(|refused| match refused {
            Refused::Conditions(failed) if failed.first() == Some(&true) => CreateError::Exists,
            Refused::Conditions(_) => CreateError::Taken,
            Refused::Store(error) => CreateError::Store(error),
        })
    }

    async fn get(&self, tenant: &TenantId, id: &T::Id) -> Result<Option<Revised<T>>, StoreError> {
        let key = key(&partition(tenant), &T::sort_key(id));
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let found = get.send().await.map_err(|error| store_error(&error))?;
        found.item.as_ref().map(stored::read).transpose()
    }

    async fn list(
        &self,
        tenant: &TenantId,
        after: Option<&T::Id>,
        limit: usize,
    ) -> Result<Page<T>, StoreError> {
        let page = self.page(&partition(tenant), T::PREFIX, after.map(T::id_text), limit).await?;
        let items = page.items.iter().map(|item| stored::read(item).map(|revised| revised.value));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next_cursor: page.next_cursor })
    }

    async fn update(&self, record: &Revised<T>, health: HealthWrite) -> Result<(), StoreError> {
        let value = &record.value;
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&partition(value.tenant()), &T::sort_key(value.id()))))
            .condition_expression("#rev = :rev")
            .expression_attribute_names("#rev", "rev")
            .expression_attribute_values(":rev", n(record.revision))
            .expression_attribute_names("#doc", "doc")
            .expression_attribute_values(":doc", stored::document(value)?)
            .expression_attribute_values(":next", n(record.revision + 1));
        let mut assignments = vec!["#rev = :next".to_owned(), "#doc = :doc".to_owned()];
        for (name, column) in value.columns()? {
            if [stored::HEALTH, stored::SUBSCRIPTION].contains(&name) && health == HealthWrite::Keep {
                continue;
            }
            assignments.push(format!("#{name} = :{name}"));
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), column);
        }
        let update = update.update_expression(format!("SET {}", assignments.join(", "))).send().await;
        update.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn delete(&self, record: &T) -> Result<(), StoreError> {
        let mut items = vec![self.remove(key(&partition(record.tenant()), &T::sort_key(record.id())))?];
        for lookup in record.lookups() {
            items.push(self.remove(key(&lookup.pk, &lookup.sk))?);
        }
        self.write_all(items).await.map_err(|refused| match refused {
            Refused::Conditions(_) => StoreError::Conflict,
            Refused::Store(error) => error,
        })
    }
}

impl WebhookAdmin for DynamoConfigAdmin {
    async fn webhook(&self, tenant: &TenantId) -> Result<Option<Webhook>, StoreError> {
        let key = key(&partition(tenant), WEBHOOK);
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let Some(item) = get.send().await.map_err(|error| store_error(&error))?.item else { return Ok(None) };
        serde_json::from_str(text(&item, "doc")?).map(Some).map_err(corrupt)
    }

    async fn put_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let mut item = key(&partition(&webhook.tenant_id), WEBHOOK);
        item.insert("v".to_owned(), n(ITEM_VERSION));
        item.insert("doc".to_owned(), stored::document(webhook)?);
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await;
        put.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn delete_webhook(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let key = key(&partition(tenant), WEBHOOK);
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key)).send().await;
        delete.map(|_| ()).map_err(|error| store_error(&error))
    }
}

impl ConfigAdmin for DynamoConfigAdmin {
    async fn tenants(&self, after: Option<&TenantId>, limit: usize) -> Result<Page<Tenant>, StoreError> {
        let page = self.page(TENANTS, "", after.map(TenantId::as_str), limit).await?;
        let ids: Vec<TenantId> = page
            .items
            .iter()
            .map(|item| {
                TenantId::parse(text(item, "sk")?).map_err(|error| StoreError::Corrupt(error.to_string()))
            })
            .collect::<Result<_, StoreError>>()?;
        let reads = ids.into_iter().map(|id| async move { Records::<Tenant>::get(self, &id, &id).await });
        let found: Vec<Option<Revised<Tenant>>> =
            stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await?;
        let items = found.into_iter().flatten().map(|revised| revised.value).collect();
        Ok(Page { items, next_cursor: page.next_cursor })
    }
}

fn partition(tenant: &TenantId) -> String {
    format!("T#{tenant}")
}

fn new_item<T: Stored>(record: &T) -> Result<Item, StoreError> {
    let mut item = key(&partition(record.tenant()), &T::sort_key(record.id()));
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("rev".to_owned(), n(1));
    item.insert("doc".to_owned(), stored::document(record)?);
    item.extend(record.columns()?.into_iter().map(|(name, column)| (name.to_owned(), column)));
    Ok(item)
}

fn lookup_item(lookup: &Lookup) -> Item {
    let mut item = key(&lookup.pk, &lookup.sk);
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("tenant".to_owned(), s(lookup.tenant.as_str()));
    if let Some(id) = &lookup.id {
        item.insert("id".to_owned(), s(id.as_str()));
    }
    item
}

/// Why a transaction was not carried out.
enum Refused {
    /// Per item, whether its condition failed.
    Conditions(Vec<bool>),
    Store(StoreError),
}

fn refused<R>(error: &SdkError<TransactWriteItemsError, R>) -> Refused {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() {
        let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default());
        let failed: Vec<bool> = codes.map(|code| code == "ConditionalCheckFailed").collect();
        if failed.contains(&true) {
            return Refused::Conditions(failed);
        }
    }
    Refused::Store(store_error(error))
}

#[cfg(test)]
mod tests;
