//! Receipts, the day's index and the invocation's numbers.

use adrelay_core::config::Scope;
use adrelay_core::ids::SourceId;
use adrelay_core::message::{EventMessage, Held};
use adrelay_core::ports::meta::{Failure, MetaError, Verdict};
use adrelay_core::receipt::{Status, Trust};
use adrelay_core::time::UnixMillis;
use fakes::{NOON, On, ScriptedMeta, When};
use serde_json::json;

use crate::dispatch::world::{
    HOUR_MS, copies, events_on_queue, first, ids_in, of, outcome, outcomes, refuse, rig, run_until, statuses,
    verdict,
};

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
async fn a_receipt_says_how_long_an_event_was_held_and_what_was_known_before() {
    let rig = rig();
    let held = Held { since: NOON.plus_ms(-60_000), keys_before: vec!["fbp".into()] };
    let message = EventMessage { held: Some(held.clone()), ..rig.message(&["a"], Scope::Ingest) };
    // Meta is away at first: the message is sent anew, and still knows.
    rig.ports().meta.script(|_, _, nth| match nth {
        0..5 => Err(ScriptedMeta::failure(Verdict::Retry, 2, None)),
        _ => Ok(()),
    });
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    let outcome = outcomes(&rig).remove(0);
    assert_eq!((outcome.status, outcome.held), (Status::Sent, Some(held)));
    assert_eq!(outcome.user_data_keys, ["em".into()]);
}

#[tokio::test]
async fn a_line_counts_its_events_and_the_keys_they_have() {
    let rig = rig();
    for (id, user_data) in [
        ("a", json!({"em": ["x"], "fbp": "y"})),
        ("b", json!({"em": ["x"]})),
        // A copy is no further event.
        ("b", json!({"em": ["x"]})),
    ] {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    rig.step(10).await;
    let lines = rig.ports().events.index_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].status, lines[0].count), (Status::Sent, 2));
    let keys: Vec<(&str, u64)> = lines[0].keys.iter().map(|(key, count)| (&**key, *count)).collect();
    assert_eq!(keys, [("em", 2), ("fbp", 1)]);
    assert_eq!(lines[0].at, UnixMillis(NOON.0));
}

#[tokio::test]
async fn without_a_line_of_the_day_there_is_no_receipt() {
    let rig = rig();
    rig.ports().events.faults().fail("index", On::Nth(1), When::Before);
    rig.post(&["a", "b"]);
    let report = rig.step(10).await.unwrap();
    assert!(rig.ports().events.receipts().is_empty());
    assert_eq!(rig.ports().events.faults().calls("record"), 0);
    assert_eq!((report.receipts_failed, report.sent, report.resent), (2, 0, 2));
    assert_eq!(ids_in(&events_on_queue(&rig)), ["a", "b"]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    assert_eq!(rig.ports().meta.taken(), ["a", "b", "a", "b"], "Meta deduplicates");
}

#[tokio::test]
async fn an_event_whose_receipt_fails_goes_out_again_alone() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["bad"], Some(7)));
    rig.ports().events.faults().refuse_at("record", On::Nth(1), When::Before, &[1]);
    rig.post(&["a", "b", "bad"]);
    let report = rig.step(10).await.unwrap();
    assert_eq!(report.receipts_failed, 1);
    let left: Vec<String> =
        ["a", "b", "bad"].into_iter().filter(|id| outcome(&rig, id).is_none()).map(str::to_owned).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(ids_in(&events_on_queue(&rig)), left);
    assert_eq!(events_on_queue(&rig)[0].attempt, 1);
    run_until(&rig, HOUR_MS).await;
    let expected = [("a", Status::Sent), ("b", Status::Sent), ("bad", Status::Rejected)];
    assert_eq!(statuses(&rig), expected.map(|(id, status)| (id.to_owned(), status)).into());
}

#[tokio::test]
async fn a_receipt_whose_answer_is_lost_counts_its_copies_once() {
    let rig = rig();
    rig.ports().events.faults().fail("record", On::Nth(1), When::After);
    rig.post(&["a"]);
    rig.step(10).await;
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["a"], "the receipt is there, whatever was answered");
    assert_eq!((verdict(&rig, "a").0, copies(&rig, "a")), (Status::Sent, 1));
}

#[tokio::test]
async fn a_rejection_says_what_meta_said() {
    for (code, subcode, reason) in
        [(100, Some(33), "meta_100_33"), (100, None, "meta_100"), (1, Some(-2), "meta_1_-2")]
    {
        let rig = rig();
        let error = MetaError {
            code,
            subcode,
            http_status: 400,
            fbtrace_id: Some("trace".to_owned()),
            message: "Invalid parameter".to_owned(),
            is_transient: false,
        };
        let failure = Failure { verdict: Verdict::BadData, error };
        rig.ports().meta.script(move |_, _, _| Err(failure.clone()));
        rig.post(&["a"]);
        rig.step(10).await;
        let receipt = outcome(&rig, "a").unwrap();
        assert_eq!((receipt.status, receipt.reason.as_deref()), (Status::Rejected, Some(reason)));
        assert_eq!((receipt.code, receipt.subcode), (Some(code), subcode));
        assert_eq!(receipt.fbtrace_id.as_deref(), Some("trace"));
    }
}

#[tokio::test]
async fn a_receipt_says_when_and_from_where_its_event_came() {
    let rig = rig();
    let message = EventMessage { attempt: 2, ..rig.message(&["a"], Scope::Public) };
    rig.push(message.clone());
    rig.ports().clock.advance_ms(1_234);
    rig.step(10).await;
    let receipt = outcome(&rig, "a").unwrap();
    assert_eq!((receipt.queued_at, receipt.at), (NOON, NOON.plus_ms(1_234)));
    assert_eq!((receipt.event_time, receipt.attempts, receipt.copies), (NOON.secs() - 60, 2, 1));
    assert_eq!((receipt.source, receipt.message), (message.source, message.id));
    assert_eq!((receipt.key.trust, receipt.key.pixel_id.clone()), (Trust::Public, rig.pixel.clone()));
    assert_eq!(
        (receipt.code, receipt.subcode, receipt.next_try_at, receipt.reason),
        (None, None, None, None)
    );
}

#[tokio::test]
async fn lines_of_the_day_are_apart_by_source_status_and_trust() {
    let rig = rig();
    rig.ports().meta.script(refuse(&["bad"], Some(7)));
    rig.post(&["a", "bad", "b"]);
    rig.push(EventMessage { source: SourceId::parse("crm").unwrap(), ..rig.message(&["c"], Scope::Ingest) });
    rig.push(rig.message(&["d"], Scope::Public));
    rig.step(10).await;
    let lines = rig.ports().events.index_lines();
    let mut found: Vec<_> = lines
        .iter()
        .map(|line| {
            let events: Vec<(String, Vec<String>)> = line
                .events
                .iter()
                .map(|(name, ids)| (name.to_string(), ids.iter().map(ToString::to_string).collect()))
                .collect();
            (line.source.to_string(), line.status.as_str(), line.trust, line.count, events)
        })
        .collect();
    found.sort();
    let line = |source: &str, status: &'static str, trust, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        (source.to_owned(), status, trust, ids.len() as u64, vec![("Lead".to_owned(), ids)])
    };
    assert_eq!(
        found,
        [
            line("crm", "sent", Trust::Server, &["c"]),
            line("shop", "rejected", Trust::Server, &["bad"]),
            line("shop", "sent", Trust::Server, &["a", "b"]),
            line("shop", "sent", Trust::Public, &["d"]),
        ]
    );
    assert!(lines.iter().all(|line| line.tenant == rig.tenant && line.pixel_id == rig.pixel));
    let names: std::collections::HashSet<&str> = lines.iter().map(|line| line.batch.as_str()).collect();
    assert_eq!(names.len(), lines.len(), "two lines of one instant don't replace each other");
    assert!(names.iter().all(|name| name.len() == 12));
}

#[tokio::test]
async fn the_report_adds_up_what_was_sent() {
    let rig = rig();
    rig.push(of(&rig, "mail", &json!({"em": ["x"], "fbp": "y"})));
    rig.ports().clock.advance_ms(3_000);
    rig.push(of(&rig, "click", &json!({"fbc": "z"})));
    rig.push(of(&rig, "phone", &json!({"ph": ["x"]})));
    rig.push(of(&rig, "known", &json!({"external_id": ["x"]})));
    rig.push(of(&rig, "known", &json!({"external_id": ["x"]})));
    rig.push(of(&rig, "known", &json!({"external_id": ["x"]})));
    rig.ports().clock.advance_ms(1_000);
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.sent, report.matchable, report.repeats), (4, 3, 2));
    assert_eq!((report.latency_sum_ms, report.latency_max_ms), (4_000 + 3 * 1_000, 4_000));
    assert_eq!((report.calls_ok, report.batch_size_max), (1, 4));
    assert_eq!(report.seconds_to_deadline_min, None, "nothing waits");
}

#[tokio::test]
async fn waiting_counts_as_nothing_but_waiting() {
    let rig = rig();
    rig.ports().meta.script(first(3, Verdict::Retry, 2));
    rig.post(&["a"]);
    let report = rig.step(10).await.unwrap();
    assert_eq!(
        (report.sent, report.rejected, report.expired, report.skipped, report.erased),
        (0, 0, 0, 0, 0)
    );
    assert_eq!((report.resent, report.latency_sum_ms, report.receipts_failed), (1, 0, 0));
    let lines = rig.ports().events.index_lines();
    assert_eq!((lines.len(), lines[0].status), (1, Status::Waiting));
}
