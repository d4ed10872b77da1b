//! What `ReceiptWriter` promises of receipts, of the table and of what stands for it in other tests: `sent` wins, repeats
//! are counted, redeliveries are not.

use std::collections::HashMap;

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::{EventName, PixelId, TenantId};
use adrelay_core::message::Held;
use adrelay_core::ports::receipts::Known;
use adrelay_core::receipt::{Outcome, Receipt, ReceiptKey, Status, Trust};
use fakes::MemoryEvents;
use proptest::prelude::*;

use crate::contract::contract;
use crate::events_data::{Events, record, the_receipt};
use crate::support::{NOON, TABLE, dynamodb, key, message_id, outcome};

contract!(adrelay_aws::events::DynamoEvents::new, crate::support::dynamodb, fakes::MemoryEvents::default;
    a_receipt_reads_back_as_it_was_written,
    a_receipt_shows_how_long_its_event_was_held_and_what_was_known_before,
    sent_replaces_waiting_with_all_its_facts,
    sent_is_never_replaced_and_a_later_copy_is_a_repeat,
    a_repeat_of_a_sent_event_leaves_the_first_ones_facts,
    a_redelivered_message_is_no_repeat,
    a_redelivered_message_is_no_repeat_of_what_another_sent,
    two_messages_that_wait_in_turns_are_one_repeat,
    who_decided_last_is_known_and_who_sent_stays,
    every_part_of_a_key_tells_receipts_apart,
    messages_that_write_at_the_same_time_are_all_counted,
    copies_within_a_batch_count_once_each,
    a_public_event_has_a_receipt_of_its_own,
    what_is_known_is_read_for_any_number_of_keys,
    event_ids_of_any_characters_are_kept_apart,
);

async fn a_receipt_reads_back_as_it_was_written(store: &impl Events) {
    let rejected = Outcome {
        reason: Some("meta_100_2804050".to_owned()),
        code: Some(100),
        subcode: Some(2_804_050),
        fbtrace_id: Some("AbC".to_owned()),
        attempts: 3,
        ..outcome("e1", Status::Rejected, "m1")
    };
    record(store, std::slice::from_ref(&rejected)).await;
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
    assert_eq!(the_receipt(store, "e1").await, expected);
}

async fn a_receipt_shows_how_long_its_event_was_held_and_what_was_known_before(store: &impl Events) {
    let keys: [Vec<Box<str>>; 2] = [vec!["fbp".into(), "client_user_agent".into()], vec![]];
    for (id, keys_before) in ["e1", "e2"].into_iter().zip(keys) {
        let held = Some(Held { since: NOON.plus_ms(-900_000), keys_before });
        record(store, &[Outcome { held: held.clone(), ..outcome(id, Status::Waiting, "m1") }]).await;
        record(store, &[Outcome { held: held.clone(), ..outcome(id, Status::Sent, "m1") }]).await;
        // A repeat that was not held changes nothing.
        record(store, &[outcome(id, Status::Sent, "m2")]).await;
        assert_eq!(the_receipt(store, id).await.held, held);
    }
}

async fn sent_replaces_waiting_with_all_its_facts(store: &impl Events) {
    record(store, &[outcome("e1", Status::Waiting, "m1")]).await;
    let waiting = the_receipt(store, "e1").await;
    assert_eq!((waiting.status, waiting.next_try_at), (Status::Waiting, Some(NOON.plus_ms(10_000))));
    record(store, &[Outcome { at: NOON.plus_ms(5), ..outcome("e1", Status::Sent, "m1") }]).await;
    let sent = the_receipt(store, "e1").await;
    assert_eq!(sent.status, Status::Sent);
    assert_eq!((sent.reason, sent.next_try_at, sent.code), (None, None, None), "nothing of the wait is left");
    assert_eq!((sent.updated_at, sent.repeats), (NOON.plus_ms(5), 0));
}

async fn sent_is_never_replaced_and_a_later_copy_is_a_repeat(store: &impl Events) {
    for later in [Status::Rejected, Status::Expired, Status::Skipped, Status::Waiting, Status::Erased] {
        let id = later.as_str();
        record(store, &[outcome(id, Status::Sent, "m1")]).await;
        let before = the_receipt(store, id).await;
        record(store, &[Outcome { at: NOON.plus_ms(9), ..outcome(id, later, "m2") }]).await;
        let after = the_receipt(store, id).await;
        assert_eq!(after, Receipt { repeats: 1, ..before }, "{later:?}");
    }
}

async fn a_repeat_of_a_sent_event_leaves_the_first_ones_facts(store: &impl Events) {
    record(store, &[outcome("e1", Status::Sent, "m1")]).await;
    let before = the_receipt(store, "e1").await;
    // How dispatch counts a copy of an event that it knows as sent.
    let repeat =
        Outcome { at: NOON.plus_ms(9), fbtrace_id: None, copies: 3, ..outcome("e1", Status::Sent, "m2") };
    record(store, &[repeat]).await;
    assert_eq!(the_receipt(store, "e1").await, Receipt { repeats: 3, ..before });
}

async fn a_redelivered_message_is_no_repeat(store: &impl Events) {
    for status in Status::ALL {
        let outcomes = [outcome(status.as_str(), status, "m1")];
        record(store, &outcomes).await;
        record(store, &outcomes).await;
        assert_eq!(the_receipt(store, status.as_str()).await.repeats, 0, "{status:?}");
    }
}

/// It is redelivered after another message was sent.
async fn a_redelivered_message_is_no_repeat_of_what_another_sent(store: &impl Events) {
    record(store, &[outcome("e1", Status::Sent, "m1")]).await;
    for _ in 0..3 {
        record(store, &[outcome("e1", Status::Sent, "m2")]).await;
        record(store, &[outcome("e1", Status::Skipped, "m1")]).await;
    }
    let receipt = the_receipt(store, "e1").await;
    assert_eq!((receipt.repeats, receipt.message), (1, Some(message_id("m1"))));
}

async fn who_decided_last_is_known_and_who_sent_stays(store: &impl Events) {
    for (status, message, known) in [
        (Status::Waiting, "m1", "m1"),
        (Status::Rejected, "m2", "m2"),
        (Status::Sent, "m3", "m3"),
        (Status::Sent, "m4", "m3"),
    ] {
        record(store, &[outcome("e1", status, message)]).await;
        let found = store.known(&[key("e1")]).await.unwrap();
        let expected = Known { status, message: Some(message_id(known)) };
        assert_eq!(found, HashMap::from([(key("e1"), expected)]), "{message}");
    }
}

/// What differs in one part of its name is another receipt.
async fn every_part_of_a_key_tells_receipts_apart(store: &impl Events) {
    let one = key("e1");
    let others = [
        ReceiptKey { tenant: TenantId::parse("other").unwrap(), ..one.clone() },
        ReceiptKey { pixel_id: PixelId::parse("5").unwrap(), ..one.clone() },
        ReceiptKey { event_name: EventName::parse("Purchase").unwrap(), ..one.clone() },
        ReceiptKey { trust: Trust::Public, ..one.clone() },
        key("e2"),
    ];
    record(store, &[outcome("e1", Status::Sent, "m1")]).await;
    assert_eq!(store.known(&others).await.unwrap(), HashMap::new());
    for (nth, other) in others.iter().enumerate() {
        let message = format!("other{nth}");
        record(store, &[Outcome { key: other.clone(), ..outcome("e1", Status::Rejected, &message) }]).await;
        let known = store.known(&[one.clone(), other.clone()]).await.unwrap();
        assert_eq!((known[&one].status, known[other].status), (Status::Sent, Status::Rejected), "{other:?}");
        assert_eq!(known[other].message, Some(message_id(&message)));
    }
}

async fn two_messages_that_wait_in_turns_are_one_repeat(store: &impl Events) {
    for _ in 0..3 {
        record(store, &[outcome("e1", Status::Waiting, "m1")]).await;
        record(store, &[outcome("e1", Status::Waiting, "m2")]).await;
    }
    record(store, &[outcome("e1", Status::Sent, "m1")]).await;
    record(store, &[outcome("e1", Status::Sent, "m2")]).await;
    let receipt = the_receipt(store, "e1").await;
    assert_eq!((receipt.status, receipt.repeats), (Status::Sent, 1));
}

async fn messages_that_write_at_the_same_time_are_all_counted(store: &impl Events) {
    let outcomes: Vec<Outcome> = (0..3).map(|n| outcome("e1", Status::ALL[n], &format!("m{n}"))).collect();
    record(store, &outcomes).await;
    let receipt = the_receipt(store, "e1").await;
    assert_eq!((receipt.status, receipt.repeats), (Status::Sent, 2));
}

async fn copies_within_a_batch_count_once_each(store: &impl Events) {
    let three = Outcome { copies: 3, ..outcome("e1", Status::Sent, "m1") };
    record(store, &[three]).await;
    assert_eq!(the_receipt(store, "e1").await.repeats, 2);
}

async fn a_public_event_has_a_receipt_of_its_own(store: &impl Events) {
    let mut public = outcome("e1", Status::Sent, "m2");
    public.key.trust = Trust::Public;
    record(store, &[outcome("e1", Status::Rejected, "m1"), public]).await;
    let receipts = store.receipts_of("e1").await;
    let found: Vec<_> = receipts.iter().map(|r| (r.trust, r.status, r.repeats)).collect();
    assert_eq!(found, [(Trust::Server, Status::Rejected, 0), (Trust::Public, Status::Sent, 0)]);
}

async fn what_is_known_is_read_for_any_number_of_keys(store: &impl Events) {
    let ids: Vec<String> = (0..250).map(|n| format!("e{n}")).collect();
    let outcomes: Vec<Outcome> = ids.iter().map(|id| outcome(id, Status::Sent, "m1")).collect();
    record(store, &outcomes).await;
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

async fn event_ids_of_any_characters_are_kept_apart(store: &impl Events) {
    let ids = ["a#b", "a", "b#s#1234567890123456#Lead", "é ü/?", "x"];
    let outcomes: Vec<Outcome> = ids.iter().map(|id| outcome(id, Status::Sent, "m1")).collect();
    record(store, &outcomes).await;
    for id in ids {
        assert_eq!(the_receipt(store, id).await.event_id.as_str(), id);
    }
    assert_eq!(store.receipts_of("unknown").await, []);
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
        let mut all = Vec::new();
        for outcome in outcomes.iter().cloned() {
            all.extend(vec![outcome; 1 + usize::from(redelivered)]);
        }
        let (receipt, in_memory) = runtime.block_on(in_both(&all));
        prop_assert_eq!(&receipt, &in_memory);
        let any_sent = outcomes.iter().any(|outcome| outcome.status == Status::Sent);
        prop_assert_eq!(receipt.status == Status::Sent, any_sent);
        let copies: u32 = outcomes.iter().map(|outcome| outcome.copies).sum();
        // A redelivery brings the copies of others in its batch anew, and they are counted anew.
        let anew = if redelivered { copies - u32::try_from(outcomes.len()).unwrap() } else { 0 };
        prop_assert_eq!(receipt.repeats, copies - 1 + anew);
    }

    /// More messages than a receipt remembers, in any turns.
    #[test]
    fn table_and_memory_agree_on_any_history(outcomes in history()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (in_the_table, in_memory) = runtime.block_on(in_both(&outcomes));
        prop_assert_eq!(in_the_table, in_memory);
    }
}

fn history() -> impl Strategy<Value = Vec<Outcome>> {
    let one = (0..14_usize, prop_oneof![4 => Just(4_usize), 1 => 0..Status::ALL.len()], 1_u32..4);
    proptest::collection::vec(one, 1..40).prop_map(|parts| {
        let make = |(message, status, copies): (usize, usize, u32)| Outcome {
            copies,
            ..outcome("e1", Status::ALL[status], &format!("m{message}"))
        };
        parts.into_iter().map(make).collect()
    })
}

/// The receipt that these outcomes leave, one after the other: in the table and in memory.
async fn in_both(outcomes: &[Outcome]) -> (Receipt, Receipt) {
    let table = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let memory = MemoryEvents::default();
    for outcome in outcomes {
        record(&table, std::slice::from_ref(outcome)).await;
        record(&memory, std::slice::from_ref(outcome)).await;
    }
    (the_receipt(&table, "e1").await, the_receipt(&memory, "e1").await)
}
