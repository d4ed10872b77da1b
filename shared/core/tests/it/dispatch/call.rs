//! One request to Meta: its tries, what is learnt from the answer, and when nobody calls.

use adrelay_core::config::Scope;
use adrelay_core::message::EventMessage;
use adrelay_core::ports::meta::{Usage, Verdict};
use adrelay_core::receipt::Status;
use adrelay_core::time::UnixMillis;
use fakes::{NOON, On, Rig, ScriptedMeta, When};

use crate::dispatch::world::{
    HOUR_MS, MINUTE_MS, always, elapsed_ms, events_on_queue, first, ids, outcome, refs, refuse, rig,
    run_until, times_ms, unwell, verdict,
};

#[tokio::test]
async fn a_limit_is_waited_for_as_long_as_meta_says() {
    let rig = rig();
    rig.ports().meta.script(|_, _, nth| match nth {
        0 => Err(ScriptedMeta::failure(Verdict::Wait { ms: 300_000 }, 80_004, None)),
        _ => Ok(()),
    });
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(290_000)).await;
    assert_eq!(rig.ports().meta.calls().len(), 1);
    assert_eq!(rig.ports().events.count(Status::Waiting), 1);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
}

#[tokio::test]
async fn an_unknown_outcome_is_tried_again() {
    for calls in [1, 2] {
        let rig = rig();
        rig.ports().meta.script(first(calls, Verdict::UnknownOutcome, 0));
        rig.post(&["a"]);
        let report = rig.step(10).await.unwrap();
        assert_eq!(rig.ports().meta.calls().len(), calls + 1);
        assert_eq!(rig.ports().meta.taken(), ["a"]);
        assert_eq!(verdict(&rig, "a"), (Status::Sent, None));
        assert_eq!((report.calls_failed, report.calls_ok, report.sent), (calls as u64, 1, 1));
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_costs_a_second_call_and_one_receipt() {
    let rig = rig();
    rig.ports().meta.faults().fail("send", On::Nth(1), When::After);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a", "a"]);
    assert_eq!((rig.ports().events.count(Status::Sent), crate::dispatch::world::copies(&rig, "a")), (1, 1));
}

#[tokio::test]
async fn every_verdict_is_counted_once_and_ends_where_it_should() {
    let wait = Verdict::Wait { ms: 60_000 };
    for (given, counts, calls, status) in [
        (Verdict::Retry, (0, 0, 3, 0), 3, Status::Waiting),
        (Verdict::UnknownOutcome, (0, 0, 3, 0), 3, Status::Waiting),
        (wait, (0, 0, 0, 1), 1, Status::Waiting),
        (Verdict::Token, (0, 1, 0, 0), 1, Status::Waiting),
        (Verdict::Permission, (0, 1, 0, 0), 1, Status::Waiting),
        (Verdict::BadData, (0, 1, 0, 0), 1, Status::Rejected),
    ] {
        let rig = rig();
        rig.ports().meta.script(always(given.clone(), 2));
        rig.post(&["a"]);
        let report = rig.step(10).await.unwrap();
        let counted = (report.calls_ok, report.calls_refused, report.calls_failed, report.calls_limited);
        assert_eq!(counted, counts, "{given:?}");
        assert_eq!(rig.ports().meta.calls().len(), calls, "{given:?}");
        assert_eq!(verdict(&rig, "a").0, status, "{given:?}");
        assert_eq!(report.batch_size_max, 1);
    }
}

#[tokio::test]
async fn tries_are_apart_by_a_wait_that_grows() {
    let (mut firsts, mut seconds) = (vec![], vec![]);
    for seed in 0..60 {
        let rig = Rig::scripted(seed);
        rig.ports().meta.script(always(Verdict::Retry, 2));
        rig.post(&["a"]);
        rig.step(10).await;
        let times = times_ms(&rig);
        assert_eq!(times.len(), 3);
        firsts.push(times[1] - times[0]);
        seconds.push(times[2] - times[1]);
        assert_eq!(elapsed_ms(&rig), times[2], "nobody waits after the last try");
    }
    let most = |waits: &[i64]| waits.iter().copied().max().unwrap();
    assert!((150..=200).contains(&most(&firsts)), "{firsts:?}");
    assert!((300..=400).contains(&most(&seconds)), "{seconds:?}");
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_waited_for() {
    for (percent, wait_ms, expected_ms) in
        [(100.0, 0, 30_000), (120.0, 0, 30_000), (99.9, 0, 0), (100.0, 5_000, 5_000), (3.0, 7_000, 7_000)]
    {
        let rig = rig();
        rig.ports().meta.usage(move |nth| match nth {
            0 => Usage { percent, wait_ms },
            _ => Usage::default(),
        });
        rig.post(&["a"]);
        rig.step(10).await;
        rig.post(&["b"]);
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.taken(), ["a", "b"]);
        assert_eq!(times_ms(&rig), [0, expected_ms], "{percent} %, {wait_ms} ms");
    }
}

#[tokio::test]
async fn a_wait_in_a_refusals_headers_counts_as_well() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["a"], Some(2_804_050)));
    rig.ports().meta.usage(|nth| Usage { percent: 0.0, wait_ms: if nth == 0 { 9_000 } else { 0 } });
    rig.post(&["a"]);
    rig.step(10).await;
    rig.post(&["b"]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(times_ms(&rig), [0, 9_000]);
}

/// Meta limits this process at its second call, for 45.5 s; when the calls came that it got before that was over.
async fn limited(other_has_a_lease: bool) -> Vec<i64> {
    let rig = rig();
    let other = rig.another_dispatcher();
    rig.post(&["warm"]);
    rig.step(10).await;
    if other_has_a_lease {
        other.post(&["warm too"]);
        other.step(10).await;
    }
    let warm = rig.ports().meta.calls().len();
    rig.ports().meta.script(move |_, _, nth| match nth {
        nth if nth == warm => Err(ScriptedMeta::failure(Verdict::Wait { ms: 45_500 }, 80_004, None)),
        _ => Ok(()),
    });
    rig.post(&["a"]);
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.calls_limited, report.resent), (1, 1));
    let until = NOON.plus_ms(45_500);
    let receipt = outcome(&rig, "a").unwrap();
    assert_eq!((receipt.status, receipt.reason.as_deref()), (Status::Waiting, Some("rate_limited")));
    assert_eq!(receipt.next_try_at, Some(until));
    for (rig, id) in [(&rig, "b"), (&other, "c")] {
        rig.post(&[id]);
        rig.step(10).await;
    }
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.held().len(), 3 + warm);
    times_ms(&rig)[warm + 1..].iter().copied().filter(|ms| *ms < 45_500).collect()
}

#[tokio::test]
async fn a_limit_holds_for_every_process() {
    assert_eq!(limited(false).await, [0; 0]);
}

#[tokio::test]
#[should_panic(expected = "unlisted: a lease is used while Meta says to wait")]
async fn a_limit_holds_for_a_process_that_has_a_lease() {
    assert_eq!(limited(true).await, [0; 0], "unlisted: a lease is used while Meta says to wait");
}

#[tokio::test]
async fn nobody_calls_without_time_for_the_answer_and_what_follows_it() {
    // A call takes 20 s at most, and 1.5 s are for receipts.
    for (left_ms, calls) in [(21_499, 0), (21_500, 1)] {
        let rig = rig();
        let message = rig.message(&["a"], Scope::Ingest);
        let message = adrelay_core::message::QueueMessage::Events(message);
        let deadline = NOON.plus_ms(left_ms);
        let (failed, report) = rig.dispatcher.handle(vec![message], deadline).await;
        assert_eq!(failed, [0; 0]);
        assert_eq!(rig.ports().meta.calls().len(), calls, "{left_ms} ms");
        assert_eq!(report.resent, 1 - calls as u64);
        if calls == 0 {
            // Nothing is wrong: no attempt is counted, no receipt written, and the message comes back in a second.
            assert_eq!(events_on_queue(&rig)[0].attempt, 0);
            assert!(rig.ports().events.receipts().is_empty());
            assert_eq!(rig.ports().queue.next_visible_at(), Some(NOON.plus_ms(1_000)));
        }
    }
}

#[tokio::test]
async fn a_test_event_code_of_the_message_comes_before_the_pixels() {
    let rig = rig();
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| {
        pixel.test_event_code = Some("PIXEL".to_owned());
    });
    let own = Some("OWN".to_owned());
    rig.push(EventMessage { test_event_code: own, ..rig.message(&["a"], Scope::Ingest) });
    rig.post(&["b"]);
    rig.step(10).await;
    let mut codes: Vec<_> = rig
        .ports()
        .meta
        .requests()
        .into_iter()
        .map(|r| (r.ids.concat(), r.test_event_code.unwrap()))
        .collect();
    codes.sort();
    assert_eq!(codes, [("a", "OWN"), ("b", "PIXEL")].map(|(id, code)| (id.to_owned(), code.to_owned())));
}

/// Sends 2,000 events in two requests; while the second waits for its turn, `change` is made.
async fn changed_while_waiting(change: impl Fn(&Rig<ScriptedMeta>) + Send + 'static) -> Rig<ScriptedMeta> {
    let rig = rig();
    let same = rig.another_dispatcher();
    rig.post(&refs(&ids(2_000)));
    rig.ports().clock.faults().run("sleep_ms", On::Nth(1), When::Before, move || change(&same));
    rig.step(10).await;
    rig
}

#[tokio::test]
async fn after_a_wait_the_pixel_is_looked_at_again() {
    let new_token =
        |rig: &Rig<ScriptedMeta>| rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    let rig = changed_while_waiting(new_token).await;
    let requests = rig.ports().meta.requests();
    assert_eq!(requests.iter().map(|r| r.token.as_str()).collect::<Vec<_>>(), ["token", "token-2"]);
    assert_eq!(times_ms(&rig), [0, 1_250]);

    let disabled = |rig: &Rig<ScriptedMeta>| {
        rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = false);
    };
    let rig = changed_while_waiting(disabled).await;
    assert_eq!(
        (rig.ports().events.count(Status::Sent), rig.ports().events.count(Status::Skipped)),
        (1_000, 1_000)
    );

    let refused = |rig: &Rig<ScriptedMeta>| {
        rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.health = unwell("by_hand"));
    };
    let rig = changed_while_waiting(refused).await;
    assert_eq!((rig.ports().events.count(Status::Sent), rig.ports().events.waiting()), (1_000, 1_000));
    assert_eq!(verdict(&rig, "e1000"), (Status::Waiting, Some("by_hand".to_owned())));

    let away = |rig: &Rig<ScriptedMeta>| rig.ports().config.set_down(true);
    let rig = changed_while_waiting(away).await;
    assert_eq!((rig.ports().meta.calls().len(), events_on_queue(&rig).len()), (1, 1));
    assert_eq!(events_on_queue(&rig)[0].attempt, 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_opened_now_is_tried_later() {
    let rig = rig();
    rig.ports().vault.faults().fail("credentials", On::Nth(1), When::Before);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!((rig.ports().meta.calls().len(), rig.ports().events.waiting()), (0, 0));
    assert_eq!(events_on_queue(&rig)[0].attempt, 1);
    run_until(&rig, MINUTE_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(outcome(&rig, "a").unwrap().attempts, 1);
    assert_eq!(UnixMillis(NOON.0), outcome(&rig, "a").unwrap().queued_at);
}
