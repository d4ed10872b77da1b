//! Events that are on the queue for their receipts alone.

use adrelay_core::receipt::Status;
use fakes::{NOON, On, When};

use crate::dispatch::world::{HOUR_MS, copies, outcomes, rig, run_until, skip, verdict};

#[tokio::test]
async fn what_is_not_to_be_sent_has_a_receipt_with_the_reason_and_meta_never_sees_it() {
    let rig = rig();
    // Its pixel waits for a person, which does not matter here.
    rig.ports().config.change_pixel(&rig.tenant, &rig.pixel, |pixel| {
        pixel.health = adrelay_core::config::Health::NeedsAttention {
            reason: "token_invalid".to_owned(),
            code: None,
            subcode: None,
            since: NOON,
        };
    });
    let message = skip(&rig, &["a", "b"], "consent_denied");
    rig.push(message);
    let message = skip(&rig, &["c"], "consent_unknown");
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.waiting(), 0);
    let found: Vec<_> = outcomes(&rig).into_iter().map(|o| (o.status, o.reason)).collect();
    let reason = |reason: &str| (Status::Skipped, Some(reason.to_owned()));
    assert_eq!(found, [reason("consent_denied"), reason("consent_denied"), reason("consent_unknown")]);
}

#[tokio::test]
async fn a_skip_never_replaces_what_was_sent_and_is_replaced_by_it() {
    let rig = rig();
    rig.post(&["a"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let message = skip(&rig, &["a", "b"], "consent_denied");
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let statuses: Vec<Status> = outcomes(&rig).iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [Status::Sent, Status::Skipped]);
    let lines = rig.ports().events.index_lines();
    assert_eq!(
        lines.iter().map(|line| (line.status, line.count)).collect::<Vec<_>>(),
        [(Status::Sent, 1), (Status::Skipped, 1)]
    );
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    rig.post(&["b"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.taken(), ["a", "b"]);
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
}

#[tokio::test]
async fn one_batch_sends_what_may_be_sent_and_skips_the_rest() {
    let rig = rig();
    rig.post(&["a", "b"]);
    let message = skip(&rig, &["c"], "consent_denied");
    rig.push(message);
    let report = rig.step(10).await.expect("a batch");
    assert_eq!((report.sent, report.skipped), (2, 1));
    assert_eq!(rig.ports().meta.calls().concat(), ["a", "b"]);
}

#[tokio::test]
async fn a_skip_survives_a_store_that_fails() {
    let rig = rig();
    let message = skip(&rig, &["a"], "consent_denied");
    rig.push(message);
    rig.ports().events.set_down(true);
    rig.step(10).await;
    rig.ports().events.set_down(false);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.count(Status::Skipped), 1);
}

#[tokio::test]
async fn a_long_reason_is_cut_to_what_a_receipt_has_room_for() {
    let rig = rig();
    let message = skip(&rig, &["a"], &"é".repeat(100));
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(outcomes(&rig)[0].reason.as_deref(), Some("é".repeat(32).as_str()));
}

#[tokio::test]
async fn a_reason_of_64_bytes_is_whole() {
    let rig = rig();
    rig.push(skip(&rig, &["a"], &"x".repeat(64)));
    rig.push(skip(&rig, &["b"], &"x".repeat(65)));
    rig.step(10).await;
    assert_eq!(verdict(&rig, "a").1, Some("x".repeat(64)));
    assert_eq!(verdict(&rig, "b").1, Some("x".repeat(64)));
}

#[tokio::test]
async fn a_skip_whose_receipt_fails_is_written_later() {
    for method in ["known", "index", "record"] {
        let rig = rig();
        rig.push(skip(&rig, &["a"], "consent_denied"));
        rig.ports().events.faults().fail(method, On::Nth(1), When::Before);
        rig.step(10).await;
        assert!(rig.ports().events.receipts().is_empty(), "{method}");
        run_until(&rig, HOUR_MS).await;
        assert_eq!(verdict(&rig, "a"), (Status::Skipped, Some("consent_denied".to_owned())), "{method}");
        assert!(rig.ports().meta.calls().is_empty());
    }
}

#[tokio::test]
async fn a_skip_of_what_was_sent_is_counted_as_a_repeat() {
    let rig = rig();
    rig.post(&["a"]);
    rig.step(10).await;
    rig.push(skip(&rig, &["a"], "consent_denied"));
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.skipped, report.repeats, copies(&rig, "a")), (0, 1, 2));
    assert_eq!(verdict(&rig, "a"), (Status::Sent, None));
}
