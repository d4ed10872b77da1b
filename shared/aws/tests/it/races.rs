//! Another writer between a read and a write: what was read no more holds, and nothing of either is lost.

use std::future::Future;

use adrelay_aws::events::DynamoEvents;
use adrelay_aws::leads::DynamoLeads;
use adrelay_core::leads::{LeadQuery, Status as Stage};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadStore as _;
use adrelay_core::ports::receipts::{ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::receipt::{Outcome, Receipt, Status};
use aws_sdk_dynamodb::Client;
use serde_json::json;

use crate::leads_data::{contact, create, lead, stored};
use crate::support::{NOON, TABLE, dynamodb, dynamodb_by_time, key, outcome, tenant, unreachable};
use crate::wire::{Call, Turn, Wire};

fn events(client: &Client) -> DynamoEvents {
    DynamoEvents::new(client.clone(), TABLE.to_owned())
}

async fn record(store: &DynamoEvents, outcome: Outcome) -> Result<(), StoreError> {
    store.record(&[outcome]).await.remove(0)
}

async fn receipt(store: &DynamoEvents) -> Receipt {
    store.by_event_id(&tenant(), &key("e1").event_id).await.unwrap().remove(0)
}

/// A client before whose nth call of an operation `other` happens.
fn interrupted<F>(
    client: &Client,
    operation: &'static str,
    nth: usize,
    other: impl Fn() -> F + Send + Sync + 'static,
) -> (Client, Wire)
where
    F: Future<Output = ()> + Send + 'static,
{
    Wire::between(client, move |call| {
        if call.operation == operation && call.nth == nth {
            Turn::After(Box::pin(other()))
        } else {
            Turn::Pass
        }
    })
}

#[tokio::test]
async fn a_receipt_that_became_sent_meanwhile_is_not_replaced() {
    // Who comes again, and who comes first: the one names its message in the condition, the other does not.
    for (late, repeats) in [("m1", 1), ("m2", 2)] {
        for status in [Status::Waiting, Status::Rejected, Status::Expired] {
            let client = dynamodb().await;
            let store = events(&client);
            record(&store, outcome("e1", Status::Waiting, "m1")).await.unwrap();
            let other = store.clone();
            let (client, wire) = interrupted(&client, "UpdateItem", 1, move || {
                let other = other.clone();
                async move { record(&other, outcome("e1", Status::Sent, "m3")).await.unwrap() }
            });
            record(&events(&client), outcome("e1", status, late)).await.unwrap();
            let now = receipt(&store).await;
            assert_eq!((now.status, now.fbtrace_id.as_deref()), (Status::Sent, Some("trace-m3")), "{late}");
            assert_eq!((now.reason, now.next_try_at), (None, None), "{late} {status:?}");
            assert_eq!(now.repeats, repeats, "{late} {status:?}: each message counts once");
            assert!(wire.calls().len() <= 3);
        }
    }
}

#[tokio::test]
async fn of_two_who_wait_at_once_both_are_counted_and_the_later_is_shown() {
    let client = dynamodb().await;
    let store = events(&client);
    let other = store.clone();
    let (client, _) = interrupted(&client, "UpdateItem", 0, move || {
        let other = other.clone();
        async move { record(&other, outcome("e1", Status::Waiting, "m1")).await.unwrap() }
    });
    let late = Outcome { at: NOON.plus_ms(5), attempts: 4, ..outcome("e1", Status::Waiting, "m2") };
    record(&events(&client), late).await.unwrap();
    let now = receipt(&store).await;
    assert_eq!((now.status, now.repeats, now.attempts), (Status::Waiting, 1, 4));
    assert_eq!(now.updated_at, NOON.plus_ms(5));
}

#[tokio::test]
async fn a_copy_of_what_is_sent_is_counted_past_others_who_count_theirs() {
    let client = dynamodb().await;
    let store = events(&client);
    record(&store, outcome("e1", Status::Sent, "m1")).await.unwrap();
    let other = store.clone();
    let (client, wire) = interrupted(&client, "UpdateItem", 1, move || {
        let other = other.clone();
        async move { record(&other, outcome("e1", Status::Sent, "m3")).await.unwrap() }
    });
    record(&events(&client), outcome("e1", Status::Sent, "m2")).await.unwrap();
    assert_eq!(receipt(&store).await.repeats, 2);
    assert_eq!(wire.calls().len(), 2, "their counts are not in each other's way");
}

#[tokio::test]
async fn a_receipt_that_others_never_stop_writing_is_an_error_and_not_lost_silently() {
    let client = dynamodb().await;
    let store = events(&client);
    record(&store, outcome("e1", Status::Waiting, "m0")).await.unwrap();
    let other = store.clone();
    let (client, wire) = Wire::between(&client, move |call| {
        let (other, nth) = (other.clone(), call.nth);
        Turn::After(Box::pin(async move {
            record(&other, outcome("e1", Status::Waiting, &format!("other{nth}"))).await.unwrap();
        }))
    });
    let late = record(&events(&client), outcome("e1", Status::Rejected, "m1")).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert_eq!(wire.calls().len(), 5, "once as if it were new, four times over what is there");
    assert_eq!(receipt(&store).await.status, Status::Waiting);
}

#[tokio::test]
async fn a_condition_that_failed_without_saying_over_what_is_a_conflict() {
    let (client, wire) = Wire::between(&unreachable(), |_| {
        let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        Turn::Failed(json!({"__type": kind, "message": "The conditional request failed"}))
    });
    let written = record(&events(&client), outcome("e1", Status::Sent, "m1")).await;
    assert_eq!(written, Err(StoreError::Conflict));
    assert_eq!(wire.calls().len(), 1);
}

/// Lists leads by `query`, of which the first is changed after the index was read.
async fn listed_behind_the_index(query: LeadQuery) -> (Vec<String>, Wire) {
    let client = dynamodb_by_time().await;
    let leads = DynamoLeads::new(client.clone(), TABLE.to_owned());
    for nth in 1..=3 {
        create(&leads, &lead(nth)).await;
    }
    let other = leads.clone();
    let (client, wire) = interrupted(&client, "BatchGetItem", 0, move || {
        let other = other.clone();
        async move { contact(&other, &stored(&other, 2).await, None).await.unwrap() }
    });
    let page = DynamoLeads::new(client, TABLE.to_owned()).list(&query).await.unwrap();
    (page.items.iter().map(|lead| format!("{} {}", lead.id, lead.doc.status.as_str())).collect(), wire)
}

#[tokio::test]
async fn a_lead_changed_since_the_index_was_read_is_listed_as_it_is_now_or_not_at_all() {
    let line = |nth: u64, status: &str| format!("{} {status}", lead(nth).id);
    let new = LeadQuery { status: Some(Stage::New), ..LeadQuery::all(tenant(), 10) };
    let (listed, wire) = listed_behind_the_index(new).await;
    assert_eq!(listed, [line(3, "new"), line(1, "new")]);
    let asked: Vec<Call> = wire.calls();
    let asked = asked[1].input["RequestItems"][TABLE]["Keys"].as_array().unwrap();
    assert_eq!(asked.len(), 3, "the index named it");
    let (listed, _) = listed_behind_the_index(LeadQuery::all(tenant(), 10)).await;
    assert_eq!(listed, [line(3, "new"), line(2, "contacted"), line(1, "new")]);
}
