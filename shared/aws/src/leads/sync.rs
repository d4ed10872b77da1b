//! How far reconciliation has come, and what stands in its way.

use adrelay_core::ids::{FormId, PageId, TenantId};
use adrelay_core::leads::MissingLead;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::{MAX_SYNC_STATE_BYTES, SyncStore};
use adrelay_core::time::UnixMillis;
use serde_json::Value;

use super::lead::missing_item;
use super::{DAY_S, DynamoLeads, form_pk, page_pk};
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, number, s, store_error, text, unreadable};

const SYNC: &str = "SYNC";

fn blocked_key(tenant: &TenantId, page: &PageId) -> Item {
    key(&page_pk(tenant, page), "BLOCKED")
}

impl SyncStore for DynamoLeads {
    async fn sync_state(&self, tenant: &TenantId, form: &FormId) -> Result<(u64, Option<Value>), StoreError> {
        let Some(item) = self.item(key(&form_pk(tenant, form), SYNC)).await? else { return Ok((0, None)) };
        let rev = u64::try_from(number(&item, "rev")?).map_err(|error| unreadable(&error))?;
        Ok((rev, Some(serde_json::from_str(text(&item, "doc")?).map_err(corrupt)?)))
    }

    async fn save_sync_state(
        &self,
        tenant: &TenantId,
        form: &FormId,
        expected: u64,
        state: &Value,
    ) -> Result<(), StoreError> {
        let state = state.to_string();
        if state.len() > MAX_SYNC_STATE_BYTES {
            return Err(unreadable(&"sync state too large"));
        }
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(&form_pk(tenant, form), SYNC)))
            .item("v", n(ITEM_VERSION))
            .item("rev", n(expected + 1))
            .item("doc", s(state));
        put = if expected == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("rev = :expected").expression_attribute_values(":expected", n(expected))
        };
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn blocked_until(
        &self,
        tenant: &TenantId,
        page: &PageId,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let item = self.item(blocked_key(tenant, page)).await?;
        item.map(|item| number(&item, "blocked_until").map(UnixMillis)).transpose()
    }

    async fn block(&self, tenant: &TenantId, page: &PageId, until: UnixMillis) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(blocked_key(tenant, page)))
            .update_expression("SET blocked_until = :until, expires_at = :expires, v = :v")
            .condition_expression("attribute_not_exists(pk) OR blocked_until < :until")
            .expression_attribute_values(":until", n(until.0))
            .expression_attribute_values(":expires", n(until.secs() + DAY_S))
            .expression_attribute_values(":v", n(ITEM_VERSION));
        match update.send().await.map_err(|error| store_error(&error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn note_missing(&self, lead: &MissingLead) -> Result<(), StoreError> {
        self.put(missing_item(lead)?).await
    }
}
