//! Receipts: one write each, `sent` wins, repeats are counted, redeliveries are not.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::message::Held;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::{ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::receipt::{Outcome, Receipt, Status, Trust};
use proptest::prelude::*;

use crate::support::{NOON, TABLE, dynamodb, item, key, message_id, outcome, size, tenant};

async fn store() -> DynamoEvents {
    DynamoEvents::new(dynamodb().await, TABLE.to_owned())
}

async fn record(store: &DynamoEvents, outcomes: &[Outcome]) {
    for written in store.record(outcomes).await {
        written.unwrap();
    }
}

async fn the_receipt(store: &DynamoEvents, event_id: &str) -> Receipt {
    let mut receipts = store.by_event_id(&tenant(), &key(event_id).event_id).await.unwrap();
    assert_eq!(receipts.len(), 1, "one receipt");
    receipts.remove(0)
}

#[tokio::test]
async fn a_receipt_reads_back_as_it_was_written() {
    let store = store().await;
    let rejected = Outcome {
        reason: Some("meta_100_2804050".to_owned()),
        code: Some(100),
        subcode: Some(2_804_050),
        fbtrace_id: Some("AbC".to_owned()),
        attempts: 3,
        ..outcome("e1", Status::Rejected, "m1")
    };
    record(&store, std::slice::from_ref(&rejected)).await;
    let expected = Receipt {
        event_id: rejected.key.event_id.clone(),
        event_name: rejected.key.event_name.clone(),
        pixel_id: rejected.key.pixel_id.clone(),
        trust: Trust::Server,
        source_id: rejected.source.clone(),
        status: Status::Rejected,
        reason: rejected.reason.clone(),
        code: Some(100),
        subcode: Some(2_804_050),
        fbtrace_id: Some("AbC".to_owned()),
        attempts: 3,
        repeats: 0,
        event_time: rejected.event_time,
        queued_at: rejected.queued_at,
        updated_at: NOON,
        next_try_at: None,
        user_data_keys: rejected.user_data_keys.clone(),
        held: None,
        message: Some(message_id("m1")),
    };
    assert_eq!(the_receipt(&store, "e1").await, expected);
}

#[tokio::test]
async fn a_receipt_shows_how_long_its_event_was_held_and_what_was_known_before() {
    let store = store().await;
    let keys: [Vec<Box<str>>; 2] = [vec!["fbp".into(), "client_user_agent".into()], vec![]];
    for (id, keys_before) in ["e1", "e2"].into_iter().zip(keys) {
        let held = Some(Held { since: NOON.plus_ms(-900_000), keys_before });
        record(&store, &[Outcome { held: held.clone(), ..outcome(id, Status::Waiting, "m1") }]).await;
        record(&store, &[Outcome { held: held.clone(), ..outcome(id, Status::Sent, "m1") }]).await;
        // A repeat that was not held changes nothing.
        record(&store, &[outcome(id, Status::Sent, "m2")]).await;
        assert_eq!(the_receipt(&store, id).await.held, held);
    }
}

#[tokio::test]
async fn sent_replaces_waiting_with_all_its_facts() {
    let store = store().await;
    record(&store, &[outcome("e1", Status::Waiting, "m1")]).await;
    let waiting = the_receipt(&store, "e1").await;
    assert_eq!((waiting.status, waiting.next_try_at), (Status::Waiting, Some(NOON.plus_ms(10_000))));
    record(&store, &[Outcome { at: NOON.plus_ms(5), ..outcome("e1", Status::Sent, "m1") }]).await;
    let sent = the_receipt(&store, "e1").await;
    assert_eq!(sent.status, Status::Sent);
    assert_eq!((sent.reason, sent.next_try_at, sent.code), (None, None, None), "nothing of the wait is left");
    assert_eq!((sent.updated_at, sent.repeats), (NOON.plus_ms(5), 0));
}

#[tokio::test]
async fn sent_is_never_replaced_and_a_later_copy_is_a_repeat() {
    for later in [Status::Rejected, Status::Expired, Status::Skipped, Status::Waiting, Status::Erased] {
        let store = store().await;
        record(&store, &[outcome("e1", Status::Sent, "m1")]).await;
        let before = the_receipt(&store, "e1").await;
        record(&store, &[Outcome { at: NOON.plus_ms(9), ..outcome("e1", later, "m2") }]).await;
        let after = the_receipt(&store, "e1").await;
        assert_eq!(after, Receipt { repeats: 1, ..before }, "{later:?}");
    }
}

#[tokio::test]
async fn a_repeat_of_a_sent_event_leaves_the_first_ones_facts() {
    let store = store().await;
    record(&store, &[outcome("e1", Status::Sent, "m1")]).await;
    let before = the_receipt(&store, "e1").await;
    // How dispatch counts a copy of an event that it knows as sent.
    let repeat =
        Outcome { at: NOON.plus_ms(9), fbtrace_id: None, copies: 3, ..outcome("e1", Status::Sent, "m2") };
    record(&store, &[repeat]).await;
    assert_eq!(the_receipt(&store, "e1").await, Receipt { repeats: 3, ..before });
}

#[tokio::test]
async fn a_redelivered_message_is_no_repeat() {
    for status in Status::ALL {
        let store = store().await;
        let outcomes = [outcome("e1", status, "m1")];
        record(&store, &outcomes).await;
        record(&store, &outcomes).await;
        assert_eq!(the_receipt(&store, "e1").await.repeats, 0, "{status:?}");
    }
}

#[tokio::test]
async fn two_messages_that_wait_in_turns_are_one_repeat() {
    let store = store().await;
    for _ in 0..3 {
        record(&store, &[outcome("e1", Status::Waiting, "m1")]).await;
        record(&store, &[outcome("e1", Status::Waiting, "m2")]).await;
    }
    record(&store, &[outcome("e1", Status::Sent, "m1")]).await;
    record(&store, &[outcome("e1", Status::Sent, "m2")]).await;
    let receipt = the_receipt(&store, "e1").await;
    assert_eq!((receipt.status, receipt.repeats), (Status::Sent, 1));
}

#[tokio::test]
async fn messages_that_write_at_the_same_time_are_all_counted() {
    let store = store().await;
    let outcomes: Vec<Outcome> = (0..3).map(|n| outcome("e1", Status::ALL[n], &format!("m{n}"))).collect();
    record(&store, &outcomes).await;
    let receipt = the_receipt(&store, "e1").await;
    assert_eq!((receipt.status, receipt.repeats), (Status::Sent, 2));
}

#[tokio::test]
async fn a_receipt_of_many_messages_stays_within_one_write_unit() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let repeats: Vec<Outcome> = (0..40).map(|n| outcome("e1", Status::Sent, &format!("m_{n:024}"))).collect();
    for repeat in &repeats {
        record(&store, std::slice::from_ref(repeat)).await;
    }
    assert_eq!(the_receipt(&store, "e1").await.repeats, 39);
    let stored = item(&client, "T#acme#E#e1", "s#1234567890123456#Lead").await.unwrap();
    assert!(size(&stored) <= 1_024, "{} bytes", size(&stored));
}

#[tokio::test]
async fn copies_within_a_batch_count_once_each() {
    let store = store().await;
    let three = Outcome { copies: 3, ..outcome("e1", Status::Sent, "m1") };
    record(&store, &[three]).await;
    assert_eq!(the_receipt(&store, "e1").await.repeats, 2);
}

#[tokio::test]
async fn a_public_event_has_a_receipt_of_its_own() {
    let store = store().await;
    let mut public = outcome("e1", Status::Sent, "m2");
    public.key.trust = Trust::Public;
    record(&store, &[outcome("e1", Status::Rejected, "m1"), public]).await;
    let receipts = store.by_event_id(&tenant(), &key("e1").event_id).await.unwrap();
    let mut found: Vec<_> = receipts.iter().map(|r| (r.trust, r.status, r.repeats)).collect();
    found.sort_by_key(|(trust, ..)| *trust);
    assert_eq!(found, [(Trust::Server, Status::Rejected, 0), (Trust::Public, Status::Sent, 0)]);
}

#[tokio::test]
async fn what_is_known_is_read_for_any_number_of_keys() {
    let store = store().await;
    let ids: Vec<String> = (0..250).map(|n| format!("e{n}")).collect();
    let outcomes: Vec<Outcome> = ids.iter().map(|id| outcome(id, Status::Sent, "m1")).collect();
    record(&store, &outcomes).await;
    let mut keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
    keys.push(key("never seen"));
    // DynamoDB refuses a BatchGetItem that names an item twice.
    keys.push(key("e0"));
    let known = store.known(&keys).await.unwrap();
    assert_eq!(known.len(), 250);
    let first = &known[&key("e0")];
    assert_eq!((first.status, first.message.clone()), (Status::Sent, Some(message_id("m1"))));
    assert!(!known.contains_key(&key("never seen")));
    assert!(store.known(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn event_ids_of_any_characters_are_kept_apart() {
    let store = store().await;
    let ids = ["a#b", "a", "b#s#1234567890123456#Lead", "é ü/?", "x"];
    let outcomes: Vec<Outcome> = ids.iter().map(|id| outcome(id, Status::Sent, "m1")).collect();
    record(&store, &outcomes).await;
    for id in ids {
        assert_eq!(the_receipt(&store, id).await.event_id.as_str(), id);
    }
    assert!(store.by_event_id(&tenant(), &key("unknown").event_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_usual_receipt_costs_one_write_unit_and_ends_after_90_days() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let id = "0123456789abcdef".repeat(4);
    let all_keys = [
        "em",
        "ph",
        "fn",
        "ln",
        "ge",
        "db",
        "ct",
        "st",
        "zp",
        "country",
        "external_id",
        "client_ip_address",
        "client_user_agent",
        "fbc",
        "fbp",
    ];
    let large = Outcome {
        reason: Some("meta_100_2804050".to_owned()),
        code: Some(100),
        subcode: Some(2_804_050),
        fbtrace_id: Some("AbCdEfGhIjKlMnOpQrStUv".to_owned()),
        user_data_keys: all_keys.iter().map(|&name| name.into()).collect(),
        held: Some(Held { since: NOON, keys_before: all_keys.iter().map(|&name| name.into()).collect() }),
        ..outcome(&id, Status::Rejected, "m_0123456789abcdef01234567")
    };
    record(&store, &[large]).await;
    let stored = item(&client, &format!("T#acme#E#{id}"), "s#1234567890123456#Lead").await.unwrap();
    assert!(size(&stored) <= 1_024, "{} bytes", size(&stored));
    let expires_at: i64 = stored["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 90 * 86_400);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_an_error_for_each_outcome() {
    let store = DynamoEvents::new(dynamodb().await, "no such table".to_owned());
    let outcomes = [outcome("e1", Status::Sent, "m1"), outcome("e2", Status::Rejected, "m1")];
    let written = store.record(&outcomes).await;
    assert_eq!(written.len(), 2);
    assert!(written.iter().all(|result| matches!(result, Err(StoreError::Unavailable(_)))), "{written:?}");
    assert!(store.known(&[key("e1")]).await.is_err());
}

/// Statuses and copies of messages that bring one event, each a different message.
fn duplicates() -> impl Strategy<Value = Vec<Outcome>> {
    let one = (0..Status::ALL.len(), 1_u32..4, 0_i64..1_000);
    proptest::collection::vec(one, 1..6).prop_map(|parts| {
        let make = |(n, (status, copies, later_ms)): (usize, (usize, u32, i64))| Outcome {
            copies,
            at: NOON.plus_ms(later_ms),
            ..outcome("e1", Status::ALL[status], &format!("m{n}"))
        };
        parts.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn duplicates_end_the_same_in_any_order(
        outcomes in duplicates().prop_shuffle(),
        redelivered in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let receipt = runtime.block_on(async {
            let store = store().await;
            for outcome in &outcomes {
                record(&store, std::slice::from_ref(outcome)).await;
                if redelivered {
                    record(&store, std::slice::from_ref(outcome)).await;
                }
            }
            the_receipt(&store, "e1").await
        });
        let any_sent = outcomes.iter().any(|outcome| outcome.status == Status::Sent);
        prop_assert_eq!(receipt.status == Status::Sent, any_sent);
        let copies: u32 = outcomes.iter().map(|outcome| outcome.copies).sum();
        // A redelivery brings the copies of others in its batch anew, and they are counted anew.
        let anew = if redelivered { copies - u32::try_from(outcomes.len()).unwrap() } else { 0 };
        prop_assert_eq!(receipt.repeats, copies - 1 + anew);
    }
}
