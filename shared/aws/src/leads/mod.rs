//! The leads table: leads with their history, lead forms with their days, and what is still to be told.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `T#<tenant>#L#<lead>` | `LEAD` | `doc` (JSON), `sealed`, `rev`, `texts`; and what the index shows |
//! | `T#<tenant>#L#<lead>` | `A#<10-digit nth>` | `doc` (JSON) of an activity, `note` sealed |
//! | `T#<tenant>#L#<lead>` | `FB#<10-digit nth>` | `doc` (JSON) of a stage, `state` (JSON) of its telling |
//! | `T#<tenant>#MISSING` | `<lead>` | `doc` (JSON) of a lead that can't be read |
//! | `T#<tenant>#P#<person>` | `<lead>` | nothing more |
//! | `T#<tenant>#G#<page>` | `FORM#<form>` | `meta` and `settings` (JSON each), `synced_at` |
//! | `T#<tenant>#G#<page>` | `BLOCKED` | `blocked_until` |
//! | `T#<tenant>#F#<form>` | `PAGE` | `page` |
//! | `T#<tenant>#F#<form>` | `DAY#<day>#<shard>` | `by_webhook`, `by_poll`: counts |
//! | `T#<tenant>#F#<form>` | `DAY#<day>#CHECK` | `doc` (JSON) of the last look at the day |
//! | `T#<tenant>#F#<form>` | `SYNC` | `doc` (JSON), `rev` |
//! | `OUTBOX#<shard>` | `<15-digit due>#<tenant>#<lead>#<C or F and nth>` | nothing more |
//! | `TURN` | `<name>` | `last_at` |
//!
//! The index [`BY_TIME`] lists leads: its keys are `list_pk`, `T#<tenant>` or `T#<tenant>#TEST`, and `list_sk`,
//! `<12-digit unix seconds>#<lead>`; it shows `status`, `form`, `page`, `campaign`, `ad`, `source`, `assignee` and `texts`.
//! `v` is the version of an item's shape, `expires_at` its end in unix seconds.

mod erase;
mod forms;
mod lead;
mod list;
mod outbox;
mod store;
mod sync;

use adrelay_core::ids::{FormId, LeadId, PageId, TenantId};
use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use crate::item::{Item, store_error};
use crate::range::Range;
use crate::transaction::{self, Refused};

/// The index by which leads are listed, newest first.
pub const BY_TIME: &str = "by-time";

/// A day in seconds.
const DAY_S: i64 = 86_400;

/// The most items that a list of anything but leads shows in one page.
const PAGE_MAX: usize = 100;

/// The leads table.
#[derive(Debug, Clone)]
pub struct DynamoLeads {
    client: Client,
    table: String,
}

fn lead_pk(tenant: &TenantId, lead: &LeadId) -> String {
    format!("T#{tenant}#L#{lead}")
}

fn form_pk(tenant: &TenantId, form: &FormId) -> String {
    format!("T#{tenant}#F#{form}")
}

fn page_pk(tenant: &TenantId, page: &PageId) -> String {
    format!("T#{tenant}#G#{page}")
}

/// One of a few parts, by an id's digits: partitions and items take only so many writes a second.
fn shard(id: &LeadId, shards: u8) -> u8 {
    id.as_str().bytes().fold(0, |sum: u8, digit| sum.wrapping_mul(31).wrapping_add(digit)) % shards
}

impl DynamoLeads {
    /// The leads in `table`.
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

    async fn delete(&self, key: Item) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        delete.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn read(&self, range: Range<'_>, limit: usize) -> Result<Vec<Item>, StoreError> {
        range.read(&self.client, &self.table, limit).await
    }

    /// An unconditional put as a part of a transaction.
    fn put_of(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        Put::builder().table_name(&self.table).set_item(Some(item)).build().map(transaction::put)
    }

    /// Carries a transaction out, past others that write to the same items in that moment.
    async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), Refused> {
        let raced = |refused: &Refused| matches!(refused, Refused::Raced);
        transaction::persist(raced, || transaction::transact(&self.client, writes.clone())).await
    }
}
