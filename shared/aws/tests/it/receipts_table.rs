//! Receipts as they stand in the table: their size, their end, a table that is gone.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::message::Held;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::ReceiptWriter as _;
use adrelay_core::receipt::{Outcome, Status};

use crate::events_data::{record, the_receipt};
use crate::support::{NOON, TABLE, dynamodb, item, key, outcome, size};

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
    let store = DynamoEvents::new(dynamodb().await, "no-such-table".to_owned());
    let outcomes = [outcome("e1", Status::Sent, "m1"), outcome("e2", Status::Rejected, "m1")];
    let gone = StoreError::Unavailable("ResourceNotFoundException".to_owned());
    assert_eq!(store.record(&outcomes).await, [Err(gone.clone()), Err(gone.clone())]);
    assert_eq!(store.known(&[key("e1")]).await, Err(gone));
}
