//! Ledgers and the rate gate.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::dispatch::governor::Ledger;
use adrelay_core::ids::KeyId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::governor::{GovernorStore as _, RateGate as _, Versioned};

use crate::support::{NOON, TABLE, dynamodb, pixel, tenant};

#[tokio::test]
async fn a_ledger_is_saved_only_over_the_version_that_was_read() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let empty = store.load(&tenant(), &pixel()).await.unwrap();
    assert_eq!(empty, Versioned::default());
    let mut ledger = Ledger::default();
    ledger.book(NOON, 1_000).unwrap();
    ledger.wait(NOON.plus_ms(60_000));
    store.save(&tenant(), &pixel(), 0, &ledger).await.unwrap();
    assert_eq!(store.save(&tenant(), &pixel(), 0, &Ledger::default()).await, Err(StoreError::Conflict));
    let read = store.load(&tenant(), &pixel()).await.unwrap();
    assert_eq!(read, Versioned { version: 1, ledger });
    store.save(&tenant(), &pixel(), 1, &Ledger::default()).await.unwrap();
    assert_eq!(store.save(&tenant(), &pixel(), 1, &read.ledger).await, Err(StoreError::Conflict));
    assert_eq!(store.save(&tenant(), &pixel(), 9, &read.ledger).await, Err(StoreError::Conflict));
    assert_eq!(store.load(&tenant(), &pixel()).await.unwrap().version, 2);
}

#[tokio::test]
async fn of_concurrent_saves_one_wins() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let (tenant, pixel, ledger) = (tenant(), pixel(), Ledger::default());
    let saves = futures_util::future::join_all((0..8).map(|_| store.save(&tenant, &pixel, 0, &ledger))).await;
    assert_eq!(saves.iter().filter(|save| save.is_ok()).count(), 1, "{saves:?}");
}

#[tokio::test]
async fn a_key_passes_once_an_interval() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let (tenant, key) = (tenant(), KeyId::parse("key_1").unwrap());
    let other = KeyId::parse("key_2").unwrap();
    assert!(store.pass(&tenant, &key, NOON, 1_000).await.unwrap());
    assert!(!store.pass(&tenant, &key, NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(store.pass(&tenant, &other, NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(
        store.pass(&tenant, &key, NOON.plus_ms(1_000), 1_000).await.unwrap(),
        "the refused try did not count"
    );
    assert!(!store.pass(&tenant, &key, NOON.plus_ms(1_999), 1_000).await.unwrap());
}
