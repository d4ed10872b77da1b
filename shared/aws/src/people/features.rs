//! What is counted of a person: a day's counts, a month's money, and the conversions that were counted.

use adrelay_core::ids::{ConversionKey, EventName};
use adrelay_core::money::Currency;
use adrelay_core::people::{Counted, Day, Features};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::Page;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};

use super::{DynamoPeople, unreadable};
use crate::item::{ITEM_VERSION, Item, key, n, s, store_error, text};

/// Days for which a day's counts are kept after it.
const DAY_ITEM_DAYS: i64 = 92;

/// Conversions that one day, or one month's money, counts. An item of so many has 68 kB, and each write costs as many
/// units; no human does more, but a source that posts one id for everybody does.
const MAX_REFS: usize = 2_000;

/// Days that one query of a list reads.
const DAYS_PER_STEP: i32 = 8;

/// Steps that one list takes at most: more days than are kept.
const STEPS_PER_LIST: usize = 32;

/// When a day's item ends, unix seconds.
pub(super) fn day_expires_at(at_s: i64) -> i64 {
    (at_s.div_euclid(86_400) + 1 + DAY_ITEM_DAYS) * 86_400
}

/// A conversion's place in time: unix seconds, then its key.
type Place = (i64, ConversionKey);

/// Ten digits sort as numbers do until the year 2286.
fn reference(at_s: i64, key: &ConversionKey) -> String {
    format!("{:010}.{key}", at_s.clamp(0, 9_999_999_999))
}

fn read_reference(text: &str) -> Option<Place> {
    let (at_s, key) = text.split_once('.')?;
    if at_s.len() != 10 || !at_s.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((at_s.parse().ok()?, ConversionKey::parse(key).ok()?))
}

/// The references of a day or month.
pub(super) fn references(item: &Item) -> &[String] {
    item.get("refs").and_then(|refs| refs.as_ss().ok()).map_or(&[], Vec::as_slice)
}

pub(super) fn places(item: &Item) -> Result<Vec<Place>, StoreError> {
    let read = |text: &String| read_reference(text).ok_or_else(|| unreadable(&"a reference"));
    references(item).iter().map(read).collect()
}

/// What one conversion adds to a day or month.
struct Addition {
    sk: String,
    attribute: String,
    amount: i64,
    reference: String,
    expires_at: Option<i64>,
}

impl DynamoPeople {
    /// Adds a conversion to its day, then to its month where it has money: whoever is interrupted in between and calls
    /// again goes on where it stopped.
    pub(super) async fn add_to_features(&self, pk: &str, conversion: &Counted) -> Result<(), StoreError> {
        let day = Day::of(conversion.at_s);
        let reference = reference(conversion.at_s, &conversion.key);
        let count = Addition {
            sk: format!("F#{}", day.as_str()),
            attribute: format!("c#{}", conversion.event_name),
            amount: 1,
            reference: reference.clone(),
            expires_at: Some(day_expires_at(conversion.at_s)),
        };
        self.add(pk, count).await?;
        let Some(money) = conversion.money else { return Ok(()) };
        let worth = Addition {
            sk: format!("V#{}", day.month()),
            attribute: format!("m#{}", money.currency),
            amount: money.minor,
            reference,
            expires_at: None,
        };
        self.add(pk, worth).await
    }

    async fn add(&self, pk: &str, addition: Addition) -> Result<(), StoreError> {
        let Addition { sk, attribute, amount, reference, expires_at } = addition;
        let expires = if expires_at.is_some() { ", expires_at = :expires_at" } else { "" };
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(pk, &sk)))
            .update_expression(format!("SET v = :v{expires} ADD #what :amount, refs :refs"))
            .condition_expression(
                "NOT contains(refs, :ref) AND (attribute_not_exists(refs) OR size(refs) < :max)",
            )
            .expression_attribute_names("#what", attribute)
            .expression_attribute_values(":v", n(ITEM_VERSION))
            .expression_attribute_values(":amount", n(amount))
            .expression_attribute_values(":refs", AttributeValue::Ss(vec![reference.clone()]))
            .expression_attribute_values(":ref", s(&reference))
            .expression_attribute_values(":max", n(MAX_REFS))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(at_s) = expires_at {
            update = update.expression_attribute_values(":expires_at", n(at_s));
        }
        let Err(error) = update.send().await else { return Ok(()) };
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(store_error(&error));
        };
        if !failed.item().is_some_and(|item| references(item).contains(&reference)) {
            // What goes to Meta must not depend on it.
            tracing::warn!(pk, sk, max = MAX_REFS, "more conversions than are counted");
        }
        Ok(())
    }

    pub(super) async fn read_features(&self, pk: &str, since: &Day) -> Result<Features, StoreError> {
        let mut features = Features::default();
        let from = format!("F#{}", since.as_str());
        for item in self.range(pk, (&from, "F#~"), usize::MAX).await? {
            let day = Day::read(text(&item, "sk")?.trim_start_matches("F#"));
            for (name, count) in amounts(&item, "c#") {
                let name = EventName::parse(name).map_err(|error| unreadable(&error))?;
                let count = u64::try_from(count?).map_err(|error| unreadable(&error))?;
                *features.days.entry(day.clone()).or_default().entry(name.to_string()).or_default() += count;
            }
            note_seen(&mut features, &item)?;
        }
        for item in self.range(pk, ("V#", "V#~"), usize::MAX).await? {
            for (code, minor) in amounts(&item, "m#") {
                let currency = Currency::parse(code).ok_or_else(|| unreadable(&"currency"))?;
                let total = features.totals_minor.entry(currency).or_default();
                *total = total.saturating_add(minor?);
            }
            note_seen(&mut features, &item)?;
        }
        Ok(features)
    }

    /// A page of what was counted, newest first. A cursor is the place of the next page's first, `<seconds>.<key>`, so
    /// that it holds for all parts of a person alike.
    pub(super) async fn page_of_keys(
        &self,
        pk: &str,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<Place>, StoreError> {
        let cursor = cursor.map(|text| read_reference(text).ok_or(StoreError::Conflict)).transpose()?;
        let to =
            cursor.as_ref().map_or("F#~".to_owned(), |(at_s, _)| format!("F#{}", Day::of(*at_s).as_str()));
        let limit = limit.max(1);
        let mut found: Vec<Place> = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..STEPS_PER_LIST {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .scan_index_forward(false)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", s(pk))
                .expression_attribute_values(":from", s("F#"))
                .expression_attribute_values(":to", s(&to))
                .projection_expression("refs")
                .limit(DAYS_PER_STEP)
                .set_exclusive_start_key(start.take());
            let answer = query.send().await.map_err(|error| store_error(&error))?;
            for item in answer.items.unwrap_or_default() {
                let mut of_day = places(&item)?;
                of_day.retain(|place| cursor.as_ref().is_none_or(|cursor| place <= cursor));
                of_day.sort_unstable_by(|one, other| other.cmp(one));
                found.extend(of_day);
                if found.len() > limit {
                    let next_cursor = Some(reference(found[limit].0, &found[limit].1));
                    found.truncate(limit);
                    return Ok(Page { items: found, next_cursor });
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(Page { items: found, next_cursor: None })
    }
}

/// The numbers under attributes with this prefix, by the rest of their names.
fn amounts<'a>(
    item: &'a Item,
    prefix: &'static str,
) -> impl Iterator<Item = (&'a str, Result<i64, StoreError>)> {
    item.iter().filter_map(move |(name, value)| {
        let amount = value.as_n().ok().and_then(|number| number.parse().ok());
        Some((name.strip_prefix(prefix)?, amount.ok_or_else(|| unreadable(&"an amount"))))
    })
}

fn note_seen(features: &mut Features, item: &Item) -> Result<(), StoreError> {
    for (at_s, _) in places(item)? {
        features.seen(at_s);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_sort_by_time_and_are_read_back() {
        let key = ConversionKey::parse("ABCDEFGHIJKLMNOPQRSTUV").unwrap();
        assert!(reference(999_999_999, &key) < reference(1_000_000_000, &key));
        assert_eq!(read_reference(&reference(7, &key)), Some((7, key)));
        for bad in [
            "",
            "7.ABCDEFGHIJKLMNOPQRSTUV",
            "0000000007.short",
            "0000000007",
            "+000000007.ABCDEFGHIJKLMNOPQRSTUV",
        ] {
            assert_eq!(read_reference(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_is_kept_for_92_days_after_its_end() {
        for at_s in [0, 86_399] {
            assert_eq!(day_expires_at(at_s), 93 * 86_400);
        }
        assert_eq!(day_expires_at(86_400), 94 * 86_400);
    }
}
