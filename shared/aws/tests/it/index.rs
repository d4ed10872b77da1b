//! The day's index: lines by source and day, and the pages read through them.

use std::collections::{BTreeSet, HashMap};

use adrelay_aws::events::DynamoEvents;
use adrelay_core::ids::{EventId, EventName, SourceId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::receipts::{DayQuery, ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::receipt::{BatchIndexEntry, Outcome, Status, Trust};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::contract::contract;
use crate::events_data::{Events, record};
use crate::support::{NOON, TABLE, dynamodb, outcome, partition, pixel, size, source, tenant};
use crate::wire::{Wire, short_page};

contract!(adrelay_aws::events::DynamoEvents::new, crate::support::dynamodb, fakes::MemoryEvents::default;
    a_day_is_counted_by_name_and_status,
    a_line_that_is_written_again_counts_once,
    a_line_counts_for_its_tenant_source_and_day_alone,
);

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
    record(store, &outcomes).await;
}

fn query(status: Option<Status>, limit: usize) -> DayQuery {
    DayQuery { tenant: tenant(), source: source(), day: NOON.utc_day(), status, limit, cursor: None }
}

async fn pages(store: &DynamoEvents, mut query: DayQuery) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    for _ in 0..100 {
        let page = store.by_day(&query).await.unwrap();
        assert!(page.items.len() <= query.limit);
        pages.push(page.items.iter().map(|receipt| receipt.event_id.to_string()).collect());
        match page.next_cursor {
            Some(cursor) => query.cursor = Some(cursor),
            None => return pages,
        }
    }
    panic!("a list without an end")
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
    let elsewhere = SourceId::parse("other").unwrap();
    assert!(pages(&store, DayQuery { source: elsewhere, ..query(None, 10) }).await.concat().is_empty());
}

/// A cursor as it is given out, but of whatever place.
fn cursor(line: &str, done: usize) -> String {
    URL_SAFE_NO_PAD.encode(json!({"line": line, "done": done}).to_string())
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..5)).await;
    for bad in ["", "x", "e30", "bnVsbA", "eyJhIjoxfQ", "%%%"] {
        let query = DayQuery { cursor: Some(bad.to_owned()), ..query(None, 2) };
        assert_eq!(store.by_day(&query).await, Err(StoreError::Conflict), "{bad:?}");
    }
    let of_sent = query(Some(Status::Sent), 2);
    for bad in ["", "sent", "sens#x", "sent$x", "waiting#2026-09-21T14:13:20.000Z#b1.0", "T#other#S#shop"] {
        let query = DayQuery { cursor: Some(cursor(bad, 0)), ..of_sent.clone() };
        assert_eq!(store.by_day(&query).await, Err(StoreError::Conflict), "{bad:?}");
    }
}

/// It names a place of whichever list it comes back to: a line's key, without tenant, source or day.
#[tokio::test]
async fn a_cursor_never_leads_to_another_tenant_source_or_day() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..5)).await;
    let given = store.by_day(&query(None, 2)).await.unwrap().next_cursor;
    let wide = Some(cursor("waiting#9999", usize::MAX - 1));
    for cursor in [given, wide] {
        assert!(cursor.is_some());
        let mine = DayQuery { cursor, ..query(None, 2) };
        for elsewhere in [
            DayQuery { tenant: TenantId::parse("other").unwrap(), ..mine.clone() },
            DayQuery { source: SourceId::parse("other").unwrap(), ..mine.clone() },
            DayQuery { day: "2026-09-20".to_owned(), ..mine.clone() },
        ] {
            let page = store.by_day(&elsewhere).await.unwrap();
            assert_eq!((page.items, page.next_cursor), (Vec::new(), None));
        }
    }
}

/// A line may be written below the cursor, or lose its receipts, while a list is paged.
#[tokio::test]
async fn a_cursor_beyond_its_lines_end_goes_on_with_the_next_line() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    write(&store, "b1", Status::Sent, 0, &ids(0..2)).await;
    write(&store, "b2", Status::Sent, 10, &ids(2..4)).await;
    let newest = "sent#2026-09-21T14:13:20.010Z#b2.0";
    for (done, expected) in [(0, 4), (1, 3), (2, 2), (3, 2), (usize::MAX - 1, 2)] {
        let page =
            store.by_day(&DayQuery { cursor: Some(cursor(newest, done)), ..query(None, 10) }).await.unwrap();
        assert_eq!((page.items.len(), page.next_cursor), (expected, None), "after {done}");
    }
}

#[tokio::test]
async fn a_day_is_listed_whole_where_every_page_is_short() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    for n in 0..7_i64 {
        let from = usize::try_from(n * 3).unwrap();
        write(&store, &format!("b{n}"), Status::Sent, n, &ids(from..from + 3)).await;
    }
    let stingy = DynamoEvents::new(Wire::stingy(&client), TABLE.to_owned());
    for limit in [1, 4, 100] {
        let mut found = pages(&stingy, query(None, limit)).await.concat();
        found.sort();
        assert_eq!(found, ids(0..21), "limit {limit}");
    }
    let counts = stingy.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap();
    assert_eq!((counts.by_name["Lead"][&Status::Sent], counts.truncated), (21, false));
}

#[tokio::test]
async fn a_day_of_more_lines_than_one_count_reads_says_so() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    for n in 0..7_i64 {
        store.index(&[line(&format!("b{n}"), Status::Sent, n, &ids(0..1))]).await.unwrap();
    }
    for (per_page, counted, truncated) in [(1, 5, true), (2, 7, false)] {
        let (client, wire) = Wire::between(&client, move |call| short_page(call, per_page));
        let store = DynamoEvents::new(client, TABLE.to_owned());
        let counts = store.day_counts(&tenant(), &source(), &NOON.utc_day()).await.unwrap();
        assert_eq!((counts.by_name["Lead"][&Status::Sent], counts.truncated), (counted, truncated));
        assert!(wire.calls().len() <= 5);
    }
}

#[tokio::test]
async fn receipts_of_public_keys_are_listed_by_their_own_lines() {
    let store = DynamoEvents::new(dynamodb().await, TABLE.to_owned());
    let public = |id: &str, status| {
        let mut outcome = outcome(id, status, "m1");
        outcome.key.trust = Trust::Public;
        outcome
    };
    let lines = [
        BatchIndexEntry { trust: Trust::Public, ..line("b1", Status::Sent, 0, &ids(0..2)) },
        line("b2", Status::Sent, 0, &ids(1..2)),
    ];
    store.index(&lines).await.unwrap();
    let outcomes =
        [public("e0000", Status::Sent), public("e0001", Status::Sent), outcome("e0001", Status::Sent, "m2")];
    record(&store, &outcomes).await;
    let page = store.by_day(&query(Some(Status::Sent), 10)).await.unwrap();
    let mut found: Vec<(&str, Trust)> = page.items.iter().map(|r| (r.event_id.as_str(), r.trust)).collect();
    found.sort_unstable();
    assert_eq!(found, [("e0000", Trust::Public), ("e0001", Trust::Server), ("e0001", Trust::Public)]);
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
    assert_eq!(store.by_day(&other).await, Err(StoreError::Conflict));
}

async fn a_day_is_counted_by_name_and_status(store: &impl Events) {
    let mut mixed = line("b1", Status::Sent, 0, &ids(0..3));
    mixed.events.push((EventName::parse("Purchase").unwrap(), vec![EventId::parse("p").unwrap()]));
    store.index(&[mixed, line("b2", Status::Rejected, 1, &ids(3..4))]).await.unwrap();
    let expected = HashMap::from([
        ("Lead".to_owned(), HashMap::from([(Status::Sent, 3), (Status::Rejected, 1)])),
        ("Purchase".to_owned(), HashMap::from([(Status::Sent, 1)])),
    ]);
    assert_eq!(store.counted().await, expected);
}

async fn a_line_that_is_written_again_counts_once(store: &impl Events) {
    let lines = [line("b1", Status::Sent, 0, &ids(0..3)), line("b2", Status::Sent, 0, &ids(3..5))];
    for _ in 0..2 {
        store.index(&lines).await.unwrap();
    }
    store.index(&[]).await.unwrap();
    // Another status, instant or batch is another line.
    store.index(&[line("b1", Status::Waiting, 0, &ids(0..1))]).await.unwrap();
    store.index(&[line("b1", Status::Sent, 1, &ids(5..6))]).await.unwrap();
    let of_lead = HashMap::from([(Status::Sent, 6), (Status::Waiting, 1)]);
    assert_eq!(store.counted().await, HashMap::from([("Lead".to_owned(), of_lead)]));
}

async fn a_line_counts_for_its_tenant_source_and_day_alone(store: &impl Events) {
    let ours = line("b1", Status::Sent, 0, &ids(0..1));
    let midnight_ms = 86_400_000 - NOON.0.rem_euclid(86_400_000);
    for (nth, other) in [
        BatchIndexEntry { tenant: TenantId::parse("other").unwrap(), ..ours.clone() },
        BatchIndexEntry { source: SourceId::parse("other").unwrap(), ..ours.clone() },
        BatchIndexEntry { at: NOON.plus_ms(midnight_ms), ..ours.clone() },
        BatchIndexEntry { at: NOON.plus_ms(midnight_ms - 86_400_001), ..ours.clone() },
    ]
    .into_iter()
    .enumerate()
    {
        store.index(&[other]).await.unwrap();
        assert_eq!(store.counted().await, HashMap::new(), "{nth}");
    }
    store.index(&[line("b2", Status::Sent, midnight_ms - 1, &ids(0..1)), ours]).await.unwrap();
    let of_lead = HashMap::from([(Status::Sent, 2)]);
    assert_eq!(store.counted().await, HashMap::from([("Lead".to_owned(), of_lead)]));
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
