//! The waiting room.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ports::waiting::WaitingRoom as _;

use crate::support::{NOON, TABLE, dynamodb, message, partition, pixel, tenant};

#[tokio::test]
async fn messages_leave_in_the_order_in_which_they_were_queued_first() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    for (id, later_ms) in [("m2", 20), ("m1", 10), ("m3", 30)] {
        store.park(&message(id, NOON.plus_ms(later_ms), &["e1", "e2"])).await.unwrap();
    }
    let page = store.page(&tenant(), &pixel(), 2).await.unwrap();
    let found: Vec<&str> = page.iter().map(|parked| parked.message.id.as_str()).collect();
    assert_eq!(found, ["m1", "m2"]);
    assert_eq!(page[0].message.events.len(), 2);
    assert_eq!(page[0].message.events[0].json(), message("m1", NOON, &["e1"]).events[0].json());
    let keys: Vec<String> = page.into_iter().map(|parked| parked.key).collect();
    store.remove(&tenant(), &pixel(), &keys).await.unwrap();
    let left = store.page(&tenant(), &pixel(), 10).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].message.id.as_str(), "m3");
}

#[tokio::test]
async fn a_message_that_is_parked_twice_waits_once() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let parked = message("m1", NOON, &["e1"]);
    store.park(&parked).await.unwrap();
    store.park(&parked).await.unwrap();
    assert_eq!(store.page(&tenant(), &pixel(), 10).await.unwrap().len(), 1);
    let items = partition(&client, "T#acme#W#1234567890123456").await;
    assert_eq!(items.len(), 1);
    assert!(items[0].contains_key("expires_at"));
}

#[tokio::test]
async fn parts_of_one_message_that_are_parked_apart_all_wait() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    store.park(&message("m1", NOON, &["e1"])).await.unwrap();
    store.park(&message("m1", NOON, &["e2", "e3"])).await.unwrap();
    let events: usize =
        store.page(&tenant(), &pixel(), 10).await.unwrap().iter().map(|p| p.message.events.len()).sum();
    assert_eq!(events, 3, "the second part must not replace the first");
}

#[tokio::test]
async fn more_messages_than_one_write_removes_are_removed() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    for n in 0..60_i64 {
        store.park(&message(&format!("m{n}"), NOON.plus_ms(n), &["e"])).await.unwrap();
    }
    let page = store.page(&tenant(), &pixel(), 100).await.unwrap();
    let keys: Vec<String> = page.into_iter().map(|parked| parked.key).collect();
    assert_eq!(keys.len(), 60);
    store.remove(&tenant(), &pixel(), &keys).await.unwrap();
    store.remove(&tenant(), &pixel(), &keys).await.unwrap();
    store.remove(&tenant(), &pixel(), &[]).await.unwrap();
    assert!(store.page(&tenant(), &pixel(), 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_full_message_fits() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let ids: Vec<String> = (0..900).map(|n| format!("{n:0>100}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let full = message("m1", NOON, &ids);
    assert!(serde_json::to_string(&full).unwrap().len() > 200_000);
    store.park(&full).await.unwrap();
    assert_eq!(store.page(&tenant(), &pixel(), 10).await.unwrap()[0].message.events.len(), 900);
}
