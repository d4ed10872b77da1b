//! Receipts of erasures.

use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ERASURE_RECORD_TTL_DAYS, ErasureLedger, Kept};
use adrelay_core::time::UnixMillis;

use super::{DynamoPeople, person_pk};
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, s, store_error, text};

fn erased_key(tenant: &TenantId, person: &PersonId) -> Item {
    key(&person_pk(tenant, person), "ERASED")
}

impl ErasureLedger for DynamoPeople {
    async fn keep(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        kept: &Kept,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(erased_key(tenant, person)))
            .item("v", n(ITEM_VERSION))
            .item("record", s(serde_json::to_string(kept).map_err(corrupt)?))
            .item("expires_at", n(at.secs() + ERASURE_RECORD_TTL_DAYS * 86_400));
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn kept(&self, tenant: &TenantId, person: &PersonId) -> Result<Option<Kept>, StoreError> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(erased_key(tenant, person)))
            .consistent_read(true);
        let found = get.send().await.map_err(|error| store_error(&error))?;
        let read = |item: Item| serde_json::from_str(text(&item, "record")?).map_err(corrupt);
        found.item.map(read).transpose()
    }
}
