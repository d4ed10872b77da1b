//! Waiting rooms: one item a message.

use adrelay_core::ids::{PixelId, TenantId};
use adrelay_core::message::{EventMessage, QueueMessage};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::waiting::{Parked, WaitingRoom};
use adrelay_core::receipt::RECEIPT_TTL_DAYS;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

use crate::events::DynamoEvents;
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, s, store_error, text};

const CONCURRENT_DELETIONS: usize = 10;

fn room_pk(tenant: &TenantId, pixel: &PixelId) -> String {
    format!("T#{tenant}#W#{pixel}")
}

/// Orders a room by time, and tells apart two parts of one message: after a crash between sending anew and deleting,
/// two messages of one name may hold different events.
fn sort_key(message: &EventMessage) -> String {
    let mut events = Sha256::new();
    for event in &message.events {
        events.update(event.head().event_id.as_str());
        events.update([0]);
        events.update(event.head().event_name.as_str());
        events.update([0]);
    }
    let events = hex::encode(&events.finalize()[..8]);
    format!("{:015}#{}#{events}", message.first_enqueued_at.0, message.id)
}

impl WaitingRoom for DynamoEvents {
    async fn park(&self, message: &EventMessage) -> Result<(), StoreError> {
        let body = QueueMessage::Events(message.clone()).to_body().map_err(corrupt)?;
        let expires_at = message.first_enqueued_at.secs() + RECEIPT_TTL_DAYS * 86_400;
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key(&room_pk(&message.tenant, &message.pixel_id), &sort_key(message))))
            .item("v", n(ITEM_VERSION))
            .item("body", s(body))
            .item("expires_at", n(expires_at));
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }

    async fn page(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        limit: usize,
    ) -> Result<Vec<Parked>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", s(room_pk(tenant, pixel)))
            .limit(i32::try_from(limit).unwrap_or(1).max(1));
        let found = query.send().await.map_err(|error| store_error(&error))?;
        let parked = found.items.unwrap_or_default().into_iter().map(|item| {
            match QueueMessage::parse(text(&item, "body")?).map_err(corrupt)? {
                QueueMessage::Events(message) => Ok(Parked { key: text(&item, "sk")?.to_owned(), message }),
                _ => Err(StoreError::Corrupt("no events".to_owned())),
            }
        });
        parked.collect()
    }

    async fn remove(&self, tenant: &TenantId, pixel: &PixelId, keys: &[String]) -> Result<(), StoreError> {
        let deletions: Vec<_> = keys.iter().map(|sk| self.delete(key(&room_pk(tenant, pixel), sk))).collect();
        stream::iter(deletions).buffer_unordered(CONCURRENT_DELETIONS).try_collect().await
    }
}

impl DynamoEvents {
    async fn delete(&self, key: Item) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        delete.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}
