//! Each call of the events table fails once.

use adrelay_core::dispatch::governor::Ledger;
use adrelay_core::ids::{EventId, EventName, KeyId};
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ErasureList as _, ErasureWriter as _};
use adrelay_core::ports::governor::{GovernorStore as _, RateGate as _};
use adrelay_core::ports::receipts::{DayQuery, ReceiptReader as _, ReceiptWriter as _};
use adrelay_core::ports::waiting::WaitingRoom as _;
use adrelay_core::receipt::{BatchIndexEntry, Outcome, Status, Trust};

use crate::faults::{Stores, sweeps};
use crate::support::{NOON, dynamodb, key, message, outcome, pixel, source, tenant};

/// An index line that takes two items.
fn long_line() -> BatchIndexEntry {
    let ids = (0..1_300).map(|n| EventId::parse(&format!("{n:0250}")).unwrap()).collect();
    BatchIndexEntry {
        tenant: tenant(),
        source: source(),
        status: Status::Sent,
        at: NOON,
        batch: "b1".to_owned(),
        pixel_id: pixel(),
        trust: Trust::Server,
        count: 1_300,
        keys: [("em".into(), 1_300)].into(),
        events: vec![(EventName::parse("Lead").unwrap(), ids)],
    }
}

fn line(batch: &str) -> BatchIndexEntry {
    let events = vec![(EventName::parse("Lead").unwrap(), vec![key("e1").event_id])];
    BatchIndexEntry { batch: batch.to_owned(), count: 1, events, ..long_line() }
}

async fn record(stores: &Stores, outcome: Outcome) -> Result<(), StoreError> {
    stores.events.record(&[outcome]).await.remove(0)
}

async fn nothing(_: &Stores) {}

async fn a_sent_event(stores: &Stores) {
    record(stores, outcome("e1", Status::Sent, "m1")).await.unwrap();
    stores.events.index(&[line("b1")]).await.unwrap();
}

async fn a_waiting_event(stores: &Stores) {
    record(stores, outcome("e1", Status::Waiting, "m1")).await.unwrap();
}

async fn a_room(stores: &Stores) {
    for (id, later_ms) in [("m1", 0), ("m2", 1), ("m3", 2)] {
        stores.events.park(&message(id, NOON.plus_ms(later_ms), &["e1", "e2"])).await.unwrap();
    }
}

async fn a_ledger(stores: &Stores) {
    stores.events.save(&tenant(), &pixel(), 0, &Ledger::default()).await.unwrap();
}

fn hashes() -> Vec<Sha256Hex> {
    ["1", "2", "3"].map(|text| Sha256Hex::of(text).unwrap()).into()
}

async fn tombstones(stores: &Stores) {
    stores.events.bury(&tenant(), &hashes(), NOON).await.unwrap();
}

fn day() -> DayQuery {
    let day = NOON.utc_day();
    DayQuery { tenant: tenant(), source: source(), day, status: None, limit: 10, cursor: None }
}

sweeps!(a_failed_write_of_events_is_an_error_and_a_repeat_completes_it, dynamodb;
    "a new receipt": nothing, async |s: &Stores| record(s, outcome("e1", Status::Sent, "m1")).await, Done;
    "a receipt of what waited": a_waiting_event,
        async |s: &Stores| record(s, outcome("e1", Status::Sent, "m1")).await, Done;
    "another message's of what waited": a_waiting_event,
        async |s: &Stores| record(s, outcome("e1", Status::Rejected, "m2")).await, Done;
    "a repeat of what is sent": a_sent_event,
        async |s: &Stores| record(s, outcome("e1", Status::Sent, "m2")).await, Done;
    "index lines": nothing, async |s: &Stores| s.events.index(&[line("b1"), line("b2")]).await, Done;
    "a long index line": nothing, async |s: &Stores| s.events.index(&[long_line()]).await, Done;
    "park": nothing, async |s: &Stores| s.events.park(&message("m1", NOON, &["e1"])).await, Done;
    "remove": a_room, async |s: &Stores| {
        let keys = parked(s).await?;
        s.events.remove(&tenant(), &pixel(), &keys).await
    }, Done;
    "bury": nothing, async |s: &Stores| s.events.bury(&tenant(), &hashes(), NOON).await, Done;
    "bury again": tombstones, async |s: &Stores| s.events.bury(&tenant(), &hashes(), NOON.plus_ms(1)).await, Done;
    "a first ledger": nothing,
        async |s: &Stores| s.events.save(&tenant(), &pixel(), 0, &Ledger::default()).await, Conflict;
    "a later ledger": a_ledger,
        async |s: &Stores| s.events.save(&tenant(), &pixel(), 1, &Ledger::default()).await, Conflict;
    "pass": nothing,
        async |s: &Stores| s.events.pass(&tenant(), &KeyId::parse("key_1").unwrap(), NOON, 1_000).await, Done;
);

async fn parked(stores: &Stores) -> Result<Vec<String>, StoreError> {
    let page = stores.events.page(&tenant(), &pixel(), 10).await?;
    Ok(page.into_iter().map(|parked| parked.key).collect())
}

sweeps!(a_failed_read_of_events_is_an_error, dynamodb;
    "known": a_sent_event, async |s: &Stores| s.events.known(&[key("e1")]).await, Done;
    "by event id": a_sent_event, async |s: &Stores| s.events.by_event_id(&tenant(), &key("e1").event_id).await, Done;
    "by day": a_sent_event, async |s: &Stores| s.events.by_day(&day()).await, Done;
    "day counts": a_sent_event, async |s: &Stores| s.events.day_counts(&tenant(), &source(), &NOON.utc_day()).await, Done;
    "day summary": a_sent_event,
        async |s: &Stores| s.events.day_summary(&tenant(), &source(), &NOON.utc_day(), 5).await, Done;
    "a room's page": a_room, async |s: &Stores| s.events.page(&tenant(), &pixel(), 10).await, Done;
    "tombstones": tombstones, async |s: &Stores| s.events.tombstones(&tenant()).await, Done;
    "load": a_ledger, async |s: &Stores| s.events.load(&tenant(), &pixel()).await, Done;
);

#[tokio::test]
async fn of_several_outcomes_the_failed_one_alone_is_an_error() {
    use crate::wire::{DENIED, Turn, Wire};
    let client = dynamodb().await;
    let (failing, _) = Wire::between(&client, |call| {
        if call.input["Key"]["pk"]["S"] == "T#acme#E#e2" { Turn::Refused(DENIED) } else { Turn::Pass }
    });
    let ids = ["e1", "e2", "e3"];
    let outcomes = ids.map(|id| outcome(id, Status::Sent, "m1"));
    let written = Stores::over(&failing).events.record(&outcomes).await;
    assert_eq!(written, [Ok(()), Err(StoreError::Unavailable(DENIED.to_owned())), Ok(())]);
    let known = Stores::over(&client).events.known(&ids.map(key)).await.unwrap();
    assert_eq!(known.len(), 2);
    assert!(!known.contains_key(&key("e2")));
}
