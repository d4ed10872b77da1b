//! What `WaitingRoom` promises, of the table and of what stands for it in other tests.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::{PixelId, TenantId};
use adrelay_core::message::EventMessage;
use adrelay_core::ports::waiting::{Parked, WaitingRoom};
use fakes::MemoryEvents;

use crate::contract::contract;
use crate::events_data::Events;
use crate::support::{NOON, TABLE, dynamodb, message, named, partition, pixel, tenant};

contract!(adrelay_aws::events::DynamoEvents::new, crate::support::dynamodb, fakes::MemoryEvents::default;
    messages_leave_in_the_order_in_which_they_were_queued_first,
    a_message_reads_back_as_it_was_parked,
    a_message_that_is_parked_twice_waits_once,
    parts_of_one_message_that_are_parked_apart_all_wait,
    each_pixel_of_each_tenant_has_a_room_of_its_own,
    what_is_removed_is_gone_and_nothing_else,
    many_messages_leave_at_once_and_leaving_again_is_no_error,
    what_left_may_be_parked_again,
);

/// The whole room. One read may give less than what it is asked for, but nothing only where nothing waits.
async fn room(store: &impl WaitingRoom) -> Vec<Parked> {
    let mut found: Vec<Parked> = Vec::new();
    for _ in 0..100 {
        let page = store.page(&tenant(), &pixel(), 100).await.unwrap();
        if page.is_empty() {
            for parked in &found {
                store.park(&parked.message).await.unwrap();
            }
            return found;
        }
        let keys: Vec<String> = page.iter().map(|parked| parked.key.clone()).collect();
        store.remove(&tenant(), &pixel(), &keys).await.unwrap();
        found.extend(page);
    }
    panic!("a room without an end")
}

/// Ids of what waits, oldest first.
async fn waiting(store: &impl WaitingRoom) -> Vec<String> {
    room(store).await.iter().map(|parked| parked.message.id.to_string()).collect()
}

async fn messages_leave_in_the_order_in_which_they_were_queued_first(store: &impl Events) {
    // Of one instant the ids decide; a later id may have been queued before.
    for (id, later_ms) in [("m2", 20), ("m1", 20), ("m9", 10), ("m3", 30)] {
        store.park(&message(id, NOON.plus_ms(later_ms), &["e1", "e2"])).await.unwrap();
    }
    let page = store.page(&tenant(), &pixel(), 2).await.unwrap();
    let found: Vec<&str> = page.iter().map(|parked| parked.message.id.as_str()).collect();
    assert_eq!(found, ["m9", "m1"]);
    assert_eq!(waiting(store).await, ["m9", "m1", "m2", "m3"]);
}

/// Everything of a message, as it travels.
fn text(message: &EventMessage) -> String {
    serde_json::to_string(message).unwrap()
}

async fn a_message_reads_back_as_it_was_parked(store: &impl Events) {
    let parked = EventMessage {
        attempt: 3,
        test_event_code: Some("TEST1".to_owned()),
        upload_tag: Some("march".to_owned()),
        ..message("m1", NOON, &["e1", "e2"])
    };
    store.park(&parked).await.unwrap();
    let found = room(store).await;
    assert_eq!(found.len(), 1);
    assert_eq!(text(&found[0].message), text(&parked));
}

async fn a_message_that_is_parked_twice_waits_once(store: &impl Events) {
    let parked = message("m1", NOON, &["e1"]);
    store.park(&parked).await.unwrap();
    // Redelivered, it may have been tried once more.
    let again = EventMessage { attempt: 1, ..parked };
    store.park(&again).await.unwrap();
    let found = room(store).await;
    assert_eq!(found.len(), 1);
    assert_eq!(text(&found[0].message), text(&again), "as it came last");
}

async fn parts_of_one_message_that_are_parked_apart_all_wait(store: &impl Events) {
    store.park(&message("m1", NOON, &["e1"])).await.unwrap();
    store.park(&message("m1", NOON, &["e2", "e3"])).await.unwrap();
    // An id may stand for events of several names.
    store.park(&named("m1", NOON, &[("Purchase", "e1")])).await.unwrap();
    // What runs together to the same text is another part.
    store.park(&named("m1", NOON, &[("Leade1", "e"), ("Lead", "1")])).await.unwrap();
    store.park(&named("m1", NOON, &[("Leade", "1e"), ("Lead", "1")])).await.unwrap();
    let found = room(store).await;
    let events: usize = found.iter().map(|parked| parked.message.events.len()).sum();
    assert_eq!((found.len(), events), (5, 8), "none replaces another");
}

async fn each_pixel_of_each_tenant_has_a_room_of_its_own(store: &impl Events) {
    let (other_tenant, other_pixel) = (TenantId::parse("other").unwrap(), PixelId::parse("5").unwrap());
    let ours = message("m1", NOON, &["e1"]);
    store.park(&ours).await.unwrap();
    store.park(&EventMessage { tenant: other_tenant.clone(), ..ours.clone() }).await.unwrap();
    store.park(&EventMessage { pixel_id: other_pixel.clone(), ..ours }).await.unwrap();
    let key = room(store).await.remove(0).key;
    store.remove(&tenant(), &pixel(), std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(waiting(store).await, [""; 0]);
    for (tenant, pixel) in [(&other_tenant, pixel()), (&tenant(), other_pixel)] {
        let left = store.page(tenant, &pixel, 10).await.unwrap();
        assert_eq!(left.len(), 1, "{tenant} {pixel}");
        assert_eq!((&left[0].message.tenant, &left[0].message.pixel_id), (tenant, &pixel));
    }
}

async fn what_is_removed_is_gone_and_nothing_else(store: &impl Events) {
    for (id, later_ms) in [("m1", 0), ("m2", 1), ("m3", 2), ("m4", 3)] {
        store.park(&message(id, NOON.plus_ms(later_ms), &["e1"])).await.unwrap();
    }
    let keys: Vec<String> = room(store).await.into_iter().map(|parked| parked.key).collect();
    store.remove(&tenant(), &pixel(), &[keys[1].clone(), keys[3].clone()]).await.unwrap();
    assert_eq!(waiting(store).await, ["m1", "m3"]);
    store.remove(&tenant(), &pixel(), &[]).await.unwrap();
    store.remove(&tenant(), &pixel(), &["000001790000000#m1#unknown".to_owned()]).await.unwrap();
    assert_eq!(waiting(store).await, ["m1", "m3"]);
}

async fn many_messages_leave_at_once_and_leaving_again_is_no_error(store: &impl Events) {
    for n in 0..60_i64 {
        store.park(&message(&format!("m{n}"), NOON.plus_ms(n), &["e"])).await.unwrap();
    }
    let keys: Vec<String> = room(store).await.into_iter().map(|parked| parked.key).collect();
    assert_eq!(keys.len(), 60);
    for _ in 0..2 {
        store.remove(&tenant(), &pixel(), &keys).await.unwrap();
    }
    assert_eq!(waiting(store).await, [""; 0]);
}

async fn what_left_may_be_parked_again(store: &impl Events) {
    let parked = message("m1", NOON, &["e1"]);
    for _ in 0..2 {
        store.park(&parked).await.unwrap();
        let key = room(store).await.remove(0).key;
        store.remove(&tenant(), &pixel(), &[key]).await.unwrap();
        assert_eq!(waiting(store).await, [""; 0]);
    }
}

/// A release reads the room; a redelivery parks one of its messages anew; then the release removes what it read.
async fn parked_again_before_it_is_removed(store: &impl Events) {
    let parked = message("m1", NOON, &["e1"]);
    store.park(&parked).await.unwrap();
    let page = store.page(&tenant(), &pixel(), 10).await.unwrap();
    store.park(&EventMessage { attempt: 1, ..parked }).await.unwrap();
    let keys: Vec<String> = page.into_iter().map(|parked| parked.key).collect();
    store.remove(&tenant(), &pixel(), &keys).await.unwrap();
    assert_eq!(waiting(store).await, ["m1"], "F1: a release removes what was parked again meanwhile");
}

#[tokio::test]
#[should_panic(expected = "F1: a release removes what was parked again meanwhile")]
async fn what_is_parked_again_meanwhile_stays_in_the_table() {
    parked_again_before_it_is_removed(&DynamoEvents::new(dynamodb().await, TABLE.to_owned())).await;
}

#[tokio::test]
#[should_panic(expected = "F1: a release removes what was parked again meanwhile")]
async fn what_is_parked_again_meanwhile_stays_in_memory() {
    parked_again_before_it_is_removed(&MemoryEvents::default()).await;
}

#[tokio::test]
async fn a_full_message_fits_and_ends_90_days_after_it_was_queued_first() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let ids: Vec<String> = (0..900).map(|n| format!("{n:0>100}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let full = message("m1", NOON, &ids);
    assert!(serde_json::to_string(&full).unwrap().len() > 200_000);
    store.park(&full).await.unwrap();
    assert_eq!(store.page(&tenant(), &pixel(), 10).await.unwrap()[0].message.events.len(), 900);
    let items = partition(&client, "T#acme#W#1234567890123456").await;
    assert_eq!(items.len(), 1);
    let expires_at: i64 = items[0]["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 90 * 86_400);
    assert!(items[0]["sk"].as_s().unwrap().starts_with("001790000000000#m1#"));
}
