//! The day's index: lines by source and day, and the pages read through them.

use std::collections::{BTreeSet, HashMap};

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::{EventId, EventName};
use adrelay_core::ports::receipts::{DayQuery, ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::receipt::{BatchIndexEntry, Outcome, Status, Trust};

use crate::support::{NOON, TABLE, dynamodb, outcome, partition, pixel, size, source, tenant};

fn line(batch: &str, status: Status, later_ms: i64, ids: &[String]) -> BatchIndexEntry {
    let ids: Vec<EventId> = ids.iter().map(|id| EventId::parse(id).unwrap()).collect();
    BatchIndexEntry {
        tenant: tenant(),
        source: source(),
        status,
        at: NOON.plus_ms(later_ms),
        batch: batch.to_owned(),
        pixel_id: pixel(),
        trust: Trust::Server,
        count: ids.len() as u64,
        keys: [("em".into(), ids.len() as u64)].into(),
        events: vec![(EventName::parse("Lead").unwrap(), ids)],
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("e{n:04}")).collect()
}

async fn write(store: &DynamoEvents, batch: &str, status: Status, later_ms: i64, ids: &[String]) {
    store.index(&[line(batch, status, later_ms, ids)]).await.unwrap();
    let outcomes: Vec<Outcome> =
        ids.iter().map(|id| Outcome { at: NOON.plus_ms(later_ms), ..outcome(id, status, batch) }).collect();
    for written in store.record(&outcomes).await {
        written.unwrap();
    }
}

fn query(status: Option<Status>, limit: usize) -> DayQuery {
    DayQuery { tenant: tenant(), source: source(), day: NOON.utc_day(), status, limit, cursor: None }
}

async fn pages(store: &DynamoEvents, mut query: DayQuery) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let page = store.by_day(&query).await.unwrap();
        assert!(page.items.len() <= query.limit);
        pages.push(page.items.iter().map(|receipt| receipt.event_id.to_string()).collect());
        assert!(pages.len() < 100, "paging ends");
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_day_is_paged_through_completely_and_without_doubles() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..7)).await;
    write(&store, "b2", Status::Sent, 10, &ids(7..9)).await;
    write(&store, "b3", Status::Rejected, 20, &ids(9..12)).await;
    for limit in [1, 2, 5, 100] {
        let found: Vec<String> = pages(&store, query(None, limit)).await.concat();
        assert_eq!(found.len(), 12, "limit {limit}: {found:?}");
        assert_eq!(
            found.into_iter().collect::<BTreeSet<_>>(),
            ids(0..12).into_iter().collect(),
            "limit {limit}"
        );
    }
}

#[tokio::test]
async fn the_newest_batch_of_a_status_comes_first() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..2)).await;
    write(&store, "b2", Status::Sent, 10, &ids(2..4)).await;
    let found = pages(&store, query(Some(Status::Sent), 2)).await.concat();
    assert_eq!(found[..2].iter().cloned().collect::<BTreeSet<_>>(), ids(2..4).into_iter().collect());
}

#[tokio::test]
async fn only_receipts_that_still_have_the_status_are_listed() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Waiting, 0, &ids(0..3)).await;
    write(&store, "b2", Status::Sent, 10, &ids(0..2)).await;
    assert_eq!(pages(&store, query(Some(Status::Waiting), 10)).await.concat(), ["e0002"]);
    let sent: BTreeSet<_> = pages(&store, query(Some(Status::Sent), 10)).await.concat().into_iter().collect();
    assert_eq!(sent, ids(0..2).into_iter().collect());
    assert!(pages(&store, query(Some(Status::Expired), 10)).await.concat().is_empty());
}

#[tokio::test]
async fn other_days_and_sources_are_not_listed() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..2)).await;
    let other_day = DayQuery { day: "2026-01-01".to_owned(), ..query(None, 10) };
    assert!(pages(&store, other_day).await.concat().is_empty());
    let elsewhere = adrelay_core::ids::SourceId::parse("other").unwrap();
    assert!(pages(&store, DayQuery { source: elsewhere, ..query(None, 10) }).await.concat().is_empty());
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused_and_never_leads_elsewhere() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..5)).await;
    for bad in ["", "x", "e30", "bnVsbA", "eyJhIjoxfQ", "%%%"] {
        let query = DayQuery { cursor: Some(bad.to_owned()), ..query(None, 2) };
        let page = store.by_day(&query).await;
        assert!(page.is_err(), "{bad:?} gave {page:?}");
    }
}

#[tokio::test]
async fn a_batch_of_long_ids_is_split_into_lines_below_the_item_limit() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    // 1,000 ids of 256 bytes, two bytes a character, exceed 300 KB only where bytes are counted.
    let long: Vec<String> = (0..2_000).map(|n| format!("{n:04}{}", "é".repeat(126))).collect();
    store.index(&[line("b1", Status::Sent, 0, &long)]).await.unwrap();
    let lines = partition(&client, &format!("T#acme#S#shop#D#{}", NOON.utc_day())).await;
    assert!(lines.len() >= 2);
    assert!(lines.iter().all(|line| size(line) < 400_000), "DynamoDB's limit of an item");
    let counts = store.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap();
    assert_eq!(counts.by_name["Lead"], HashMap::from([(Status::Sent, 2_000)]));
}

#[tokio::test]
async fn ids_that_json_escapes_and_names_of_their_own_fit_too() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let quotes: Vec<String> = (0..2_000).map(|n| format!("{n:04}{}", "\"".repeat(252))).collect();
    let mut lines = line("b1", Status::Sent, 0, &quotes);
    let (_, ids) = lines.events.remove(0);
    let name = |n: usize| EventName::parse(&format!("{n:04}{}", "\\".repeat(96))).unwrap();
    lines.events = ids.into_iter().enumerate().map(|(n, id)| (name(n), vec![id])).collect();
    store.index(&[lines]).await.unwrap();
    let counts = store.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap();
    assert_eq!(counts.by_name.len(), 2_000);
}

#[tokio::test]
async fn one_page_looks_at_no_more_than_its_share_of_receipts() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    // All of them waited once and are sent now: the list of those that wait is empty, but long to find so.
    store.index(&[line("b1", Status::Waiting, 0, &ids(0..4_500))]).await.unwrap();
    let found = pages(&store, query(Some(Status::Waiting), 10)).await;
    assert!(found.len() >= 3, "{} pages", found.len());
    assert!(found.concat().is_empty());
}

#[tokio::test]
async fn a_cursor_of_one_status_is_refused_for_another() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Waiting, 0, &ids(0..3)).await;
    let page = store.by_day(&query(Some(Status::Waiting), 1)).await.unwrap();
    let other = DayQuery { cursor: page.next_cursor, ..query(Some(Status::Sent), 1) };
    assert!(store.by_day(&other).await.is_err());
}

#[tokio::test]
async fn a_day_is_counted_by_name_and_status() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let mut mixed = line("b1", Status::Sent, 0, &ids(0..3));
    mixed.events.push((EventName::parse("Purchase").unwrap(), vec![EventId::parse("p").unwrap()]));
    store.index(&[mixed, line("b2", Status::Rejected, 1, &ids(3..4))]).await.unwrap();
    let counts = store.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap();
    assert!(!counts.truncated);
    assert_eq!(counts.by_name["Lead"], HashMap::from([(Status::Sent, 3), (Status::Rejected, 1)]));
    assert_eq!(counts.by_name["Purchase"], HashMap::from([(Status::Sent, 1)]));
}

#[tokio::test]
async fn index_lines_end_after_90_days() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    store.index(&[line("b1", Status::Sent, 0, &ids(0..1))]).await.unwrap();
    let lines = partition(&client, &format!("T#acme#S#shop#D#{}", NOON.utc_day())).await;
    let expires_at: i64 = lines[0]["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 90 * 86_400);
    assert!(lines[0]["sk"].as_s().unwrap().starts_with("sent#2026-09-21T14:13:20.000Z#b1"));
}
