//! Days of a source, added up from the rollups in its lines.

use std::collections::HashMap;

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::{EventId, EventName};
use adrelay_core::ports::receipts::{DaySummary, ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::receipt::{BatchIndexEntry, Status, Trust};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::support::{NOON, TABLE, dynamodb, partition, pixel, size, source, tenant};

fn line(batch: &str, status: Status, ids: &[String], keys: &[(&str, u64)]) -> BatchIndexEntry {
    BatchIndexEntry {
        tenant: tenant(),
        source: source(),
        status,
        at: NOON,
        batch: batch.to_owned(),
        pixel_id: pixel(),
        trust: Trust::Server,
        events: vec![(
            EventName::parse("Lead").unwrap(),
            ids.iter().map(|id| EventId::parse(id).unwrap()).collect(),
        )],
        count: ids.len() as u64,
        keys: keys.iter().map(|(key, count)| ((*key).into(), *count)).collect(),
    }
}

fn ids(count: usize, bytes: usize) -> Vec<String> {
    (0..count).map(|n| format!("{n:0bytes$}")).collect()
}

async fn summary(store: &DynamoEvents, pages_max: usize) -> DaySummary {
    store.day_summary(&tenant(), &source(), &NOON.utc_day(), pages_max).await.unwrap()
}

#[tokio::test]
async fn a_day_is_added_up_by_status_and_its_sent_events_by_key() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let lines = [
        line("b1", Status::Sent, &ids(3, 8), &[("em", 3), ("fbp", 1)]),
        line("b2", Status::Sent, &ids(2, 8), &[("em", 1), ("ph", 2)]),
        line("b3", Status::Rejected, &ids(1, 8), &[("em", 1)]),
        line("b4", Status::Skipped, &ids(4, 8), &[]),
        line("b5", Status::Waiting, &ids(5, 8), &[("em", 5)]),
        line("b6", Status::Erased, &ids(1, 8), &[("em", 1)]),
    ];
    store.index(&lines).await.unwrap();
    let summary = summary(&store, 5).await;
    let expected = HashMap::from([
        (Status::Sent, 5),
        (Status::Rejected, 1),
        (Status::Skipped, 4),
        (Status::Waiting, 5),
        (Status::Erased, 1),
    ]);
    assert_eq!(summary.by_status, expected);
    let keys: Vec<(&str, u64)> =
        summary.sent_keys.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    assert_eq!(keys, [("em", 4), ("fbp", 1), ("ph", 2)], "of what was sent alone");
    assert_eq!((summary.waiting_lines, summary.pages, summary.truncated), (1, 1, false));
}

#[tokio::test]
async fn a_day_without_lines_adds_up_to_nothing() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    assert_eq!(summary(&store, 5).await, DaySummary { pages: 1, ..DaySummary::default() });
}

#[tokio::test]
async fn a_line_of_several_items_counts_once() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    store.index(&[line("b1", Status::Sent, &ids(2_000, 200), &[("em", 1_500)])]).await.unwrap();
    assert!(partition(&client, &format!("T#acme#S#shop#D#{}", NOON.utc_day())).await.len() >= 2);
    let summary = summary(&store, 5).await;
    assert_eq!(summary.by_status, HashMap::from([(Status::Sent, 2_000)]));
    assert_eq!(summary.sent_keys["em"], 1_500);
    assert!(!summary.truncated);
}

#[tokio::test]
async fn what_is_beyond_the_pages_allowed_is_said_to_be_missing() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    // Each line some 300 KB, a page at most 1 MB.
    for n in 0..8 {
        store.index(&[line(&format!("b{n}"), Status::Sent, &ids(1_200, 230), &[])]).await.unwrap();
    }
    let part = summary(&store, 2).await;
    assert_eq!((part.pages, part.truncated), (2, true));
    assert!(part.by_status[&Status::Sent] < 9_600, "{part:?}");
    let all = summary(&store, 100).await;
    assert_eq!((all.by_status[&Status::Sent], all.truncated), (9_600, false));
}

#[tokio::test]
async fn a_line_without_a_rollup_makes_the_day_incomplete_and_no_error() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    store.index(&[line("b1", Status::Sent, &ids(1, 8), &[])]).await.unwrap();
    let put = client.put_item().table_name(TABLE);
    let put = put.item("pk", AttributeValue::S(format!("T#acme#S#shop#D#{}", NOON.utc_day())));
    put.item("sk", AttributeValue::S("sent#2026-09-21T00:00:00.000Z#old.0".to_owned())).send().await.unwrap();
    let summary = summary(&store, 5).await;
    assert_eq!((summary.by_status[&Status::Sent], summary.truncated), (1, true));
}

#[tokio::test]
async fn a_lone_events_line_with_every_usual_key_costs_one_write_unit() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let keys = [
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
    let keys: Vec<(&str, u64)> = keys.map(|key| (key, 1)).to_vec();
    store.index(&[line("0123456789ab", Status::Sent, &ids(1, 64), &keys)]).await.unwrap();
    let lines = partition(&client, &format!("T#acme#S#shop#D#{}", NOON.utc_day())).await;
    assert!(size(&lines[0]) <= 1_024, "{} bytes", size(&lines[0]));
}
