//! The jobs table: jobs, and calls of tenants' webhooks.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `T#<tenant>` | `JOB#<job>` | `doc` (JSON), `rev` |
//! | `T#<tenant>` | `DELIVERY#<id>` | `doc` (JSON) |
//! | `T#<tenant>#OPEN` | `<id>` | nothing more: the delivery may be open |
//!
//! `v` is the version of an item's shape, `expires_at` its end in unix seconds.

use std::collections::HashMap;

use adrelay_core::ids::{JobId, TenantId};
use adrelay_core::jobs::{Delivery, DeliveryState, JOB_TTL_DAYS, Job};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::jobs::{DeliveryStore, JobStore};
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::Client;

use crate::batch::batch_get;
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, number, s, store_error, text, unreadable};
use crate::range::{Range, page};

/// The most deliveries of one page.
const DELIVERIES: usize = 100;

const DAY_S: i64 = 86_400;

/// The jobs table.
#[derive(Debug, Clone)]
pub struct DynamoJobs {
    client: Client,
    table: String,
}

fn job_key(tenant: &TenantId, id: &JobId) -> Item {
    key(&format!("T#{tenant}"), &format!("JOB#{id}"))
}

fn delivery_key(tenant: &TenantId, id: &str) -> Item {
    key(&format!("T#{tenant}"), &format!("DELIVERY#{id}"))
}

fn open_pk(tenant: &TenantId) -> String {
    format!("T#{tenant}#OPEN")
}

fn is_open(delivery: &Delivery) -> bool {
    match delivery.state {
        DeliveryState::Retrying | DeliveryState::Dead => true,
        DeliveryState::Delivered => false,
    }
}

fn read_delivery(item: &Item) -> Result<Delivery, StoreError> {
    serde_json::from_str(text(item, "doc")?).map_err(corrupt)
}

impl DynamoJobs {
    /// The jobs in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    async fn item(&self, key: Item) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(|error| store_error(&error))?.item)
    }

    async fn put(&self, item: Item) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}

impl JobStore for DynamoJobs {
    async fn job(&self, tenant: &TenantId, id: &JobId) -> Result<Option<Job>, StoreError> {
        let Some(item) = self.item(job_key(tenant, id)).await? else { return Ok(None) };
        let job: Job = serde_json::from_str(text(&item, "doc")?).map_err(corrupt)?;
        let rev = u64::try_from(number(&item, "rev")?).map_err(|error| unreadable(&error))?;
        Ok(Some(Job { rev, ..job }))
    }

    async fn save_job(&self, job: &Job) -> Result<(), StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(job_key(&job.tenant, &job.id)))
            .item("v", n(ITEM_VERSION))
            .item("rev", n(job.rev + 1))
            .item("doc", s(serde_json::to_string(job).map_err(corrupt)?))
            .item("expires_at", n(job.created_at.secs() + JOB_TTL_DAYS * DAY_S));
        put = if job.rev == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("rev = :rev").expression_attribute_values(":rev", n(job.rev))
        };
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}

impl DeliveryStore for DynamoJobs {
    /// An open one is listed first and written then, one that is done the other way round: between the two, the list may
    /// name one that is not open, which is passed over, and never lacks one that is.
    async fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let expires_at = n(delivery.last_at.secs() + JOB_TTL_DAYS * DAY_S);
        let mut line = key(&open_pk(&delivery.tenant), &delivery.id);
        let mut document = delivery_key(&delivery.tenant, &delivery.id);
        document.insert("v".to_owned(), n(ITEM_VERSION));
        document.insert("doc".to_owned(), s(serde_json::to_string(delivery).map_err(corrupt)?));
        document.insert("expires_at".to_owned(), expires_at.clone());
        if is_open(delivery) {
            line.insert("v".to_owned(), n(ITEM_VERSION));
            line.insert("expires_at".to_owned(), expires_at);
            self.put(line).await?;
            return self.put(document).await;
        }
        self.put(document).await?;
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(line));
        delete.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn delivery(&self, tenant: &TenantId, id: &str) -> Result<Option<Delivery>, StoreError> {
        let item = self.item(delivery_key(tenant, id)).await?;
        item.map(|item| read_delivery(&item)).transpose()
    }

    async fn open_deliveries(
        &self,
        tenant: &TenantId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Delivery>, StoreError> {
        let (pk, limit) = (open_pk(tenant), limit.clamp(1, DELIVERIES));
        // What follows a text at once is the text with the lowest character after it.
        let from = cursor.map_or_else(|| "!".to_owned(), |after| format!("{after}!"));
        if from.as_str() > "~" {
            return Ok(Page { items: Vec::new(), next_cursor: None });
        }
        let lines = Range::new(&pk, &from, "~").read(&self.client, &self.table, limit + 1).await?;
        let ids = lines.iter().map(|line| text(line, "sk").map(str::to_owned));
        let listed = page(ids.collect::<Result<Vec<_>, _>>()?, limit, Clone::clone);
        let keys: Vec<Item> = listed.items.iter().map(|id| delivery_key(tenant, id)).collect();
        let mut found: HashMap<String, Delivery> = HashMap::with_capacity(keys.len());
        for item in batch_get(&self.client, &self.table, &keys, "doc").await? {
            let delivery = read_delivery(&item)?;
            found.insert(delivery.id.clone(), delivery);
        }
        let items = listed.items.iter().filter_map(|id| found.remove(id)).filter(is_open).collect();
        Ok(Page { items, next_cursor: listed.next_cursor })
    }
}
