//! Receipts: what capi-dispatch writes. What admin-api reads is in [`crate::listing`].
//!
//! A fresh receipt is one conditional write. Where there is one already, the failed condition brings it along, and a
//! second write does what is right: a receipt that is not `sent` gets its new status; `sent` is never replaced.
//!
//! Copies are counted by this rule: a message counts all its copies when it writes to a receipt first. When it comes
//! again (a redelivery, or its next attempt) it counts those beyond one, which other messages in its batch brought.
//! The receipt remembers who wrote: `message` decided last, and from the second message on `seen` holds the first
//! [`SEEN_MAX`] of them, so that two messages that wait in turns are not counted at each attempt.

use std::collections::HashMap;

use adrelay_core::ids::MessageId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::{Known, ReceiptWriter};
use adrelay_core::receipt::{BatchIndexEntry, Outcome, RECEIPT_TTL_DAYS, ReceiptKey, Status, Trust};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use futures_util::stream::{self, StreamExt as _};

use crate::batch::batch_get;
use crate::events::DynamoEvents;
use crate::index;
use crate::item::{ITEM_VERSION, Item, key, n, number, optional_text, s, store_error};

/// Receipts written at the same time.
const CONCURRENT_WRITES: usize = 32;

/// Messages that a receipt remembers; those beyond are counted whenever they come. Keeps it below 1 KB.
const SEEN_MAX: usize = 10;

/// Tries to settle a receipt that others keep writing.
const RACE_TRIES: u32 = 4;

pub(crate) fn receipt_pk(key: &ReceiptKey) -> String {
    format!("T#{}#E#{}", key.tenant, key.event_id)
}

pub(crate) fn receipt_sk(key: &ReceiptKey) -> String {
    format!("{}#{}#{}", trust_letter(key.trust), key.pixel_id, key.event_name)
}

pub(crate) const fn trust_letter(trust: Trust) -> &'static str {
    match trust {
        Trust::Server => "s",
        Trust::Public => "p",
    }
}

impl ReceiptWriter for DynamoEvents {
    async fn known(&self, keys: &[ReceiptKey]) -> Result<HashMap<ReceiptKey, Known>, StoreError> {
        let found = self.receipts_of(keys, "pk, sk, #status, message").await?;
        let known = |(key, item): (ReceiptKey, Item)| {
            let status = optional_text(&item, "status").and_then(Status::parse)?;
            let message = optional_text(&item, "message").and_then(|text| MessageId::parse(text).ok());
            Some((key, Known { status, message }))
        };
        Ok(found.into_iter().filter_map(known).collect())
    }

    async fn record(&self, outcomes: &[Outcome]) -> Vec<Result<(), StoreError>> {
        let writes: Vec<_> = outcomes.iter().map(|outcome| self.record_one(outcome)).collect();
        stream::iter(writes).buffered(CONCURRENT_WRITES).collect().await
    }

    async fn index(&self, entries: &[BatchIndexEntry]) -> Result<(), StoreError> {
        for item in entries.iter().flat_map(index::items) {
            let put = self.client.put_item().table_name(&self.table).set_item(Some(item?));
            put.send().await.map_err(|error| store_error(&error))?;
        }
        Ok(())
    }
}

/// What stands in a receipt that was there first.
struct Before {
    sent: bool,
    message: String,
    seen: Vec<String>,
}

impl Before {
    fn read(item: &Item) -> Self {
        let seen = item.get("seen").and_then(|value| value.as_ss().ok());
        Self {
            sent: optional_text(item, "status") == Some(Status::Sent.as_str()),
            message: optional_text(item, "message").unwrap_or_default().to_owned(),
            seen: seen.cloned().unwrap_or_default(),
        }
    }

    fn knows(&self, message: &MessageId) -> bool {
        self.message == message.as_str() || self.seen.iter().any(|seen| seen == message.as_str())
    }
}

impl DynamoEvents {
    async fn record_one(&self, outcome: &Outcome) -> Result<(), StoreError> {
        let (expression, fresh) = self.set_facts(outcome);
        let fresh = fresh
            .update_expression(format!("{expression} ADD copies :copies"))
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_values(":copies", n(outcome.copies));
        let Some(mut before) = self.try_update(fresh).await? else { return Ok(()) };
        for _ in 0..RACE_TRIES {
            let Some(update) = self.further(&before, outcome) else { return Ok(()) };
            match self.try_update(update).await? {
                None => return Ok(()),
                Some(now) => before = now,
            }
        }
        Err(StoreError::Conflict)
    }

    /// The write to a receipt that is there already; `None` where nothing changes. It holds only while the receipt
    /// stands as it was read, as far as the write depends on it.
    fn further(&self, before: &Before, outcome: &Outcome) -> Option<UpdateItemFluentBuilder> {
        let known = before.knows(&outcome.message);
        let copies = if known { outcome.copies.saturating_sub(1) } else { outcome.copies };
        if before.sent && copies == 0 {
            return None;
        }
        let (expression, mut update) =
            if before.sent { (String::new(), self.update(outcome)) } else { self.set_facts(outcome) };
        let mut add = "ADD copies :copies".to_owned();
        let mut condition = if before.sent { "#status = :sent" } else { "#status <> :sent" }.to_owned();
        if !known && before.seen.len() < SEEN_MAX {
            add.push_str(", seen :seen");
            condition.push_str(" AND message = :before AND NOT contains(seen, :written)");
            let seen = vec![before.message.clone(), outcome.message.to_string()];
            update = update
                .expression_attribute_values(":seen", AttributeValue::Ss(seen))
                .expression_attribute_values(":before", s(before.message.as_str()))
                .expression_attribute_values(":written", s(outcome.message.as_str()));
        }
        let update = update
            .update_expression(format!("{expression} {add}"))
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":sent", s(Status::Sent.as_str()))
            .expression_attribute_values(":copies", n(copies));
        Some(update)
    }

    fn update(&self, outcome: &Outcome) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&receipt_pk(&outcome.key), &receipt_sk(&outcome.key))))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// An update that sets the outcome's facts, and its expression so far. What the outcome does not have is removed.
    fn set_facts(&self, outcome: &Outcome) -> (String, UpdateItemFluentBuilder) {
        let expires_at = outcome.at.secs() + RECEIPT_TTL_DAYS * 86_400;
        let keys = outcome.user_data_keys.join(",");
        let keys_before = outcome.held.as_ref().map(|held| held.keys_before.join(",")).unwrap_or_default();
        let mut set = vec![
            ("v", n(ITEM_VERSION)),
            ("status", s(outcome.status.as_str())),
            ("source", s(outcome.source.as_str())),
            ("attempts", n(outcome.attempts)),
            ("event_time", n(outcome.event_time)),
            ("queued_at", n(outcome.queued_at.0)),
            ("updated_at", n(outcome.at.0)),
            ("message", s(outcome.message.as_str())),
            ("expires_at", n(expires_at)),
        ];
        let mut remove = Vec::new();
        for (name, value) in [
            ("reason", outcome.reason.as_deref().map(s)),
            ("code", outcome.code.map(n)),
            ("subcode", outcome.subcode.map(n)),
            ("fbtrace_id", outcome.fbtrace_id.as_deref().map(s)),
            ("next_try_at", outcome.next_try_at.map(|at| n(at.0))),
            ("user_data_keys", (!keys.is_empty()).then(|| s(keys))),
            ("held_since", outcome.held.as_ref().map(|held| n(held.since.0))),
            ("keys_before", (!keys_before.is_empty()).then(|| s(keys_before))),
        ] {
            match value {
                Some(value) => set.push((name, value)),
                None => remove.push(name),
            }
        }
        let assignments: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let removals: Vec<String> = remove.iter().map(|name| format!("#{name}")).collect();
        let mut expression = format!("SET {}", assignments.join(", "));
        if !removals.is_empty() {
            expression.push_str(" REMOVE ");
            expression.push_str(&removals.join(", "));
        }
        let mut update = self.update(outcome);
        for (name, value) in set {
            update = update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        for name in remove {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        (expression, update)
    }

    /// Carries out a conditional update; gives what stands there where the condition did not hold.
    async fn try_update(&self, update: UpdateItemFluentBuilder) -> Result<Option<Before>, StoreError> {
        let Err(error) = update.send().await else { return Ok(None) };
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(store_error(&error));
        };
        let item = failed.item().ok_or(StoreError::Conflict)?;
        Ok(Some(Before::read(item)))
    }

    /// Receipts by key, with the attributes of `projection`; absent where there are none.
    pub(crate) async fn receipts_of(
        &self,
        keys: &[ReceiptKey],
        projection: &str,
    ) -> Result<HashMap<ReceiptKey, Item>, StoreError> {
        let mut by_item: HashMap<(String, String), &ReceiptKey> = HashMap::with_capacity(keys.len());
        for key in keys {
            by_item.insert((receipt_pk(key), receipt_sk(key)), key);
        }
        let wanted: Vec<Item> = by_item.keys().map(|(pk, sk)| key(pk, sk)).collect();
        let mut found = HashMap::new();
        for item in batch_get(&self.client, &self.table, &wanted, projection).await? {
            let (Some(pk), Some(sk)) = (optional_text(&item, "pk"), optional_text(&item, "sk")) else {
                continue;
            };
            if let Some(key) = by_item.get(&(pk.to_owned(), sk.to_owned())) {
                found.insert((*key).clone(), item);
            }
        }
        Ok(found)
    }
}

/// A count that an item may lack.
pub(crate) fn count(item: &Item, name: &str) -> u32 {
    number(item, name).ok().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}
