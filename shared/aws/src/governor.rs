//! Ledgers of the governor, with optimistic locking, and the gate of the synchronous endpoint.

use adrelay_core::dispatch::governor::Ledger;
use adrelay_core::ids::{KeyId, PixelId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::governor::{GovernorStore, RateGate, Versioned};
use adrelay_core::time::UnixMillis;

use crate::events::DynamoEvents;
use crate::item::{ITEM_VERSION, corrupt, key, n, number, s, store_error, text};

/// A ledger nobody has touched for this long says nothing any more, in seconds: a day.
const LEDGER_TTL_S: i64 = 86_400;

/// How long a passage is remembered, in seconds: an hour.
const PASSAGE_TTL_S: i64 = 3_600;

fn ledger_pk(tenant: &TenantId, pixel: &PixelId) -> String {
    format!("T#{tenant}#G#{pixel}")
}

impl GovernorStore for DynamoEvents {
    async fn load(&self, tenant: &TenantId, pixel: &PixelId) -> Result<Versioned, StoreError> {
        let key = key(&ledger_pk(tenant, pixel), "GOVERNOR");
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let Some(item) = get.send().await.map_err(|error| store_error(&error))?.item else {
            return Ok(Versioned::default());
        };
        let version =
            u64::try_from(number(&item, "version")?).map_err(|_| StoreError::Corrupt("version".into()))?;
        Ok(Versioned { version, ledger: serde_json::from_str(text(&item, "doc")?).map_err(corrupt)? })
    }

    async fn save(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        expected: u64,
        ledger: &Ledger,
    ) -> Result<(), StoreError> {
        let latest =
            ledger.leases.iter().map(|lease| lease.until).chain(ledger.wait_until).chain(ledger.probe_due);
        let latest =
            latest.chain(ledger.proven_until).chain(ledger.bookings.last().map(|booking| booking.at));
        let expires_at = latest.max().map_or(0, UnixMillis::secs) + LEDGER_TTL_S;
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(&ledger_pk(tenant, pixel), "GOVERNOR")))
            .item("v", n(ITEM_VERSION))
            .item("version", n(expected + 1))
            .item("doc", s(serde_json::to_string(ledger).map_err(corrupt)?))
            .item("expires_at", n(expires_at));
        put = if expected == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :expected")
                .expression_attribute_values(":expected", n(expected))
        };
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}

impl RateGate for DynamoEvents {
    async fn pass(
        &self,
        tenant: &TenantId,
        key_id: &KeyId,
        now: UnixMillis,
        interval_ms: i64,
    ) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&format!("T#{tenant}#R#{key_id}"), "RATE")))
            .update_expression("SET last_at = :now, expires_at = :expires, v = :v")
            .condition_expression("attribute_not_exists(pk) OR last_at <= :before")
            .expression_attribute_values(":now", n(now.0))
            .expression_attribute_values(":before", n(now.0.saturating_sub(interval_ms)))
            .expression_attribute_values(":expires", n(now.secs() + PASSAGE_TTL_S))
            .expression_attribute_values(":v", n(ITEM_VERSION));
        match update.send().await.map_err(|error| store_error(&error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
