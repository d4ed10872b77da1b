//! The people table: links, documents, conversions, features, holds.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `T#<tenant>#L#<hash>` | `LINK` | `person` |
//! | `T#<tenant>#P#<person>` | `PERSON` | `doc` (JSON), `sealed`, `rev` |
//! | `T#<tenant>#P#<person>` | `F#<day>` | `c#<event name>`: count; `refs`: what was counted |
//! | `T#<tenant>#P#<person>` | `V#<month>` | `m#<currency>`: minor units; `refs` likewise |
//! | `T#<tenant>#P#<person>` | `M#<15-digit ms>#<other>` | `record` (JSON) of a merge |
//! | `T#<tenant>#P#<person>` | `ONCE#<rule>#<fire>#<period>` | `conversion` that fired |
//! | `T#<tenant>#P#<person>` | `H#<conversion key>` | a held conversion; `due`: the minute it is filed under |
//! | `T#<tenant>#P#<person>` | `ERASED` | `record` (JSON) of the person's erasure, or whose part it was |
//! | `T#<tenant>#C#<conversion key>` | `CONVERSION` | a conversion, its body sealed |
//! | `DUE#<yyyymmddThhmm>#<shard>` | `<tenant>#<person>#<conversion key>` | nothing more |
//! | `DUE` | `CURSOR` | `minute`: the last one that is known to be empty for good |
//!
//! `v` is the version of an item's shape, `expires_at` its end in unix seconds. Holds and what files them have none:
//! they end by being looked at.

mod conversions;
mod due;
mod erasures;
mod features;
mod holds;
mod persons;
mod removal;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::ports::StoreError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

use crate::batch::batch_get;
use crate::item::{Item, key, last_part, store_error, unreadable};
use crate::range::Range;

const CONVERSION: &str = "CONVERSION";

/// Writes of one call that run at once.
const CONCURRENT_WRITES: usize = 16;

/// The people table.
#[derive(Debug, Clone)]
pub struct DynamoPeople {
    client: Client,
    table: String,
    /// Whether the cursor of sweeps is known to be there.
    begun: Arc<AtomicBool>,
}

fn person_pk(tenant: &TenantId, person: &PersonId) -> String {
    format!("T#{tenant}#P#{person}")
}

fn conversion_key(tenant: &TenantId, conversion: &ConversionKey) -> Item {
    key(&format!("T#{tenant}#C#{conversion}"), CONVERSION)
}

impl DynamoPeople {
    /// The people in `table`.
    #[must_use]
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table, begun: Arc::default() }
    }

    /// The items with these keys, each once, read consistently.
    async fn get_all(&self, mut keys: Vec<Item>, projection: &str) -> Result<Vec<Item>, StoreError> {
        let name =
            |key: &Item| ["pk", "sk"].map(|part| key.get(part).and_then(|part| part.as_s().ok()).cloned());
        keys.sort_by_key(name);
        keys.dedup();
        batch_get(&self.client, &self.table, &keys, projection).await
    }

    /// A partition's items from one sort key to another, read consistently, ≤ `limit`.
    async fn range(&self, pk: &str, (from, to): (&str, &str), limit: usize) -> Result<Vec<Item>, StoreError> {
        Range::new(pk, from, to).read(&self.client, &self.table, limit).await
    }

    async fn delete(&self, key: Item) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        delete.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    /// Writes an item where there is none yet; gives what stands there.
    async fn put_absent(&self, item: Item) -> Result<Option<Item>, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(None) };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(store_error(&error));
        };
        failed.item().cloned().map(Some).ok_or(StoreError::Conflict)
    }
}
