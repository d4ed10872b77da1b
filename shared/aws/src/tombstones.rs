//! Tombstones of erased people: one item a hash, in one partition a tenant.

use adrelay_core::ids::TenantId;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{
    ErasureList, ErasureWriter, MAX_BURIED_HASHES, TOMBSTONE_TTL_DAYS, Tombstone,
};
use adrelay_core::time::UnixMillis;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::events::DynamoEvents;
use crate::item::{ITEM_VERSION, Item, key, n, number, s, store_error, text};

/// Pages of one list, ≤ 1 MB each: some 600,000 tombstones. A tenant with more must wait until some have passed, for
/// nothing of it is sent on half a list.
const LIST_PAGES: usize = 100;

const CONCURRENT_WRITES: usize = 16;

fn tombstones_pk(tenant: &TenantId) -> String {
    format!("T#{tenant}#ERASED")
}

impl ErasureList for DynamoEvents {
    async fn tombstones(&self, tenant: &TenantId) -> Result<Vec<Tombstone>, StoreError> {
        let mut tombstones = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..LIST_PAGES {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(tombstones_pk(tenant)))
                .projection_expression("sk, erased_at")
                .set_exclusive_start_key(start.take());
            let found = query.send().await.map_err(|error| store_error(&error))?;
            for item in found.items.unwrap_or_default() {
                tombstones.push(tombstone(&item)?);
            }
            start = found.last_evaluated_key;
            if start.is_none() {
                return Ok(tombstones);
            }
        }
        Err(StoreError::Unavailable("more tombstones than one list holds".to_owned()))
    }
}

fn tombstone(item: &Item) -> Result<Tombstone, StoreError> {
    let sha256 = Sha256Hex::already(text(item, "sk")?).ok().flatten();
    let sha256 = sha256.ok_or_else(|| StoreError::Corrupt("no hash".to_owned()))?;
    Ok(Tombstone { sha256, erased_at: UnixMillis(number(item, "erased_at")?) })
}

impl ErasureWriter for DynamoEvents {
    async fn bury(&self, tenant: &TenantId, hashes: &[Sha256Hex], at: UnixMillis) -> Result<(), StoreError> {
        if hashes.len() > MAX_BURIED_HASHES {
            return Err(StoreError::Unavailable("more hashes than one erasure buries".to_owned()));
        }
        let writes: Vec<_> = hashes.iter().map(|hash| self.bury_one(tenant, hash, at)).collect();
        stream::iter(writes).buffer_unordered(CONCURRENT_WRITES).try_collect().await
    }
}

impl DynamoEvents {
    async fn bury_one(&self, tenant: &TenantId, hash: &Sha256Hex, at: UnixMillis) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(&tombstones_pk(tenant), hash.as_str())))
            .item("v", n(ITEM_VERSION))
            .item("erased_at", n(at.0))
            .item("expires_at", n(at.secs() + TOMBSTONE_TTL_DAYS * 86_400))
            .condition_expression("attribute_not_exists(pk) OR erased_at < :at")
            .expression_attribute_values(":at", n(at.0));
        match put.send().await.map_err(|error| store_error(&error)) {
            // An erasure of the same instant or later stands there.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
