//! What can't be sent now goes back onto the queue: each copy, unchanged, with a delay that fits the reason.

use adrelay_core::config::Scope;
use adrelay_core::message::{EventMessage, Held, QueueMessage};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, Rig, ScriptedMeta, When};

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, MINUTE_MS, always, copies, elapsed_ms, events_on_queue, first, ids, ids_in, outcome,
    refs, rig, run_until, statuses, times_ms,
};

#[tokio::test]
async fn a_message_sent_anew_keeps_its_name_and_counts_its_attempts() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Retry, 2, None)));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.calls().len(), 3, "three tries in an invocation");
    let bodies = rig.ports().queue.bodies();
    let QueueMessage::Events(message) = QueueMessage::parse(&bodies[0]).expect("readable") else {
        panic!("not events")
    };
    assert_eq!((message.id.as_str(), message.attempt), ("m1", 1));
}

#[tokio::test]
async fn failing_stores_and_queues_lose_nothing() {
    let rig = rig();
    rig.ports().config.set_down(true);
    rig.post(&["a"]);
    rig.step(10).await;
    rig.ports().config.set_down(false);
    rig.ports().events.set_down(true);
    rig.run(10, NOON.plus_ms(60_000)).await;
    rig.ports().queue.set_refusing(true);
    rig.run(10, NOON.plus_ms(120_000)).await;
    rig.ports().events.set_down(false);
    rig.ports().queue.set_refusing(false);
    rig.run(10, NOON.plus_ms(2 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn each_copy_goes_back_in_its_own_message() {
    let rig = rig();
    rig.ports().meta.script(first(3, Verdict::Retry, 2));
    rig.post(&["a"]);
    rig.post(&["a", "b"]);
    let report = rig.step(10).await.unwrap();
    let messages = events_on_queue(&rig);
    let ids: Vec<Vec<&str>> = messages.iter().map(|message| ids_in(std::slice::from_ref(message))).collect();
    assert_eq!(ids, [vec!["a"], vec!["a", "b"]]);
    assert_eq!(messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["m1", "m2"]);
    assert_eq!((report.resent, report.repeats), (3, 0));
    assert_eq!(copies(&rig, "a"), 1, "a waiting receipt counts no copies");
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.held().len(), 2);
    assert_eq!((copies(&rig, "a"), copies(&rig, "b")), (2, 1));
}

#[tokio::test]
async fn a_message_goes_back_as_it_was_but_for_its_attempt() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Retry, 2));
    let held = Some(Held { since: NOON.plus_ms(-5), keys_before: vec!["em".into()] });
    let message = EventMessage {
        upload_tag: Some("week-7".to_owned()),
        test_event_code: Some("TEST1".to_owned()),
        held,
        attempt: 4,
        ..rig.message(&["a"], Scope::Public)
    };
    rig.push(message.clone());
    rig.ports().clock.advance_ms(1_000);
    rig.step(10).await;
    let back = events_on_queue(&rig).remove(0);
    let body = |message: EventMessage| QueueMessage::Events(message).to_body().unwrap();
    assert_eq!(body(back), body(EventMessage { attempt: 5, ..message }));
}

/// How many seconds after a step the one message on the queue can be received.
async fn delay_s(attempt: u32, verdict: Verdict, seed: u64) -> i64 {
    let rig = Rig::scripted(seed);
    rig.ports().meta.script(always(verdict, 2));
    rig.push(EventMessage { attempt, ..rig.message(&["a"], Scope::Ingest) });
    rig.step(10).await;
    let delay_ms = rig.ports().queue.next_visible_at().unwrap().ms_since(rig.ports().clock.now());
    assert_eq!(delay_ms % 1_000, 0);
    delay_ms / 1_000
}

#[tokio::test]
async fn the_delay_doubles_with_each_attempt_half_of_it_by_chance() {
    for (attempt, bound) in [(0, 10), (1, 20), (2, 40), (5, 320), (6, 640), (7, 900), (30, 900)] {
        let mut delays = Vec::new();
        for seed in 0..40 {
            delays.push(delay_s(attempt, Verdict::Retry, seed).await);
        }
        let (least, most) = (*delays.iter().min().unwrap(), *delays.iter().max().unwrap());
        assert!(least >= bound / 2 && most <= bound, "attempt {attempt}: {least} to {most}");
        assert!(most - least >= bound / 4, "attempt {attempt}: {least} to {most}");
    }
}

#[tokio::test]
async fn a_message_is_not_seen_before_metas_wait_is_over() {
    for (ms, expected) in [(60_000, 60), (60_001, 61), (899_001, 900), (3_600_000, 900)] {
        assert_eq!(delay_s(0, Verdict::Wait { ms }, 1).await, expected, "{ms} ms");
    }
    assert!(delay_s(0, Verdict::Wait { ms: 1_000 }, 1).await >= 5, "its attempts count as well");
}

#[tokio::test]
async fn what_waits_for_its_turn_counts_no_attempt_and_has_no_receipt() {
    let rig = rig();
    rig.post(&["warm"]);
    rig.step(10).await;
    rig.ports().meta.script(first(2, Verdict::Wait { ms: 120_500 }, 80_004));
    rig.post(&["a"]);
    rig.step(10).await;
    let writes = rig.ports().events.faults().calls("record");
    rig.post(&["b"]);
    rig.step(10).await;
    let messages = events_on_queue(&rig);
    assert_eq!((messages[0].attempt, messages[1].attempt), (1, 0));
    assert_eq!(rig.ports().events.faults().calls("record"), writes);
    assert_eq!(statuses(&rig).len(), 2, "no receipt for b");
    assert_eq!(rig.ports().meta.calls().len(), 2, "b does not even call");
    let visible: Vec<i64> = {
        rig.ports().clock.advance_to(NOON.plus_ms(121_000));
        assert_eq!(ids_in(&received(&rig)), ["a"]);
        rig.ports().clock.advance_to(NOON.plus_ms(122_000));
        assert_eq!(ids_in(&received(&rig)), ["b"], "a second later, so that nothing spins");
        times_ms(&rig)
    };
    assert_eq!(visible.len(), 2);
}

fn received(rig: &Rig<ScriptedMeta>) -> Vec<EventMessage> {
    let bodies = rig.ports().queue.receive(10).into_iter().map(|received| received.body);
    let parsed = bodies.map(|body| match QueueMessage::parse(&body).unwrap() {
        QueueMessage::Events(message) => message,
        other => panic!("{other:?}"),
    });
    parsed.collect()
}

#[tokio::test]
async fn what_the_queue_refuses_is_received_again_and_nothing_else() {
    let rig = rig();
    rig.ports().meta.script(first(3, Verdict::Retry, 2));
    for id in ids(3) {
        rig.post(&[&id]);
    }
    rig.ports().queue.faults().refuse_at("send", On::Nth(1), When::Before, &[1]);
    rig.step(10).await;
    let messages = events_on_queue(&rig);
    let found: Vec<(&str, u32)> =
        messages.iter().map(|message| (message.id.as_str(), message.attempt)).collect();
    // The old m2 stays, the others were put back.
    assert_eq!(found, [("m2", 0), ("m1", 1), ("m3", 1)]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken().len(), 3);
}

#[tokio::test]
async fn an_outage_writes_receipts_ever_more_rarely() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Retry, 2));
    rig.post(&["a"]);
    let mut written = Vec::new();
    for _ in 0..16 {
        let attempt = events_on_queue(&rig)[0].attempt;
        let before = rig.ports().events.faults().calls("record");
        let report = rig.step(10).await.unwrap();
        assert_eq!((report.resent, report.calls_failed), (1, 3));
        if rig.ports().events.faults().calls("record") > before {
            let receipt = outcome(&rig, "a").unwrap();
            assert_eq!(
                (receipt.status, receipt.reason.as_deref()),
                (Status::Waiting, Some("meta_unavailable"))
            );
            assert_eq!(receipt.attempts, attempt);
            let bound_s = (10_i64 << attempt).min(900);
            assert_eq!(receipt.next_try_at.unwrap().ms_since(receipt.at), bound_s * 1_000);
            written.push(attempt + 1);
        }
        rig.ports().clock.advance_to(rig.ports().queue.next_visible_at().unwrap());
    }
    assert_eq!(written, [1, 2, 4, 8, 16]);
}

#[tokio::test]
async fn an_outage_of_days_loses_nothing() {
    let rig = rig();
    let clock = rig.ports().clock.clone();
    rig.ports().meta.script(move |_, _, _| {
        let away = clock.now() < NOON.plus_ms(3 * DAY_MS);
        if away { Err(ScriptedMeta::failure(Verdict::Retry, 2, None)) } else { Ok(()) }
    });
    for part in ids(30).chunks(3) {
        rig.post(&refs(part));
    }
    run_until(&rig, 4 * DAY_MS).await;
    assert_eq!(rig.ports().meta.taken().len(), 30);
    assert_eq!(rig.ports().events.count(Status::Sent), 30);
    assert!(rig.ports().queue.dead().is_empty());
    assert!(elapsed_ms(&rig) < 3 * DAY_MS + 16 * MINUTE_MS, "each is tried every quarter of an hour");
}

#[tokio::test]
async fn what_goes_back_says_how_long_it_has_left() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Retry, 2));
    rig.push(crate::dispatch::world::aged(&rig, "late", "website", 6 * 86_400));
    rig.post(&["early"]);
    let report = rig.step(10).await.unwrap();
    let passed_s = rig.ports().clock.now().secs() - NOON.secs();
    assert_eq!(report.seconds_to_deadline_min, Some(86_400 - 3_600 - passed_s));
}
