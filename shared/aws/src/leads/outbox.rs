//! What is still to be told: look-up items that hold ids and a time.

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{FeedbackState, OutboxEntry, OutboxTopic};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadOutbox;
use adrelay_core::time::UnixMillis;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::lead::feedback_key;
use super::{DynamoLeads, shard};
use crate::item::{ITEM_VERSION, Item, corrupt, key, n, s, store_error, text};
use crate::range::Range;

/// Parts of the outbox: one partition takes 1,000 writes a second (AWS: best practices for partition keys).
const SHARDS: u8 = 4;

/// Entries that one call gives at most.
const DUE_MAX: usize = 1_000;

fn sortable_ms(at: UnixMillis) -> String {
    format!("{:015}", at.0.clamp(0, 999_999_999_999_999))
}

fn entry_key(entry: &OutboxEntry) -> Item {
    let topic = match entry.topic {
        OutboxTopic::Created => "C".to_owned(),
        OutboxTopic::Feedback(nth) => format!("F{nth}"),
    };
    let sk = format!("{}#{}#{}#{topic}", sortable_ms(entry.due), entry.tenant, entry.lead);
    key(&format!("OUTBOX#{}", shard(&entry.lead, SHARDS)), &sk)
}

pub(super) fn entry_item(entry: &OutboxEntry) -> Item {
    let mut item = entry_key(entry);
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item
}

fn read_entry(sk: &str) -> Option<OutboxEntry> {
    let mut parts = sk.split('#');
    let entry = OutboxEntry {
        due: UnixMillis(parts.next()?.parse().ok()?),
        tenant: TenantId::parse(parts.next()?).ok()?,
        lead: LeadId::parse(parts.next()?).ok()?,
        topic: match parts.next()? {
            "C" => OutboxTopic::Created,
            stage => OutboxTopic::Feedback(stage.strip_prefix('F')?.parse().ok()?),
        },
    };
    parts.next().is_none().then_some(entry)
}

impl DynamoLeads {
    async fn due_in(&self, shard: u8, until: &str, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let pk = format!("OUTBOX#{shard}");
        let items = self.read(Range::new(&pk, "0", until), limit).await?;
        let mut entries = Vec::with_capacity(items.len());
        for item in items {
            let sk = text(&item, "sk")?;
            if let Some(entry) = read_entry(sk) {
                entries.push(entry);
            } else {
                // It must not stop all others.
                tracing::error!(pk, sk, "an entry of the outbox can't be read");
            }
        }
        Ok(entries)
    }

    /// What was noted first stays.
    async fn note_told(
        &self,
        entry: &OutboxEntry,
        nth: u64,
        state: &FeedbackState,
    ) -> Result<(), StoreError> {
        let json = |state: &FeedbackState| serde_json::to_string(state).map(s).map_err(corrupt);
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(feedback_key(&entry.tenant, &entry.lead, nth)))
            .update_expression("SET #state = :state")
            .condition_expression("#state = :pending")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", json(state)?)
            .expression_attribute_values(":pending", json(&FeedbackState::Pending)?);
        match update.send().await.map_err(|error| store_error(&error)) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl LeadOutbox for DynamoLeads {
    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        let (until, limit) = (sortable_ms(now.plus_ms(1)), limit.clamp(1, DUE_MAX));
        let shards: Vec<_> = (0..SHARDS).map(|shard| self.due_in(shard, &until, limit)).collect();
        let found: Vec<Vec<OutboxEntry>> =
            stream::iter(shards).buffer_unordered(usize::from(SHARDS)).try_collect().await?;
        let mut entries: Vec<OutboxEntry> = found.into_iter().flatten().collect();
        entries.sort();
        entries.truncate(limit);
        Ok(entries)
    }

    async fn done(&self, entry: &OutboxEntry) -> Result<(), StoreError> {
        self.delete(entry_key(entry)).await
    }

    async fn settle(&self, entry: &OutboxEntry, state: &FeedbackState) -> Result<(), StoreError> {
        if let OutboxTopic::Feedback(nth) = entry.topic {
            self.note_told(entry, nth, state).await?;
        }
        self.done(entry).await
    }

    async fn turn(&self, name: &str, now: UnixMillis, interval_ms: i64) -> Result<bool, StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key("TURN", name)))
            .update_expression("SET last_at = :now, v = :v")
            .condition_expression("attribute_not_exists(pk) OR last_at <= :before")
            .expression_attribute_values(":now", n(now.0))
            .expression_attribute_values(":before", n(now.0.saturating_sub(interval_ms)))
            .expression_attribute_values(":v", n(ITEM_VERSION));
        match update.send().await.map_err(|error| store_error(&error)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_from_its_key_alone() {
        for topic in [OutboxTopic::Created, OutboxTopic::Feedback(12)] {
            let tenant = TenantId::parse("acme").unwrap();
            let entry = OutboxEntry { due: UnixMillis(5), tenant, lead: LeadId::parse("9").unwrap(), topic };
            let item = entry_item(&entry);
            assert_eq!(read_entry(text(&item, "sk").unwrap()), Some(entry));
        }
        for bad in ["", "x#acme#9#C", "1#a b#9#C", "1#acme#x#C", "1#acme#9#D", "1#acme#9#F", "1#acme#9#C#"] {
            assert_eq!(read_entry(bad), None, "{bad}");
        }
    }
}
