//! One group's way to Meta: repeats, requests within Meta's limits, and what happens to the rest.

use adrelay_core::config::Scope;
use adrelay_core::message::EventMessage;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, Rig, ScriptedMeta, When};
use serde_json::json;

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, copies, events_on_queue, first, ids, other_pixel, outcome, push_release, refs, releases,
    rig, run_until, statuses, verdict, with,
};

#[tokio::test]
async fn an_event_is_sent_and_has_a_receipt_with_metas_trace() {
    let rig = rig();
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let receipts = rig.ports().events.receipts();
    let (key, receipt) = receipts.first_key_value().expect("a receipt");
    assert_eq!(key.event_id.as_str(), "a");
    assert_eq!(receipt.outcome.status, Status::Sent);
    assert_eq!(receipt.outcome.fbtrace_id.as_deref(), Some("trace-0"));
    assert_eq!(rig.ports().events.index_lines().len(), 1);
}

#[tokio::test]
async fn a_repeat_is_counted_and_not_sent_again() {
    let rig = rig();
    rig.post(&["a", "a", "b"]);
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.calls().concat(), ["a", "b"]);
    let copies: u32 = rig.ports().events.receipts().values().map(|r| r.copies).sum();
    assert_eq!(copies, 5);
}

#[tokio::test]
async fn a_redelivered_message_is_neither_sent_again_nor_counted() {
    let rig = rig();
    let message = rig.message(&["a", "b"], Scope::Ingest);
    rig.push(message.clone());
    rig.push(message);
    rig.step(1).await;
    rig.step(1).await;
    assert_eq!(rig.ports().meta.calls().len(), 1);
    assert!(rig.ports().events.receipts().values().all(|r| r.copies == 1));
}

#[tokio::test]
async fn events_of_a_disabled_pixel_are_skipped() {
    let rig = rig();
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = false);
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Skipped), 1);
}

#[tokio::test]
async fn a_panic_is_its_pixels_own() {
    let rig = rig();
    let other = adrelay_core::ids::PixelId::parse("999").expect("digits");
    rig.ports().config.add_pixel(&rig.tenant, &other, "token");
    rig.ports().meta.script(|ids, _, _| {
        assert!(ids != ["boom"], "scripted panic");
        Ok(())
    });
    rig.post(&["boom"]);
    let mut fine = rig.message(&["fine"], Scope::Ingest);
    fine.pixel_id = other;
    rig.push(fine);
    let report = rig.step(10).await.expect("a step");
    assert_eq!(report.panics, 1);
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
    assert_eq!(rig.ports().queue.bodies().len(), 1, "the panicking message is received again");
}

#[tokio::test]
async fn requests_behind_one_that_is_stopped_are_sent_later() {
    for stopped in [Verdict::Wait { ms: 60_000 }, Verdict::Retry, Verdict::Token] {
        let rig = rig();
        rig.ports().meta.script(first(3, stopped.clone(), 4));
        rig.post(&refs(&ids(1_500)));
        rig.step(10).await;
        assert_eq!(rig.ports().meta.taken().len(), 0, "{stopped:?}");
        run_until(&rig, HOUR_MS).await;
        let taken = rig.ports().meta.taken();
        assert_eq!((taken.len(), rig.ports().meta.held().len()), (1_500, 1_500), "{stopped:?}");
        assert_eq!(rig.ports().events.count(Status::Sent), 1_500, "{stopped:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_stopped_does_not_undo_those_before_it() {
    let rig = rig();
    rig.ports().meta.script(|_, _, nth| match nth {
        1 => Err(ScriptedMeta::failure(Verdict::Wait { ms: 60_000 }, 80_004, None)),
        _ => Ok(()),
    });
    rig.post(&refs(&ids(2_500)));
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.sent, report.resent, report.batch_size_max), (1_000, 1_500, 1_000));
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken().len(), 2_500);
}

#[tokio::test]
async fn a_redelivered_message_beside_a_copy_counts_the_copy() {
    let rig = rig();
    let message = rig.message(&["a"], Scope::Ingest);
    rig.push(message.clone());
    rig.step(10).await;
    rig.push(message);
    rig.post(&["a"]);
    let report = rig.step(10).await.unwrap();
    assert_eq!((rig.ports().meta.taken().len(), copies(&rig, "a")), (1, 2));
    assert_eq!(report.sent, 0);
}

#[tokio::test]
async fn repeats_are_reported_and_a_repeat_that_cannot_be_counted_comes_again() {
    let rig = rig();
    rig.post(&["a", "b"]);
    rig.step(10).await;
    rig.post(&["a", "b"]);
    rig.post(&["b"]);
    rig.ports().events.faults().refuse_at("record", On::Nth(1), When::Before, &[0]);
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.repeats, report.receipts_failed, report.resent, report.sent), (2, 1, 1, 0));
    assert_eq!((copies(&rig, "a"), copies(&rig, "b")), (1, 3));
    run_until(&rig, HOUR_MS).await;
    assert_eq!((copies(&rig, "a"), copies(&rig, "b")), (2, 3));
    assert_eq!(rig.ports().meta.taken(), ["a", "b"]);
    assert_eq!(rig.ports().events.index_lines().len(), 1, "a repeat is no line of the day");
}

#[tokio::test]
async fn nothing_is_sent_while_it_cannot_be_read_what_was_sent() {
    let rig = rig();
    rig.post(&["a"]);
    rig.step(10).await;
    rig.post(&["a", "b"]);
    rig.ports().events.faults().fail("known", On::Nth(1), When::Before);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(events_on_queue(&rig)[0].attempt, 1);
    assert_eq!(statuses(&rig).len(), 1, "our own store's trouble writes no receipt");
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["a", "b"]);
}

#[tokio::test]
async fn what_was_rejected_or_expired_is_tried_when_it_is_posted_again() {
    let rig = rig();
    rig.ports().meta.script(first(1, Verdict::BadData, 100));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(verdict(&rig, "a").0, Status::Rejected);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(verdict(&rig, "a").0, Status::Sent);
}

/// Events whose JSON has exactly so many bytes.
fn sized(rig: &Rig<ScriptedMeta>, events: usize, bytes: usize) -> EventMessage {
    let grow = |nth: usize, by: usize| {
        with(rig, &format!("e{nth}"), &json!({"custom_data": {"note": "x".repeat(by)}}))
    };
    let of = |nth| {
        let empty = grow(nth, 0).events[0].json().len();
        grow(nth, bytes - empty).events.remove(0)
    };
    let events: Vec<_> = (0..events).map(of).collect();
    assert!(events.iter().all(|event| event.json().len() == bytes));
    EventMessage { events, ..rig.message(&[], Scope::Ingest) }
}

#[tokio::test]
async fn a_request_has_five_megabytes_at_most() {
    // An event and the comma behind it.
    for (bytes, sizes) in [(49_999, vec![100]), (50_000, vec![99, 1])] {
        let rig = rig();
        rig.push(sized(&rig, 100, bytes));
        rig.step(10).await;
        let requests = rig.ports().meta.requests();
        assert_eq!(requests.iter().map(|request| request.ids.len()).collect::<Vec<_>>(), sizes);
        let whole = |events: &[String]| events.iter().map(|event| event.len() + 1).sum::<usize>();
        assert!(requests.iter().all(|request| whole(&request.events) <= 5_000_000));
        assert_eq!(rig.ports().meta.held().len(), 100);
    }
    let rig = rig();
    rig.push(sized(&rig, 250, 50_000));
    rig.step(10).await;
    let sizes: Vec<usize> = rig.ports().meta.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [99, 99, 52], "each request is measured by itself");
}

#[tokio::test]
async fn a_request_has_a_thousand_events_at_most() {
    for (events, sizes) in [(1_000, vec![1_000]), (1_001, vec![1_000, 1])] {
        let rig = rig();
        rig.post(&refs(&ids(events)));
        run_until(&rig, HOUR_MS).await;
        let found: Vec<usize> = rig.ports().meta.calls().iter().map(Vec::len).collect();
        assert_eq!(found, sizes);
    }
}

#[tokio::test]
async fn each_request_has_calls_of_its_own() {
    let rig = rig();
    // Each of the two requests costs 31 calls or so: one bad event in each quarter.
    let bad: Vec<String> = (0..8).map(|nth| format!("e{}", nth * 250 + 17)).collect();
    rig.ports().meta.script(crate::dispatch::world::refuse(&refs(&bad), Some(2_804_050)));
    rig.post(&refs(&ids(2_000)));
    let report = rig.step(10).await.unwrap();
    assert!(report.calls_ok + report.calls_refused > 64, "{report:?}");
    run_until(&rig, HOUR_MS).await;
    assert_eq!((rig.ports().meta.taken().len(), rig.ports().events.count(Status::Rejected)), (1_992, 8));
}

#[tokio::test]
async fn a_pixel_that_nobody_has_ends_its_events() {
    let rig = rig();
    let nobodys = adrelay_core::ids::PixelId::parse("404404").unwrap();
    rig.push(EventMessage { pixel_id: nobodys, ..rig.message(&["a"], Scope::Ingest) });
    rig.step(10).await;
    assert_eq!(verdict(&rig, "a"), (Status::Skipped, Some("pixel_unknown".to_owned())));
    assert!(rig.ports().meta.calls().is_empty());
}

#[tokio::test]
async fn a_pixel_whose_connection_is_gone_makes_its_events_wait() {
    let rig = rig();
    let nowhere = adrelay_core::ids::ConnectionId::parse("gone").unwrap();
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.connection_id = nowhere.clone());
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(verdict(&rig, "a"), (Status::Waiting, Some("connection_unknown".to_owned())));
    assert_eq!(rig.ports().events.waiting(), 1);
    run_until(&rig, 8 * DAY_MS).await;
    assert_eq!(verdict(&rig, "a").0, Status::Expired);
}

#[tokio::test]
async fn a_pixels_place_is_remembered_for_a_minute() {
    let rig = rig();
    rig.post(&["a"]);
    rig.step(10).await;
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = false);
    rig.ports().clock.advance_to(NOON.plus_ms(59_999));
    rig.post(&["b"]);
    rig.step(10).await;
    assert_eq!((rig.ports().meta.taken().len(), rig.ports().config.faults().calls("pixel")), (2, 1));
    rig.ports().clock.advance_to(NOON.plus_ms(60_000));
    rig.post(&["c"]);
    rig.step(10).await;
    assert_eq!(verdict(&rig, "c"), (Status::Skipped, Some("pixel_disabled".to_owned())));
}

#[tokio::test]
async fn groups_of_one_invocation_fail_and_succeed_apart() {
    let rig = rig();
    let other = other_pixel(&rig);
    let pixel = rig.pixel.clone();
    rig.ports().meta.script(|_, token, _| match token {
        "token" => Err(ScriptedMeta::failure(Verdict::Retry, 2, None)),
        _ => Ok(()),
    });
    rig.post(&["a"]);
    rig.push(EventMessage { pixel_id: other, ..rig.message(&["b"], Scope::Ingest) });
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.sent, report.resent, report.calls_ok, report.calls_failed), (1, 1, 1, 3));
    assert_eq!(rig.ports().meta.taken(), ["b"]);
    let messages = events_on_queue(&rig);
    assert_eq!((messages.len(), &messages[0].pixel_id), (1, &pixel));
    assert_eq!(outcome(&rig, "b").unwrap().attempts, 0);
}

#[tokio::test]
async fn a_control_message_that_panics_is_received_again() {
    let rig = rig();
    rig.ports().events.faults().run("load", On::Nth(1), When::Before, || panic!("scripted panic"));
    push_release(&rig, &rig.pixel);
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.panics, releases(&rig)), (1, 1));
}
