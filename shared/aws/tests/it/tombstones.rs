//! Tombstones of erased people.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::TenantId;
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::erasure::{ErasureList as _, ErasureWriter as _, MAX_BURIED_HASHES, Tombstone};
use adrelay_core::time::UnixMillis;

use crate::support::{NOON, TABLE, dynamodb, item, tenant};

fn hash(text: &str) -> Sha256Hex {
    Sha256Hex::of(text).unwrap()
}

fn hashes(count: usize) -> Vec<Sha256Hex> {
    (0..count).map(|n| hash(&n.to_string())).collect()
}

async fn list(store: &DynamoEvents, tenant: &TenantId) -> Vec<Tombstone> {
    let mut tombstones = store.tombstones(tenant).await.unwrap();
    tombstones.sort_by_key(|tombstone| tombstone.sha256);
    tombstones
}

#[tokio::test]
async fn who_is_buried_is_listed_for_that_tenant_alone() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let buried = hashes(3);
    store.bury(&tenant(), &buried, NOON).await.unwrap();
    let mut expected: Vec<Tombstone> =
        buried.into_iter().map(|sha256| Tombstone { sha256, erased_at: NOON }).collect();
    expected.sort_by_key(|tombstone| tombstone.sha256);
    assert_eq!(list(&store, &tenant()).await, expected);
    assert!(list(&store, &TenantId::parse("other").unwrap()).await.is_empty());
}

#[tokio::test]
async fn of_two_erasures_the_later_counts_in_whichever_order_they_come() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    for (later_ms, expected) in [(5, 5), (0, 5), (5, 5), (9, 9)] {
        store.bury(&tenant(), &[hash("ann")], NOON.plus_ms(later_ms)).await.unwrap();
        let erased_at: Vec<UnixMillis> = list(&store, &tenant()).await.iter().map(|t| t.erased_at).collect();
        assert_eq!(erased_at, [NOON.plus_ms(expected)]);
    }
}

#[tokio::test]
async fn tombstones_end_after_15_days() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    store.bury(&tenant(), &[hash("ann")], NOON).await.unwrap();
    let stored = item(&client, "T#acme#ERASED", hash("ann").as_str()).await.unwrap();
    let expires_at: i64 = stored["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 15 * 86_400);
}

#[tokio::test]
async fn one_erasure_has_a_limit_and_a_store_that_is_gone_is_an_error() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    assert!(store.bury(&tenant(), &hashes(MAX_BURIED_HASHES + 1), NOON).await.is_err());
    assert!(list(&store, &tenant()).await.is_empty());
    let gone = DynamoEvents::new(dynamodb().await, "no such table".to_owned());
    assert!(gone.bury(&tenant(), &hashes(2), NOON).await.is_err());
    assert!(gone.tombstones(&tenant()).await.is_err());
}
