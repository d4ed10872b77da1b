//! Conversions, what is counted of them, and what they fired once.

use std::collections::btree_map::Entry;
use std::ops::Bound;

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::people::{Counted, Day, Features};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{ConversionStore, OnceMark, Stored, StoredConversion};
use adrelay_core::ports::receipts::Page;

use super::{MemoryPeople, Place};

/// A place as a cursor tells it: `<10-digit seconds>.<conversion key>`.
fn read_place(text: &str) -> Result<Place, StoreError> {
    let (at_s, key) = text.split_once('.').ok_or(StoreError::Conflict)?;
    let at_s = at_s.parse().map_err(|_| StoreError::Conflict)?;
    Ok((at_s, ConversionKey::parse(key).map_err(|_| StoreError::Conflict)?))
}

impl ConversionStore for MemoryPeople {
    async fn store(&self, conversion: &StoredConversion) -> Result<Stored, StoreError> {
        self.0
            .call("store", |state| {
                let key = (conversion.tenant.clone(), conversion.key.clone());
                if let Some(before) = state.conversions.get(&key) {
                    return Ok(Stored::Before(Box::new(before.clone())));
                }
                state.conversions.insert(key, conversion.clone());
                state.writes += 1;
                Ok(Stored::New)
            })
            .await
    }

    async fn conversions(
        &self,
        tenant: &TenantId,
        keys: &[ConversionKey],
    ) -> Result<Vec<StoredConversion>, StoreError> {
        self.0
            .call("conversions", |state| {
                let of_tenant = state.conversions.values().filter(|stored| stored.tenant == *tenant);
                Ok(of_tenant.filter(|stored| keys.contains(&stored.key)).cloned().collect())
            })
            .await
    }

    async fn count(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        conversion: &Counted,
    ) -> Result<(), StoreError> {
        self.0
            .call("count", |state| {
                let (whose, place) =
                    ((tenant.clone(), person.clone()), (conversion.at_s, conversion.key.clone()));
                let days = state.counted.entry(whose.clone()).or_default();
                if let Entry::Vacant(new) = days.entry(place.clone()) {
                    new.insert(conversion.event_name.clone());
                    state.writes += 1;
                }
                let Some(money) = conversion.money else { return Ok(()) };
                if let Entry::Vacant(new) = state.money.entry(whose).or_default().entry(place) {
                    new.insert(money);
                    state.writes += 1;
                }
                Ok(())
            })
            .await
    }

    async fn features(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        since: &Day,
    ) -> Result<Features, StoreError> {
        self.0
            .call("features", |state| {
                let whose = (tenant.clone(), person.clone());
                let mut features = Features::default();
                for ((at_s, _), name) in state.counted.get(&whose).into_iter().flatten() {
                    let day = Day::of(*at_s);
                    if day >= *since {
                        *features.days.entry(day).or_default().entry(name.to_string()).or_default() += 1;
                        features.seen(*at_s);
                    }
                }
                for ((at_s, _), money) in state.money.get(&whose).into_iter().flatten() {
                    let total = features.totals_minor.entry(money.currency).or_default();
                    *total = total.saturating_add(money.minor);
                    features.seen(*at_s);
                }
                Ok(features)
            })
            .await
    }

    async fn conversion_keys(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Page<(i64, ConversionKey)>, StoreError> {
        let upper = cursor.map(read_place).transpose()?.map_or(Bound::Unbounded, Bound::Included);
        self.0
            .call("conversion_keys", |state| {
                let Some(counted) = state.counted.get(&(tenant.clone(), person.clone())) else {
                    return Ok(Page { items: Vec::new(), next_cursor: None });
                };
                let mut places =
                    counted.range((Bound::Unbounded, upper)).rev().map(|(place, _)| place.clone());
                let items: Vec<Place> = places.by_ref().take(limit).collect();
                let next_cursor = places.next().map(|(at_s, key)| format!("{at_s:010}.{key}"));
                Ok(Page { items, next_cursor })
            })
            .await
    }

    async fn once(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        mark: &OnceMark,
        conversion: &ConversionKey,
    ) -> Result<ConversionKey, StoreError> {
        self.0
            .call("once", |state| {
                let marks = state.marks.entry((tenant.clone(), person.clone())).or_default();
                let mark = (mark.rule.clone(), mark.nth, mark.period.clone());
                if let Some(holder) = marks.get(&mark) {
                    return Ok(holder.clone());
                }
                marks.insert(mark, conversion.clone());
                state.writes += 1;
                Ok(conversion.clone())
            })
            .await
    }

    async fn remove_conversions(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<bool, StoreError> {
        self.0
            .call("remove_conversions", |state| {
                let whose = (tenant.clone(), person.clone());
                state.marks.remove(&whose);
                state.money.remove(&whose);
                state.merges.remove(&whose);
                state.writes += 1;
                let Some(counted) = state.counted.get_mut(&whose) else { return Ok(true) };
                for _ in 0..limit.max(1) {
                    let Some(((_, key), _)) = counted.pop_first() else { break };
                    let key = (tenant.clone(), key);
                    if state.conversions.get(&key).is_some_and(|stored| stored.person == *person) {
                        state.conversions.remove(&key);
                    }
                }
                Ok(counted.is_empty())
            })
            .await
    }
}
