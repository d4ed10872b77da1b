//! Waiting rooms: the probe that tries one event at a time, and the release that puts all of them on the queue.

use adrelay_core::config::Scope;
use adrelay_core::message::{EventMessage, QueueMessage, WaitingRoomRef};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::ports::waiting::WaitingRoom as _;
use adrelay_core::receipt::Status;
use adrelay_core::time::UnixMillis;
use fakes::{NOON, On, Rig, ScriptedMeta, When};
use serde_json::json;

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, MINUTE_MS, aged, always, changed, copies, elapsed_ms, events_on_queue, first, ids,
    ids_in, on_queue, only, outcome, probe_due, probes, push_release, reasons, refs, refuse, release,
    releases, rig, run_until, statuses, times_ms, verdict,
};

/// A pixel with a dead token, with as many messages of one event in its room; a probe is due in half a minute.
async fn parked(messages: usize) -> Rig<ScriptedMeta> {
    let rig = rig();
    rig.ports().meta.script(only("token-2"));
    for id in ids(messages) {
        rig.post(&[&id]);
    }
    rig.step(100).await;
    assert_eq!(rig.ports().events.waiting(), messages);
    assert_eq!(rig.ports().meta.calls().len(), 1);
    rig
}

/// Hands a release to the dispatcher that it must be through with after so long; whether it is done with.
async fn release_within(rig: &Rig<ScriptedMeta>, ms: i64) -> (bool, u64) {
    let room = WaitingRoomRef::new(rig.tenant.clone(), rig.pixel.clone());
    let deadline = rig.ports().clock.now().plus_ms(ms);
    let (failed, report) = rig.dispatcher.handle(vec![QueueMessage::Release(room)], deadline).await;
    (failed.is_empty(), report.released)
}

#[tokio::test]
async fn waiting_events_of_a_pixel_that_is_never_put_right_end_as_expired() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Permission, 200, None)));
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(9 * 24 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Expired), 1);
    assert!(rig.ports().queue.bodies().is_empty() && rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn probes_come_ever_more_rarely() {
    let rig = parked(1).await;
    run_until(&rig, HOUR_MS).await;
    let seconds: Vec<i64> = times_ms(&rig).iter().map(|ms| ms / 1_000).collect();
    assert_eq!(seconds, [0, 30, 90, 210, 450, 930, 1_830, 2_730]);
    assert_eq!(probes(&rig)[0].attempt, 7);
    assert_eq!(rig.ports().events.waiting(), 1);
}

#[tokio::test]
async fn probes_try_each_waiting_event_in_turn() {
    let rig = parked(3).await;
    run_until(&rig, 500_000).await;
    assert_eq!(rig.ports().meta.calls()[1..], [["e0"], ["e1"], ["e2"], ["e0"]]);

    let rig = crate::dispatch::world::rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.post(&["a", "b"]);
    run_until(&rig, 300_000).await;
    assert_eq!(rig.ports().meta.calls()[1..], [["a"], ["b"], ["a"]]);
}

#[tokio::test]
async fn a_probe_that_meta_takes_releases_the_rest_and_is_not_sent_twice() {
    let rig = rig();
    rig.ports().meta.script(first(2, Verdict::Token, 190));
    for id in ids(3) {
        rig.post(&[&id]);
    }
    let before = rig.step(10).await.unwrap();
    assert_eq!(before.parked, 3);
    rig.ports().clock.advance_to(probe_due(&rig).unwrap());
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.calls_refused, report.sent, report.released), (1, 0, 0));
    assert_eq!(report.seconds_to_deadline_min, Some(7 * 86_400 - 3_600 - 60 - 30));
    rig.ports().clock.advance_to(probe_due(&rig).unwrap());
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.calls_ok, report.sent, report.attention), (1, 1, 0));
    assert_eq!(verdict(&rig, "e1"), (Status::Sent, None));
    assert_eq!(reasons(&rig), (None, None));
    run_until(&rig, HOUR_MS).await;
    let taken = rig.ports().meta.taken();
    assert_eq!(taken, ["e1", "e0", "e2"]);
    assert!(ids(3).iter().all(|id| copies(&rig, id) == 1));
    assert_eq!((rig.ports().events.waiting(), probe_due(&rig)), (0, None));
}

#[tokio::test]
async fn a_refusal_of_the_data_shows_that_the_token_works() {
    for subcode in [None, Some(2_804_050)] {
        let rig = rig();
        let data = refuse(&["a"], subcode);
        rig.ports().meta.script(move |ids, _, nth| match nth {
            0 => Err(ScriptedMeta::failure(Verdict::Token, 190, None)),
            _ => data(ids, "", nth),
        });
        rig.post(&["a"]);
        rig.post(&["b"]);
        run_until(&rig, MINUTE_MS).await;
        assert_eq!(
            statuses(&rig),
            [("a".to_owned(), Status::Rejected), ("b".to_owned(), Status::Sent)].into()
        );
        assert_eq!(reasons(&rig), (None, None));
    }
}

#[tokio::test]
async fn a_refusal_without_a_reason_does_not_clear_one_without_a_reason() {
    let rig = rig();
    let with_subcode = refuse(&["e0"], Some(2_804_050));
    let without = always(Verdict::BadData, 100);
    rig.ports().meta.script(move |ids, token, nth| match nth {
        0..10 => without(ids, token, nth),
        _ => with_subcode(ids, token, nth),
    });
    rig.post(&refs(&ids(12)));
    run_until(&rig, 300_000).await;
    // A request, two splits, four samples; three probes.
    assert_eq!(rig.ports().meta.calls().len(), 10);
    assert_eq!((rig.ports().events.waiting(), rig.ports().events.count(Status::Rejected)), (12, 0));
    assert_eq!(reasons(&rig), (Some("refused_without_reason".to_owned()), None));
    run_until(&rig, HOUR_MS).await;
    assert_eq!(reasons(&rig), (None, None));
    assert_eq!((rig.ports().events.count(Status::Sent), rig.ports().events.count(Status::Rejected)), (11, 1));
}

#[tokio::test]
async fn a_token_pasted_while_the_probe_succeeds_is_left_as_it_is() {
    let rig = rig();
    rig.ports().meta.script(first(1, Verdict::Token, 190));
    rig.post(&["a"]);
    rig.step(10).await;
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().config.faults().run("set_connection_health", On::Nth(1), When::Before, move || {
        config.new_token(&tenant, &pixel, "token-2");
    });
    run_until(&rig, 40_000).await;
    assert_eq!((rig.ports().events.waiting(), on_queue(&rig).len()), (0, 0));
    assert_eq!(rig.ports().meta.taken(), ["a"]);
}

#[tokio::test]
async fn a_probe_whose_result_cannot_be_noted_is_made_again() {
    for method in ["set_pixel_health", "set_connection_health"] {
        let rig = rig();
        rig.ports().meta.script(first(1, Verdict::Token, 190));
        rig.post(&["a"]);
        rig.post(&["b"]);
        rig.step(10).await;
        rig.ports().config.faults().fail(method, On::Nth(1), When::Before);
        rig.ports().clock.advance_to(probe_due(&rig).unwrap());
        rig.step(10).await;
        assert_eq!((probes(&rig).len(), releases(&rig)), (1, 0), "{method}");
        run_until(&rig, 10 * MINUTE_MS).await;
        assert_eq!(rig.ports().meta.held(), ["a".to_owned(), "b".to_owned()].into(), "{method}");
        assert_eq!(reasons(&rig), (None, None), "{method}");
    }
}

#[tokio::test]
async fn a_probe_calls_nobody_where_a_person_was_faster() {
    for enabled in [true, false] {
        let rig = parked(3).await;
        rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
        rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = enabled);
        run_until(&rig, 40_000).await;
        let expected = if enabled { vec![vec!["e0", "e1", "e2"]] } else { vec![] };
        assert_eq!(rig.ports().meta.calls()[1..], expected);
        let status = if enabled { Status::Sent } else { Status::Skipped };
        assert_eq!(rig.ports().events.count(status), 3);
    }
}

#[tokio::test]
async fn a_probe_of_an_empty_room_is_the_last() {
    let rig = parked(1).await;
    let page = rig.ports().events.page(&rig.tenant, &rig.pixel, 10).await.unwrap();
    rig.ports().events.remove(&rig.tenant, &rig.pixel, &[page[0].key.clone()]).await.unwrap();
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.calls().len(), 1);
    assert_eq!((probe_due(&rig), on_queue(&rig).len()), (None, 0));
}

#[tokio::test]
async fn a_probe_that_the_ledger_does_not_name_does_nothing() {
    let rig = parked(1).await;
    for due in [None, Some(NOON), Some(NOON.plus_ms(30_001))] {
        let room = WaitingRoomRef { due, ..WaitingRoomRef::new(rig.tenant.clone(), rig.pixel.clone()) };
        rig.ports().queue.push(QueueMessage::Probe(room).to_body().unwrap(), 0);
        rig.step(10).await;
    }
    assert_eq!(rig.ports().meta.calls().len(), 1);
    assert_eq!((probes(&rig).len(), probe_due(&rig)), (1, Some(NOON.plus_ms(30_000))));
    // One without an instant does nothing either where the ledger names none.
    release_within(&rig, MINUTE_MS).await;
    rig.step(10).await;
    assert_eq!(probe_due(&rig).is_some(), rig.ports().events.waiting() > 0);
}

#[tokio::test]
async fn a_probe_ends_what_grew_too_old_and_tries_the_rest() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.push(aged(&rig, "old", "website", 7 * 86_400 - 3_600 - 10));
    rig.push(aged(&rig, "store", "physical_store", 60));
    let both = rig.message(&["early", "late"], Scope::Ingest);
    let now_s = rig.ports().clock.now().secs();
    let soon = changed(&both.events[0], &json!({"event_time": now_s - 7 * 86_400 + 3_600 + 10}));
    rig.push(EventMessage { events: vec![soon, both.events[1].clone()], ..both });
    rig.step(10).await;
    assert_eq!(rig.ports().events.waiting(), 4);
    run_until(&rig, 5 * MINUTE_MS).await;
    assert_eq!(verdict(&rig, "old"), (Status::Expired, Some("too_old".to_owned())));
    // A message of which one event is still young enough waits on, and none of it is lost.
    assert_eq!(ids_in(&rig.ports().events.parked()), ["store", "early", "late"]);
    assert_eq!(rig.ports().events.count(Status::Waiting), 3);
    assert!(rig.ports().meta.calls()[1..].iter().all(|call| *call != ["old"]));
    run_until(&rig, 61 * DAY_MS).await;
    assert_eq!(statuses(&rig)["late"], Status::Expired);
    assert_eq!(ids_in(&rig.ports().events.parked()), ["store"]);
}

#[tokio::test]
async fn a_release_puts_messages_back_as_they_were() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    let message = EventMessage {
        attempt: 3,
        upload_tag: Some("week-7".to_owned()),
        ..rig.message(&["a"], Scope::Admin)
    };
    rig.push(message.clone());
    rig.step(10).await;
    rig.ports().clock.advance_ms(10_000);
    assert_eq!(release_within(&rig, MINUTE_MS).await, (true, 1));
    let back = events_on_queue(&rig).remove(0);
    assert_eq!((back.attempt, back.id, back.first_enqueued_at), (0, message.id, NOON));
    assert_eq!((back.upload_tag, back.key_scope), (message.upload_tag, Scope::Admin));
    assert_eq!(rig.ports().queue.next_visible_at(), Some(rig.ports().clock.now()), "without a delay");
}

#[tokio::test]
async fn a_release_takes_the_room_page_by_page_while_there_is_time() {
    for (ms, released) in [(1_999, 10), (2_000, 25)] {
        let rig = parked(25).await;
        assert_eq!(release_within(&rig, ms).await, (true, released));
        assert_eq!(rig.ports().events.waiting(), 25 - usize::try_from(released).unwrap());
        let more = rig.ports().events.waiting() > 0;
        assert_eq!(releases(&rig), usize::from(more));
        assert_eq!(rig.ports().queue.next_visible_at(), Some(NOON), "what is left goes on at once");
        assert_eq!(probe_due(&rig), None, "the probe is stale");
    }
}

#[tokio::test]
async fn what_the_queue_refuses_stays_in_the_room() {
    let rig = parked(12).await;
    rig.ports().queue.set_refusing(true);
    assert_eq!(release_within(&rig, MINUTE_MS).await, (false, 0));
    assert_eq!((rig.ports().events.waiting(), events_on_queue(&rig).len()), (12, 0));
    let page = rig.ports().events.page(&rig.tenant, &rig.pixel, 12).await.unwrap();
    rig.ports().queue.set_refusing(false);
    rig.ports().queue.faults().refuse_at("send", On::Nth(1), When::Before, &[0, 3]);
    assert_eq!(release_within(&rig, MINUTE_MS).await, (true, 8));
    assert_eq!(rig.ports().events.waiting(), 4);
    let left: Vec<_> = rig.ports().events.parked().into_iter().map(|message| message.id).collect();
    assert_eq!(left, [0, 3, 10, 11].map(|place: usize| page[place].message.id.clone()));
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    run_until(&rig, 29_999).await;
    assert_eq!(rig.ports().meta.taken().len(), 8, "the rest is tried again in half a minute");
    run_until(&rig, MINUTE_MS).await;
    assert_eq!(rig.ports().meta.held().len(), 12);
    assert_eq!(rig.ports().events.waiting(), 0);
}

#[tokio::test]
async fn a_release_that_fails_at_any_store_is_received_again() {
    for method in ["load", "save", "page", "remove"] {
        let rig = parked(3).await;
        rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
        push_release(&rig, &rig.pixel);
        rig.ports().events.faults().fail(method, On::Nth(1), When::Before);
        rig.step(10).await;
        assert_eq!(releases(&rig), 1, "{method}");
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.held().len(), 3, "{method}");
        assert_eq!(rig.ports().events.waiting(), 0, "{method}");
    }
}

#[tokio::test]
async fn nobody_probes_after_a_release() {
    let rig = parked(1).await;
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    release(&rig, &rig.pixel);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.calls(), [["e0"], ["e0"]]);
    assert!(on_queue(&rig).is_empty());
    assert!(elapsed_ms(&rig) >= 30_000, "the stale probe came and went");
    assert_eq!(outcome(&rig, "e0").unwrap().queued_at, UnixMillis(NOON.0));
}
