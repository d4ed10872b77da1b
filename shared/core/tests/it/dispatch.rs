//! The dispatcher on in-memory ports and virtual time: what becomes of events, call by call.

use std::collections::HashSet;

use adrelay_core::config::{Health, Scope};
use adrelay_core::message::QueueMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::{Failure, Verdict};
use adrelay_core::receipt::{Status, Trust};
use fakes::{NOON, On, Rig, ScriptedMeta, When};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;

fn rig() -> Rig<ScriptedMeta> {
    Rig::scripted(7)
}

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("e{i}")).collect()
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// Meta refuses a request that holds one of `bad`, with this subcode.
fn refuse(
    bad: &[&str],
    subcode: Option<i64>,
) -> impl Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync + 'static {
    let bad: HashSet<String> = bad.iter().map(ToString::to_string).collect();
    move |ids, _, _| {
        if ids.iter().any(|id| bad.contains(id)) {
            Err(ScriptedMeta::failure(Verdict::BadData, 100, subcode))
        } else {
            Ok(())
        }
    }
}

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
async fn lone_events_cost_two_writes_each_and_a_lease_now_and_then() {
    let rig = rig();
    for n in 0..100 {
        rig.post(&[&format!("e{n}")]);
        rig.step(10).await;
    }
    let writes = rig.ports().events.writes();
    assert!(writes <= 210, "{writes} writes for 100 lone events");
}

#[tokio::test]
async fn one_bad_event_in_a_thousand_costs_15_calls_at_most_and_the_others_arrive() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["e617"], Some(2_804_050)));
    rig.post(&refs(&ids(1_000)));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 999);
    assert_eq!(rig.ports().events.count(Status::Rejected), 1);
    assert!(rig.ports().meta.calls().len() <= 15, "{}", rig.ports().meta.calls().len());
    let receipts = rig.ports().events.receipts();
    let rejected = receipts.values().find(|r| r.outcome.status == Status::Rejected).expect("one");
    assert_eq!((rejected.outcome.code, rejected.outcome.subcode), (Some(100), Some(2_804_050)));
    assert_eq!(rejected.outcome.reason.as_deref(), Some("meta_100_2804050"));
}

#[tokio::test]
async fn many_bad_events_go_back_after_64_calls_and_are_finished_later() {
    let rig = rig();
    let bad: Vec<String> = (0..300).map(|i| format!("e{}", i * 3)).collect();
    rig.ports().meta.script(refuse(&refs(&bad), Some(2_804_003)));
    rig.post(&refs(&ids(900)));
    rig.run(10, NOON.plus_ms(24 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 600);
    assert_eq!(rig.ports().events.count(Status::Rejected), 300);
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn three_bad_events_without_a_subcode_do_not_condemn_the_pixel() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["e100", "e300", "e700"], None));
    rig.post(&refs(&ids(1_000)));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 997);
    assert_eq!(rig.ports().events.count(Status::Rejected), 3);
}

#[tokio::test]
async fn when_everything_is_refused_without_a_subcode_nothing_is_rejected() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::BadData, 100, None)));
    rig.post(&refs(&ids(100)));
    rig.run(10, NOON.plus_ms(60_000)).await;
    assert_eq!(rig.ports().events.count(Status::Rejected), 0);
    assert_eq!(rig.ports().events.waiting(), 100);
    let (pixel, _) = rig.ports().config.health(&rig.tenant, &rig.pixel).expect("known");
    assert!(matches!(pixel, Health::NeedsAttention { reason, .. } if reason == "refused_without_reason"));

    rig.ports().meta.script(|_, _, _| Ok(()));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 100);
    assert_eq!(rig.ports().events.waiting(), 0);
}

#[tokio::test]
async fn an_unknown_pixel_costs_one_call_and_its_events_flow_once_it_is_put_right() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Permission, 100, Some(33))));
    for part in ids(1_000).chunks(200) {
        rig.post(&refs(part));
    }
    while rig.step(1).await.is_some() {}
    assert_eq!(rig.ports().meta.calls().len(), 1);
    assert_eq!(rig.ports().events.waiting(), 1_000);
    assert_eq!(rig.ports().events.count(Status::Waiting), 1_000);

    rig.ports().meta.script(|_, _, _| Ok(()));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1_000);
    let (pixel, connection) = rig.ports().config.health(&rig.tenant, &rig.pixel).expect("known");
    assert!(pixel.is_ok() && connection.is_ok());
}

#[tokio::test]
async fn a_revoked_token_makes_events_wait_until_a_new_one_is_pasted() {
    let rig = rig();
    rig.ports().meta.script(|_, token, _| match token {
        "token-2" => Ok(()),
        _ => Err(ScriptedMeta::failure(Verdict::Token, 190, Some(460))),
    });
    rig.post(&refs(&ids(50)));
    rig.run(10, NOON.plus_ms(1_000)).await;
    let (_, connection) = rig.ports().config.health(&rig.tenant, &rig.pixel).expect("known");
    assert!(
        matches!(connection, Health::NeedsAttention { reason, code: Some(190), .. } if reason == "token_invalid")
    );

    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    rig.run(10, NOON.plus_ms(24 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 50);
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn a_verdict_on_an_old_token_is_not_held_against_a_new_one() {
    let rig = rig();
    rig.post(&["warm"]);
    rig.step(10).await;
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    rig.ports().meta.script(|_, token, _| match token {
        "token-2" => Ok(()),
        _ => Err(ScriptedMeta::failure(Verdict::Token, 190, None)),
    });
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    let (_, connection) = rig.ports().config.health(&rig.tenant, &rig.pixel).expect("known");
    assert!(connection.is_ok());
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
async fn a_lost_receipt_leads_to_a_repeat_and_never_to_a_loss() {
    let rig = rig();
    rig.ports().events.faults().refuse_at("record", On::Nth(1), When::Before, &[0]);
    rig.post(&["a", "b"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    let calls = rig.ports().meta.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[1].len(), 1, "only the event without a receipt goes out again");
}

#[tokio::test]
async fn a_public_event_never_keeps_the_servers_event_from_being_sent() {
    let rig = rig();
    let guessed = rig.message(&["order-1"], Scope::Public);
    rig.push(guessed);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    rig.post(&["order-1"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.calls().len(), 2);
    let trusts: Vec<Trust> = rig.ports().events.receipts().keys().map(|key| key.trust).collect();
    assert_eq!(trusts, [Trust::Server, Trust::Public]);
}

#[tokio::test]
async fn an_event_past_its_deadline_ends_as_expired() {
    let rig = rig();
    rig.post(&["old"]);
    rig.ports().clock.advance_ms(7 * 24 * HOUR_MS);
    rig.run(10, NOON.plus_ms(8 * 24 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Expired), 1);
    assert!(rig.ports().meta.calls().is_empty());
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
async fn events_of_a_disabled_pixel_are_skipped() {
    let rig = rig();
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = false);
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Skipped), 1);
}

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
async fn ten_thousand_events_at_once_keep_to_a_thousand_a_second() {
    let rig = rig();
    for part in ids(10_000).chunks(200) {
        rig.post(&refs(part));
    }
    let clock = rig.ports().clock.clone();
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&log);
    rig.ports().meta.script(move |ids, _, _| {
        seen.lock().expect("no panic").push((clock.now().0, ids.len()));
        Ok(())
    });
    rig.run(20, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 10_000);
    let log = log.lock().expect("no panic");
    for (from, _) in log.iter() {
        let within: usize =
            log.iter().filter(|(at, _)| (*from..from + 1_000).contains(at)).map(|(_, n)| n).sum();
        assert!(within <= 1_000, "{within} events in the second from {from}");
    }
    assert!(log.len() <= 40, "{} calls", log.len());
}

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_event_is_sent_or_rejected_whatever_is_bad(
        n in 1_usize..120,
        bad in proptest::collection::hash_set(0_usize..120, 0..30),
        subcode in proptest::option::of(Just(2_804_050_i64)),
        parts in 1_usize..50,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rig = rig();
        let all = ids(n);
        let bad: Vec<&str> = bad.iter().filter_map(|i| all.get(*i)).map(String::as_str).collect();
        rig.ports().meta.script(refuse(&bad, subcode));
        for part in all.chunks(parts) {
            rig.post(&refs(part));
        }
        runtime.block_on(rig.run(10, NOON.plus_ms(24 * HOUR_MS)));
        let held = rig.ports().meta.held();
        let good = all.iter().filter(|id| !bad.contains(&id.as_str())).count();
        prop_assert!(rig.ports().queue.dead().is_empty());
        if subcode.is_some() || good > 0 && bad.len() * 4 < n {
            prop_assert_eq!(held.len(), good);
            prop_assert_eq!(rig.ports().events.count(Status::Sent), good);
            prop_assert_eq!(rig.ports().events.count(Status::Rejected), bad.len());
        } else {
            // Without subcodes and with many bad ones some may still wait for a person, but none is lost.
            let settled = rig.ports().events.receipts().len();
            prop_assert_eq!(settled, n);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn one_bad_event_is_found_wherever_it_stands(place in 0_usize..1_000, subcode in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let rig = rig();
        let all = ids(1_000);
        rig.ports().meta.script(refuse(&[&all[place]], subcode.then_some(2_804_050)));
        rig.post(&refs(&all));
        runtime.block_on(rig.run(10, NOON.plus_ms(HOUR_MS)));
        prop_assert_eq!(rig.ports().events.count(Status::Sent), 999);
        prop_assert_eq!(rig.ports().events.count(Status::Rejected), 1);
        prop_assert!(rig.ports().meta.calls().len() <= 15, "{} calls", rig.ports().meta.calls().len());
    }
}
