//! Events of erased people: what was queued before their erasure must not reach Meta after it.
//!
//! An erasure leaves tombstones: the hashes by which Meta would know the person. Each process reads a tenant's list at
//! most once a minute. Where it can't be read, nothing of the tenant is sent.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::Value;

use super::batch::{Group, Item};
use super::{CONCURRENT_GROUPS, Dispatcher, Ports};
use crate::cache::{CONFIG_TTL_MS, TtlCache};
use crate::ids::TenantId;
use crate::message::QueuedEvent;
use crate::normalize::Sha256Hex;
use crate::ports::StoreError;
use crate::ports::erasure::{ErasureList as _, Tombstone};
use crate::time::UnixMillis;

/// Tenants whose lists one process remembers.
const CACHED_TENANTS: usize = 1_000;

/// How long after an erasure events may still come that were on their way to the queue, in milliseconds: a function
/// holds what it knew of a person for at most a minute.
const ON_ITS_WAY_MS: i64 = 60_000;

/// The keys of user_data that an erasure names.
const NAMED_KEYS: [&str; 3] = ["em", "ph", "external_id"];

/// Lists read lately.
pub(super) struct Erased(TtlCache<TenantId, Graves>);

impl Erased {
    pub(super) fn new() -> Self {
        Self(TtlCache::new(CONFIG_TTL_MS, CACHED_TENANTS))
    }
}

/// When whom was erased, by hash.
#[derive(Debug, Default)]
pub(super) struct Graves(HashMap<Sha256Hex, UnixMillis>);

impl FromIterator<Tombstone> for Graves {
    fn from_iter<I: IntoIterator<Item = Tombstone>>(tombstones: I) -> Self {
        let mut graves = HashMap::new();
        for Tombstone { sha256, erased_at } in tombstones {
            let latest = graves.entry(sha256).or_insert(erased_at);
            *latest = erased_at.max(*latest);
        }
        Self(graves)
    }
}

impl Graves {
    /// Whether an event, first queued at this instant, is of somebody who was erased since.
    pub(super) fn hold(&self, event: &QueuedEvent, queued_at: UnixMillis) -> bool {
        // With nobody erased, which is usual, events are not looked into.
        !self.0.is_empty()
            && named(event).iter().flat_map(hashes).any(|hash| {
                let erased_at = Sha256Hex::already(hash).ok().flatten().and_then(|hash| self.0.get(&hash));
                erased_at.is_some_and(|at| queued_at <= at.plus_ms(ON_ITS_WAY_MS))
            })
    }
}

/// Values of the keys that an erasure names.
fn named(event: &QueuedEvent) -> Vec<Value> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(default)]
        user_data: serde_json::Map<String, Value>,
    }
    // What is on the queue was read as an event before, so it is an object with user_data as one, where it has any.
    let Ok(Event { mut user_data }) = serde_json::from_str(event.json()) else { return Vec::new() };
    NAMED_KEYS.iter().filter_map(|key| user_data.remove(*key)).collect()
}

/// A text, or a list of them.
fn hashes(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(list.iter().filter_map(Value::as_str))
}

impl<P: Ports> Dispatcher<P> {
    /// Who of the tenant was erased; at most a minute old.
    pub(super) async fn graves(&self, tenant: &TenantId) -> Result<Arc<Graves>, StoreError> {
        if let Some(graves) = self.erased.0.get(tenant, self.now()) {
            return Ok(graves);
        }
        // Its age counts from before it was read.
        let asked_at = self.now();
        let graves = self.ports.events().tombstones(tenant).await?.into_iter().collect();
        Ok(self.erased.0.put(tenant.clone(), graves, asked_at))
    }

    /// Reads the lists of the groups' tenants, so that groups of one tenant, which are worked on at the same time, don't
    /// each read it. What can't be read here is tried again by the group.
    pub(super) async fn look_up_erased(&self, groups: &[Group]) {
        let sending = groups.iter().filter(|group| group.key.skip.is_none());
        let tenants: BTreeSet<&TenantId> = sending.map(|group| &group.key.tenant).collect();
        let reads: Vec<_> = tenants.into_iter().map(|tenant| self.graves(tenant)).collect();
        stream::iter(reads).buffer_unordered(CONCURRENT_GROUPS).for_each(|_| async {}).await;
    }

    /// Parts items into those to send and those of erased people.
    pub(super) async fn without_erased(
        &self,
        tenant: &TenantId,
        items: Vec<Item>,
    ) -> Result<(Vec<Item>, Vec<Item>), (Vec<Item>, StoreError)> {
        match self.graves(tenant).await {
            Ok(graves) => Ok(items.into_iter().partition(|item| !graves.hold(&item.event, item.queued_at))),
            Err(error) => Err((items, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> Sha256Hex {
        Sha256Hex::of(text).unwrap()
    }

    fn event(user_data: &Value) -> QueuedEvent {
        let json = serde_json::json!({"event_name": "Lead", "event_id": "e", "event_time": 1,
            "action_source": "website", "user_data": user_data});
        QueuedEvent::from_raw(serde_json::value::to_raw_value(&json).unwrap()).unwrap()
    }

    #[test]
    fn an_erased_person_is_known_by_each_key_whatever_its_form() {
        let graves: Graves =
            [Tombstone { sha256: hash("ann"), erased_at: UnixMillis(100_000) }].into_iter().collect();
        let ann = hash("ann").as_str().to_owned();
        let other = hash("bob").as_str().to_owned();
        for key in NAMED_KEYS {
            for value in
                [serde_json::json!(ann), serde_json::json!([other, ann]), serde_json::json!([7, ann])]
            {
                let event = event(&serde_json::json!({ key: value }));
                assert!(graves.hold(&event, UnixMillis(100_000)), "{}", event.json());
                assert!(graves.hold(&event, UnixMillis(160_000)));
                assert!(!graves.hold(&event, UnixMillis(160_001)), "posted anew after the erasure");
            }
        }
        assert!(!graves.hold(&event(&serde_json::json!({"em": [other], "fn": ann})), UnixMillis(0)));
        assert!(!graves.hold(&event(&serde_json::json!({"em": 7, "ph": null})), UnixMillis(0)));
    }

    #[test]
    fn the_latest_erasure_counts() {
        let at = |ms| Tombstone { sha256: hash("ann"), erased_at: UnixMillis(ms) };
        let graves: Graves = [at(900_000), at(5)].into_iter().collect();
        assert!(graves.hold(&event(&serde_json::json!({"em": hash("ann").as_str()})), UnixMillis(900_000)));
    }
}
