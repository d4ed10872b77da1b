//! One event sent at once, with Meta's answer shown.

use adrelay_core::config::Scope;
use adrelay_core::dispatch::{SyncError, SyncOutcome};
use adrelay_core::message::EventMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, Rig, ScriptedMeta, When};

use crate::dispatch::world::{
    MINUTE_MS, always, elapsed_ms, first, ids, outcome, refs, refuse, rig, skip, times_ms, unwell, verdict,
};

async fn send_now(rig: &Rig<ScriptedMeta>, message: EventMessage) -> Result<SyncOutcome, SyncError> {
    let deadline = rig.ports().clock.now().plus_ms(MINUTE_MS);
    let sent = rig.dispatcher.send_now(message, deadline).await;
    assert!(rig.ports().queue.bodies().is_empty(), "nothing of it is queued");
    sent
}

#[tokio::test]
async fn an_event_sent_at_once_shows_metas_answer_and_has_a_receipt() {
    let rig = rig();
    let message =
        EventMessage { upload_tag: Some("week-7".to_owned()), ..rig.message(&["a", "b"], Scope::Ingest) };
    let Ok(SyncOutcome::Sent(accepted)) = send_now(&rig, message).await else { panic!("not sent") };
    assert_eq!((accepted.events_received, accepted.fbtrace_id.as_deref()), (1, Some("trace-0")));
    let requests = rig.ports().meta.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].ids.concat(), requests[0].upload_tag.as_deref()),
        ("a".to_owned(), Some("week-7"))
    );
    let receipt = outcome(&rig, "a").unwrap();
    assert_eq!((receipt.status, receipt.fbtrace_id.as_deref()), (Status::Sent, Some("trace-0")));
    assert_eq!(rig.ports().events.index_lines().len(), 1);
}

#[tokio::test]
async fn its_own_test_event_code_comes_before_the_pixels() {
    let rig = rig();
    rig.ports()
        .config
        .change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.test_event_code = Some("PIXEL".to_owned()));
    send_now(&rig, rig.message(&["a"], Scope::Ingest)).await.unwrap();
    let own = Some("OWN".to_owned());
    send_now(&rig, EventMessage { test_event_code: own, ..rig.message(&["b"], Scope::Ingest) })
        .await
        .unwrap();
    let codes: Vec<_> =
        rig.ports().meta.requests().into_iter().filter_map(|request| request.test_event_code).collect();
    assert_eq!(codes, ["PIXEL", "OWN"]);
}

#[tokio::test]
async fn a_refusal_of_the_data_is_shown_and_has_a_receipt() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["a"], Some(2_804_050)));
    let sent = send_now(&rig, rig.message(&["a"], Scope::Ingest)).await;
    let Ok(SyncOutcome::Rejected(error)) = sent else { panic!("{sent:?}") };
    assert_eq!((error.code, error.subcode), (100, Some(2_804_050)));
    assert_eq!(verdict(&rig, "a"), (Status::Rejected, Some("meta_100_2804050".to_owned())));
}

#[tokio::test]
async fn what_is_not_to_be_sent_is_not_sent_at_once_either() {
    let rig = rig();
    let skipped = |reason: &str| Ok(SyncOutcome::Skipped(reason.to_owned()));
    assert_eq!(send_now(&rig, skip(&rig, &["a"], "consent_denied")).await, skipped("consent_denied"));
    assert_eq!(verdict(&rig, "a"), (Status::Skipped, Some("consent_denied".to_owned())));
    let nobodys = adrelay_core::ids::PixelId::parse("404404").unwrap();
    let message = EventMessage { pixel_id: nobodys, ..rig.message(&["b"], Scope::Ingest) };
    assert_eq!(send_now(&rig, message).await, skipped("pixel_unknown"));
    assert_eq!(verdict(&rig, "b"), (Status::Skipped, Some("pixel_unknown".to_owned())));
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.enabled = false);
    assert_eq!(send_now(&rig, rig.message(&["c"], Scope::Ingest)).await, skipped("pixel_disabled"));
    assert_eq!(verdict(&rig, "c").0, Status::Skipped);
    assert!(rig.ports().meta.calls().is_empty());
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    let attention = |reason: &str| SyncError::NeedsAttention(reason.to_owned());
    for (given, error) in [
        (Verdict::Retry, SyncError::MetaUnavailable),
        (Verdict::UnknownOutcome, SyncError::MetaUnavailable),
        (Verdict::Wait { ms: 5_500 }, SyncError::NotBefore(NOON.plus_ms(5_500))),
        (Verdict::Token, attention("token_invalid")),
        (Verdict::Permission, attention("permission_missing")),
    ] {
        let rig = rig();
        rig.ports().meta.script(always(given.clone(), 4));
        assert_eq!(send_now(&rig, rig.message(&["a"], Scope::Ingest)).await, Err(error), "{given:?}");
        assert_eq!(rig.ports().meta.calls().len(), 1, "one call, no retry");
        assert!(rig.ports().events.receipts().is_empty());
    }
}

#[tokio::test]
async fn a_limit_met_at_once_holds_for_all() {
    let rig = rig();
    rig.ports().meta.script(first(1, Verdict::Wait { ms: 20_000 }, 4));
    send_now(&rig, rig.message(&["a"], Scope::Ingest)).await.unwrap_err();
    rig.post(&["b"]);
    rig.step(10).await;
    assert_eq!(times_ms(&rig), [0, 20_000]);
}

#[tokio::test]
async fn a_pixel_that_needs_attention_is_not_called() {
    let rig = rig();
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| pixel.health = unwell("by_hand"));
    let sent = send_now(&rig, rig.message(&["a"], Scope::Ingest)).await;
    assert_eq!(sent, Err(SyncError::NeedsAttention("by_hand".to_owned())));
    assert!(rig.ports().meta.calls().is_empty());
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_named() {
    let rig = rig();
    rig.ports().config.faults().fail("pixel", On::Nth(1), When::Before);
    let sent = send_now(&rig, rig.message(&["a"], Scope::Ingest)).await;
    assert_eq!(sent, Err(SyncError::StoreUnavailable));
    rig.ports().events.faults().fail("load", On::Nth(1), When::Before);
    let sent = send_now(&rig, rig.message(&["a"], Scope::Ingest)).await;
    assert_eq!(sent, Err(SyncError::StoreUnavailable));
    assert!(rig.ports().meta.calls().is_empty());
    rig.ports().events.faults().fail("record", On::Nth(1), When::Before);
    let sent = send_now(&rig, rig.message(&["a"], Scope::Ingest)).await;
    assert!(matches!(sent, Ok(SyncOutcome::Sent(_))), "a lost receipt fails nothing");
}

#[tokio::test]
async fn an_event_at_once_keeps_the_pace_and_has_time_for_the_answer() {
    // A full request leaves no room for a second and a quarter; a call takes 20 s at most.
    for (left_ms, waits) in [(21_250, true), (21_249, false)] {
        let rig = rig();
        rig.post(&refs(&ids(1_000)));
        rig.step(10).await;
        let deadline = NOON.plus_ms(left_ms);
        let sent = rig.dispatcher.send_now(rig.message(&["lone"], Scope::Ingest), deadline).await;
        if waits {
            assert!(matches!(sent, Ok(SyncOutcome::Sent(_))), "{sent:?}");
            assert_eq!((times_ms(&rig), elapsed_ms(&rig)), (vec![0, 1_250], 1_250));
        } else {
            assert_eq!(sent, Err(SyncError::NotBefore(NOON.plus_ms(1_250))));
            assert_eq!(times_ms(&rig), [0]);
        }
    }
}
