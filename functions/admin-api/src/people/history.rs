//! What a person did, and what was done to their record.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use adrelay_core::conversion::{CONVERSION_PURPOSE, ConversionBody};
use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::people::{Day, FEATURE_DAYS, Features, Tree};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{ConversionStore as _, MergeRecord, StoredConversion};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use serde_json::{Map, Value};

use super::UNKNOWN;
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call};
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;

/// Parts that are read at the same time.
const CONCURRENT: usize = 8;

/// What segments and rules ask of a person.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Features))]
pub(crate) struct FeaturesView {
    /// The person.
    person_id: String,
    /// Conversions of the last 90 days by UTC day and event name.
    days: BTreeMap<String, BTreeMap<String, u64>>,
    /// Worth of all conversions ever, in minor units by ISO 4217 code.
    totals_minor: BTreeMap<String, i64>,
    /// When the first conversion happened.
    #[cfg_attr(test, schema(format = DateTime))]
    first_seen: Option<String>,
    /// When the last conversion happened; to the day where no conversion of the last 90 days is counted.
    #[cfg_attr(test, schema(format = DateTime))]
    last_seen: Option<String>,
}

/// A conversion of a person.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = PersonEvent))]
pub(crate) struct ConversionView {
    /// Its name.
    event_name: String,
    /// Its id.
    event_id: String,
    /// When it happened, unix seconds.
    event_time: i64,
    /// The product that posted it.
    source_id: String,
    /// The part of the person that it came to.
    person_id: String,
    /// What it was worth.
    value: Option<MoneyView>,
    /// What its product told besides.
    #[cfg_attr(test, schema(value_type = BTreeMap<String, Value>))]
    metadata: Map<String, Value>,
    /// Where its receipts are: what of it was sent to Meta, under this id.
    receipts: String,
}

/// An amount of money.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Money))]
pub(crate) struct MoneyView {
    /// Whole minor units.
    pub(crate) minor: i64,
    /// ISO 4217 code.
    pub(crate) currency: &'static str,
}

/// A step in the history of merges.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Merge))]
pub(crate) struct MergeView {
    /// What was done.
    #[cfg_attr(test, schema(pattern = "^(merged|unmerged)$"))]
    action: &'static str,
    /// Who remains.
    winner_id: String,
    /// Who was merged, or separated.
    loser_id: String,
    /// When.
    #[cfg_attr(test, schema(format = DateTime))]
    at: String,
    /// The key's name, or `identity` where identifiers of one post brought them together.
    by: String,
}

impl From<MergeRecord> for MergeView {
    fn from(record: MergeRecord) -> Self {
        Self {
            action: if record.undone { "unmerged" } else { "merged" },
            winner_id: record.winner.to_string(),
            loser_id: record.loser.to_string(),
            at: record.at.rfc3339(),
            by: record.by,
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn get_features(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let tree = self.person(&tenant, &call.id(UNKNOWN)?).await?;
        let since = Day::of(self.now().secs() - (FEATURE_DAYS - 1) * 86_400);
        let people = self.ports.people();
        let of_parts = tree.nodes.iter().map(|node| people.features(&tenant, &node.person.id, &since));
        let found: Vec<Features> = stream::iter(of_parts.collect::<Vec<_>>())
            .buffered(CONCURRENT)
            .try_collect()
            .await
            .map_err(store)?;
        let mut features = Features::default();
        for part in &found {
            features.add(part);
        }
        let whole = tree.whole();
        for at_s in whole.first_seen.into_iter().chain(whole.last_seen) {
            features.seen(at_s);
        }
        let at = |at_s: Option<i64>| at_s.map(|at_s| UnixMillis::from_secs(at_s).rfc3339());
        let totals = features.totals_minor.into_iter();
        ok(&FeaturesView {
            person_id: whole.id.to_string(),
            days: features.days.into_iter().map(|(day, names)| (day.as_str().to_owned(), names)).collect(),
            totals_minor: totals.map(|(currency, minor)| (currency.to_string(), minor)).collect(),
            first_seen: at(features.first_seen),
            last_seen: at(features.last_seen),
        })
    }

    pub(crate) async fn list_person_events(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let tree = self.person(&tenant, &call.id(UNKNOWN)?).await?;
        let (keys, next_cursor) = self.newest_keys(&tenant, &tree, &asked).await?;
        let found = self.ports.people().conversions(&tenant, &keys).await.map_err(store)?;
        let mut by_key: HashMap<ConversionKey, StoredConversion> =
            found.into_iter().map(|conversion| (conversion.key.clone(), conversion)).collect();
        let mut items = Vec::with_capacity(keys.len());
        for conversion in keys.iter().filter_map(|key| by_key.remove(key)) {
            items.push(self.shown(&tenant, conversion).await?);
        }
        ok(&List { items, next_cursor })
    }

    /// A page of the keys of all parts' conversions, newest first. A cursor is a place in time and so counts for every
    /// part alike.
    async fn newest_keys(
        &self,
        tenant: &TenantId,
        tree: &Tree,
        asked: &Asked,
    ) -> Result<(Vec<ConversionKey>, Option<String>), Problem> {
        let limit = asked.limit;
        // One more than is shown: the next page begins with it.
        let of_parts = tree
            .nodes
            .iter()
            .map(|node| self.keys_of(tenant, &node.person.id, limit + 1, asked.cursor.clone()));
        let found: Vec<Vec<(i64, ConversionKey)>> =
            stream::iter(of_parts.collect::<Vec<_>>()).buffered(CONCURRENT).try_collect().await.map_err(
                |error| match error {
                    // The only condition of a read is that its cursor is one of ours.
                    StoreError::Conflict => bad_cursor(),
                    other => store(other),
                },
            )?;
        let mut keys: Vec<(i64, ConversionKey)> = found.into_iter().flatten().collect();
        keys.sort_by_key(|key| Reverse(key.clone()));
        let next = keys.get(limit).map(|(at_s, key)| format!("{at_s:010}.{key}"));
        keys.truncate(limit);
        Ok((keys.into_iter().map(|(_, key)| key).collect(), next))
    }

    /// The `limit` newest keys of a part from the cursor on, fewer only where it has no more.
    async fn keys_of(
        &self,
        tenant: &TenantId,
        part: &PersonId,
        limit: usize,
        mut cursor: Option<String>,
    ) -> Result<Vec<(i64, ConversionKey)>, StoreError> {
        let mut keys = Vec::new();
        loop {
            let people = self.ports.people();
            let page = people.conversion_keys(tenant, part, limit - keys.len(), cursor.as_deref()).await?;
            keys.extend(page.items);
            if page.next_cursor.is_none() || keys.len() >= limit {
                return Ok(keys);
            }
            cursor = page.next_cursor;
        }
    }

    async fn shown(
        &self,
        tenant: &TenantId,
        conversion: StoredConversion,
    ) -> Result<ConversionView, Problem> {
        let key = conversion.key.as_str();
        let opened =
            self.pii.open(tenant, key, CONVERSION_PURPOSE, &conversion.sealed).await.map_err(store)?;
        let body: ConversionBody = serde_json::from_str(opened.expose())
            .map_err(|_| store(StoreError::Corrupt("conversion unreadable".to_owned())))?;
        let id: String = form_urlencoded::byte_serialize(conversion.event_id.as_str().as_bytes()).collect();
        Ok(ConversionView {
            event_name: conversion.event_name.to_string(),
            event_id: conversion.event_id.to_string(),
            event_time: conversion.at_s,
            source_id: conversion.source.to_string(),
            person_id: conversion.person.to_string(),
            value: conversion
                .money
                .map(|money| MoneyView { minor: money.minor, currency: money.currency.as_str() }),
            metadata: body.metadata,
            // A path writes a blank as %20, a form as +; a plus is %2B in both.
            receipts: format!("/api/v1/events/{}", id.replace('+', "%20")),
        })
    }
}
