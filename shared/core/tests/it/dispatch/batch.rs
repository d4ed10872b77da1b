//! What shares a request, what is folded into one event, and when an event is too old.

use adrelay_core::config::Scope;
use adrelay_core::ids::{SourceId, TenantId};
use adrelay_core::message::EventMessage;
use adrelay_core::receipt::{Status, Trust};
use fakes::NOON;
use serde_json::json;

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, aged, copies, elapsed_ms, other_pixel, outcome, rig, run_until, statuses, verdict, with,
};

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
async fn an_event_is_sent_until_an_hour_before_meta_refuses_it() {
    for (action_source, days) in [("website", 7), ("system_generated", 7), ("physical_store", 62)] {
        let rig = rig();
        let limit_s = days * 86_400 - 3_600;
        rig.push(aged(&rig, "old", action_source, limit_s));
        rig.push(aged(&rig, "young", action_source, limit_s - 1));
        let report = rig.step(10).await.unwrap();
        assert_eq!(rig.ports().meta.taken(), ["young"], "{action_source}");
        assert_eq!(verdict(&rig, "old"), (Status::Expired, Some("too_old".to_owned())));
        assert_eq!((report.sent, report.expired), (1, 1));
    }
}

#[tokio::test]
async fn a_store_event_of_thirty_days_ago_is_sent() {
    let rig = rig();
    rig.push(aged(&rig, "till", "physical_store", 30 * 86_400));
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["till"]);
}

#[tokio::test]
async fn test_events_and_uploads_go_out_apart_from_the_rest() {
    let rig = rig();
    let message = |id, code: Option<&str>, tag: Option<&str>| EventMessage {
        test_event_code: code.map(str::to_owned),
        upload_tag: tag.map(str::to_owned),
        ..rig.message(&[id], Scope::Ingest)
    };
    for message in [
        message("real", None, None),
        message("test-1", Some("TEST1"), None),
        message("test-2", Some("TEST2"), None),
        message("upload", None, Some("week-7")),
        message("real too", None, None),
        message("test upload", Some("TEST1"), Some("week-7")),
        message("test-1 too", Some("TEST1"), None),
    ] {
        rig.push(message);
    }
    rig.step(10).await;
    let mut requests: Vec<_> = rig
        .ports()
        .meta
        .requests()
        .into_iter()
        .map(|request| (request.ids.join(", "), request.test_event_code, request.upload_tag))
        .collect();
    requests.sort();
    let request = |ids: &str, code: Option<&str>, tag: Option<&str>| {
        (ids.to_owned(), code.map(str::to_owned), tag.map(str::to_owned))
    };
    assert_eq!(
        requests,
        [
            request("real, real too", None, None),
            request("test upload", Some("TEST1"), Some("week-7")),
            request("test-1, test-1 too", Some("TEST1"), None),
            request("test-2", Some("TEST2"), None),
            request("upload", None, Some("week-7")),
        ]
    );
}

#[tokio::test]
async fn each_pixel_of_each_tenant_has_a_request_of_its_own() {
    let rig = rig();
    let other = other_pixel(&rig);
    let elsewhere = TenantId::parse("elsewhere").unwrap();
    let third = adrelay_core::ids::PixelId::parse("333").unwrap();
    rig.ports().config.add_pixel(&elsewhere, &third, "third-token");
    rig.post(&["a"]);
    rig.push(EventMessage { pixel_id: other.clone(), ..rig.message(&["a"], Scope::Ingest) });
    rig.push(EventMessage {
        tenant: elsewhere,
        pixel_id: third.clone(),
        ..rig.message(&["a"], Scope::Ingest)
    });
    rig.step(10).await;
    let mut requests: Vec<_> = rig
        .ports()
        .meta
        .requests()
        .into_iter()
        .map(|request| (request.pixel, request.token, request.ids))
        .collect();
    requests.sort();
    let mut expected = [(rig.pixel.clone(), "token"), (other, "other-token"), (third, "third-token")]
        .map(|(pixel, token)| (pixel, token.to_owned(), vec!["a".to_owned()]));
    expected.sort();
    assert_eq!(requests, expected);
    assert_eq!(rig.ports().events.count(Status::Sent), 3);
}

#[tokio::test]
async fn only_true_copies_are_folded() {
    let rig = rig();
    rig.push(with(&rig, "a", &json!({"event_name": "Lead"})));
    rig.push(with(&rig, "a", &json!({"event_name": "Purchase"})));
    rig.push(rig.message(&["a"], Scope::Public));
    rig.push(with(&rig, "a", &json!({"event_name": "Lead", "event_time": 1_789_999_000})));
    rig.step(10).await;
    let requests = rig.ports().meta.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].ids, ["a", "a", "a"]);
    assert!(
        requests[0].events[0].contains(&format!("{}", NOON.secs() - 60)),
        "the first copy's text is sent"
    );
    let receipts = rig.ports().events.receipts();
    let found: Vec<_> =
        receipts.iter().map(|(key, receipt)| (key.event_name.as_str(), key.trust, receipt.copies)).collect();
    assert_eq!(
        found,
        [("Lead", Trust::Server, 2), ("Lead", Trust::Public, 1), ("Purchase", Trust::Server, 1)]
    );
}

#[tokio::test]
async fn folded_copies_wait_since_the_first_of_them_was_queued() {
    let rig = rig();
    let message = rig.message(&["a"], Scope::Ingest);
    rig.ports().clock.advance_ms(60_000);
    let later =
        EventMessage { source: SourceId::parse("crm").unwrap(), ..rig.message(&["a"], Scope::Ingest) };
    rig.push(later.clone());
    rig.push(message);
    rig.ports().clock.advance_ms(5_000);
    let report = rig.step(10).await.unwrap();
    let outcome = outcome(&rig, "a").unwrap();
    assert_eq!((outcome.queued_at, outcome.message), (NOON, later.id));
    assert_eq!(outcome.source.as_str(), "crm");
    assert_eq!((report.latency_max_ms, report.latency_sum_ms, report.repeats), (65_000, 65_000, 1));
    assert_eq!(copies(&rig, "a"), 2);
}

#[tokio::test]
async fn events_keep_their_order() {
    let rig = rig();
    for ids in [&["c", "a"][..], &["b", "a"], &["d"]] {
        rig.post(ids);
    }
    rig.step(10).await;
    assert_eq!(rig.ports().meta.calls(), [["c", "a", "b", "d"]]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(statuses(&rig).len(), 4);
    assert!(elapsed_ms(&rig) < DAY_MS);
}
