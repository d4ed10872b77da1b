//! What `ErasureList` and `ErasureWriter` promise, of the table and of what stands for it in other tests.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::TenantId;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ErasureList, ErasureWriter as _, MAX_BURIED_HASHES, Tombstone};
use adrelay_core::time::UnixMillis;

use crate::contract::contract;
use crate::events_data::Events;
use crate::support::{NOON, TABLE, dynamodb, item, tenant};

contract!(adrelay_aws::events::DynamoEvents::new, crate::support::dynamodb, fakes::MemoryEvents::default;
    who_is_buried_is_listed_for_that_tenant_alone,
    of_two_erasures_the_later_counts_in_whichever_order_they_come,
    one_erasure_buries_no_more_than_a_thousand_hashes,
    burying_nobody_is_no_error,
);

fn hash(text: &str) -> Sha256Hex {
    Sha256Hex::of(text).unwrap()
}

fn hashes(count: usize) -> Vec<Sha256Hex> {
    (0..count).map(|n| hash(&n.to_string())).collect()
}

/// Tombstones of these hashes, of one instant.
fn buried(hashes: &[Sha256Hex], erased_at: UnixMillis) -> Vec<Tombstone> {
    let mut tombstones: Vec<_> = hashes.iter().map(|&sha256| Tombstone { sha256, erased_at }).collect();
    tombstones.sort_by_key(|tombstone| tombstone.sha256);
    tombstones
}

async fn list(store: &impl ErasureList, tenant: &TenantId) -> Vec<Tombstone> {
    let mut tombstones = store.tombstones(tenant).await.unwrap();
    tombstones.sort_by_key(|tombstone| tombstone.sha256);
    tombstones
}

async fn who_is_buried_is_listed_for_that_tenant_alone(store: &impl Events) {
    let other = TenantId::parse("other").unwrap();
    store.bury(&tenant(), &hashes(3), NOON).await.unwrap();
    store.bury(&other, &hashes(1), NOON.plus_ms(1)).await.unwrap();
    assert_eq!(list(store, &tenant()).await, buried(&hashes(3), NOON));
    assert_eq!(list(store, &other).await, buried(&hashes(1), NOON.plus_ms(1)));
    assert_eq!(list(store, &TenantId::parse("nobody").unwrap()).await, []);
}

async fn of_two_erasures_the_later_counts_in_whichever_order_they_come(store: &impl Events) {
    for (later_ms, expected) in [(5, 5), (0, 5), (5, 5), (9, 9)] {
        // Its neighbours are written whatever stands there of it.
        let together = [hash(&later_ms.to_string()), hash("ann"), hash("bob")];
        store.bury(&tenant(), &together, NOON.plus_ms(later_ms)).await.unwrap();
        let listed = list(store, &tenant()).await;
        let of = |whose: Sha256Hex| {
            let found = listed.iter().filter(move |tombstone| tombstone.sha256 == whose);
            found.map(|tombstone| tombstone.erased_at).collect::<Vec<_>>()
        };
        assert_eq!(of(hash("ann")), [NOON.plus_ms(expected)]);
        assert_eq!(of(hash("bob")), [NOON.plus_ms(expected)]);
    }
    assert_eq!(list(store, &tenant()).await.len(), 5);
}

async fn one_erasure_buries_no_more_than_a_thousand_hashes(store: &impl Events) {
    let refused = store.bury(&tenant(), &hashes(MAX_BURIED_HASHES + 1), NOON).await;
    assert_eq!(refused, Err(StoreError::Unavailable("more hashes than one erasure buries".to_owned())));
    assert_eq!(list(store, &tenant()).await, []);
}

async fn burying_nobody_is_no_error(store: &impl Events) {
    assert_eq!(store.bury(&tenant(), &[], NOON).await, Ok(()));
    assert_eq!(list(store, &tenant()).await, []);
}

#[tokio::test]
async fn one_erasure_buries_a_thousand_hashes() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    store.bury(&tenant(), &hashes(MAX_BURIED_HASHES), NOON).await.unwrap();
    assert_eq!(list(&store, &tenant()).await, buried(&hashes(MAX_BURIED_HASHES), NOON));
}

#[tokio::test]
async fn tombstones_end_15_days_after_the_later_erasure() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    for at in [NOON, NOON.plus_ms(60_000), NOON] {
        store.bury(&tenant(), &[hash("ann")], at).await.unwrap();
    }
    let stored = item(&client, "T#acme#ERASED", hash("ann").as_str()).await.unwrap();
    let expires_at: i64 = stored["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 60 + 15 * 86_400);
}

#[tokio::test]
async fn a_store_that_is_gone_is_an_error() {
    let gone = DynamoEvents::new(dynamodb().await, "no-such-table".to_owned());
    let unavailable = StoreError::Unavailable("ResourceNotFoundException".to_owned());
    assert_eq!(gone.bury(&tenant(), &hashes(2), NOON).await, Err(unavailable.clone()));
    assert_eq!(gone.tombstones(&tenant()).await, Err(unavailable));
}
