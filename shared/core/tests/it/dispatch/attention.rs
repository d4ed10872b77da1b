//! Pixels and tokens that Meta refuses as a whole: who finds out, what is noted, and how events come to wait.

use adrelay_core::config::{Health, Scope};
use adrelay_core::ids::ConnectionId;
use adrelay_core::message::EventMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::ports::queue::Outgoing;
use adrelay_core::receipt::Status;
use fakes::{NOON, On, ScriptedMeta, When};

use crate::dispatch::world::{
    HOUR_MS, MINUTE_MS, always, elapsed_ms, events_on_queue, first, ids, ids_in, only, other_pixel, outcome,
    probe_due, probes, reasons, refs, release, releases, rig, run_until, statuses, unwell, verdict,
};

#[tokio::test]
async fn an_unknown_pixel_costs_one_call_and_its_events_flow_once_it_is_put_right() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Permission, 100, Some(33))));
    for part in ids(1_000).chunks(200) {
        rig.post(&refs(part));
    }
    for _ in 0..5 {
        assert!(rig.step(1).await.is_some());
    }
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
async fn a_verdict_on_an_old_token_is_not_noted_at_all() {
    let rig = rig();
    rig.post(&["warm"]);
    rig.step(10).await;
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    rig.ports().meta.script(only("token-2"));
    rig.post(&["a"]);
    let report = rig.step(10).await.unwrap();
    let tokens: Vec<String> = rig.ports().meta.requests().into_iter().map(|request| request.token).collect();
    assert_eq!(tokens, ["token", "token", "token-2"]);
    assert_eq!(rig.ports().meta.taken(), ["warm", "a"]);
    assert_eq!(rig.ports().config.faults().calls("set_connection_health"), 0);
    assert_eq!(report.attention, 0);
}

#[tokio::test]
async fn a_verdict_on_a_connection_that_was_replaced_is_not_noted() {
    let rig = rig();
    let other = other_pixel(&rig);
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    // Its version is 1 as well.
    rig.ports().meta.faults().run("send", On::Nth(1), When::Before, move || {
        let connection = ConnectionId::parse(&format!("conn_{other}")).unwrap();
        config.change_pixel(&tenant, &pixel, |pixel| pixel.connection_id = connection.clone());
    });
    rig.ports().meta.script(only("other-token"));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(rig.ports().config.faults().calls("set_connection_health"), 0);
}

#[tokio::test]
async fn a_token_that_changes_at_each_call_does_not_keep_an_invocation() {
    let rig = rig();
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().meta.faults().run("send", On::Each, When::Before, move || {
        config.new_token(&tenant, &pixel, "another");
    });
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.calls().len(), 3, "the first token and two fresh starts");
    assert_eq!(events_on_queue(&rig)[0].attempt, 1);
    assert_eq!(verdict(&rig, "a"), (Status::Waiting, Some("meta_unavailable".to_owned())));
    assert_eq!(reasons(&rig), (None, None));
}

#[tokio::test]
async fn what_others_found_out_meanwhile_is_the_reason() {
    let rig = rig();
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().meta.faults().run("send", On::Nth(1), When::Before, move || {
        config.change_pixel(&tenant, &pixel, |pixel| pixel.health = unwell("permission_missing"));
    });
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(reasons(&rig), (Some("permission_missing".to_owned()), None));
    assert_eq!(verdict(&rig, "a"), (Status::Waiting, Some("permission_missing".to_owned())));
    assert_eq!(rig.ports().events.waiting(), 1);
}

#[tokio::test]
async fn a_pixel_disabled_during_the_call_ends_its_events() {
    let rig = rig();
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().meta.faults().run("send", On::Nth(1), When::Before, move || {
        config.change_pixel(&tenant, &pixel, |pixel| pixel.enabled = false);
    });
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(verdict(&rig, "a"), (Status::Skipped, Some("pixel_disabled".to_owned())));
    assert_eq!(rig.ports().events.waiting(), 0);
}

#[tokio::test]
async fn a_verdict_that_cannot_be_noted_sends_the_events_anew() {
    for method in ["pixel", "set_connection_health"] {
        let rig = rig();
        rig.ports().meta.script(always(Verdict::Token, 190));
        rig.post(&["warm", "a"]);
        let nth = if method == "pixel" { 2 } else { 1 };
        rig.ports().config.faults().fail(method, On::Nth(nth), When::Before);
        let report = rig.step(10).await.unwrap();
        assert_eq!(report.attention, 0, "{method}");
        let messages = events_on_queue(&rig);
        assert_eq!((ids_in(&messages), messages[0].attempt), (vec!["warm", "a"], 1), "{method}");
        assert_eq!((statuses(&rig).len(), rig.ports().events.waiting()), (0, 0), "{method}");
        run_until(&rig, MINUTE_MS).await;
        assert_eq!(rig.ports().events.waiting(), 2, "{method}");
    }
}

#[tokio::test]
async fn a_token_pasted_while_the_verdict_is_noted_is_tried() {
    let rig = rig();
    let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
    rig.ports().config.faults().run("set_connection_health", On::Nth(1), When::Before, move || {
        config.new_token(&tenant, &pixel, "token-2");
    });
    rig.ports().meta.script(only("token-2"));
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(reasons(&rig), (None, None));
}

#[tokio::test]
async fn each_verdict_is_noted_where_it_belongs() {
    for (verdict, code, subcode, pixel, connection) in [
        (Verdict::Token, 190, Some(460), None, Some("token_invalid")),
        (Verdict::Token, 0, None, None, Some("token_invalid")),
        (Verdict::Permission, 100, Some(33), Some("pixel_unknown_to_meta"), None),
        (Verdict::Permission, 200, None, Some("permission_missing"), None),
    ] {
        let rig = rig();
        rig.ports().clock.advance_ms(5);
        let failure = ScriptedMeta::failure(verdict, code, subcode);
        rig.ports().meta.script(move |_, _, _| Err(failure.clone()));
        rig.post(&["a", "b"]);
        let report = rig.step(10).await.unwrap();
        let expected = (pixel.map(str::to_owned), connection.map(str::to_owned));
        assert_eq!(reasons(&rig), expected);
        let (of_pixel, of_connection) = rig.ports().config.health(&rig.tenant, &rig.pixel).unwrap();
        let health = if pixel.is_some() { of_pixel } else { of_connection };
        let reason = pixel.or(connection).unwrap();
        let since = rig.ports().clock.now();
        let code = (code != 0).then_some(code);
        assert_eq!(health, Health::NeedsAttention { reason: reason.to_owned(), code, subcode, since });
        assert_eq!(outcome(&rig, "b").unwrap().reason.as_deref(), Some(reason));
        assert_eq!((report.attention, report.parked, report.calls_refused), (1, 2, 1));
        let ledger = rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger;
        assert_eq!((ledger.trial, ledger.proven_until), (None, None), "the next one finds out anew");
    }
}

#[tokio::test]
async fn a_proven_pixel_that_is_refused_is_proven_no_more() {
    let rig = rig();
    rig.post(&["a"]);
    rig.step(10).await;
    assert!(rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger.proven_until.is_some());
    rig.ports().meta.script(always(Verdict::Permission, 200));
    rig.post(&["b"]);
    rig.step(10).await;
    assert_eq!(rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger.proven_until, None);
}

#[tokio::test]
async fn what_cannot_be_parked_is_received_again() {
    let rig = rig();
    rig.ports().meta.script(only("token-2"));
    rig.post(&["a"]);
    rig.post(&["b"]);
    rig.ports().events.faults().fail("park", On::Nth(1), When::Before);
    let report = rig.step(10).await.unwrap();
    assert_eq!(report.parked, 1);
    assert_eq!(ids_in(&rig.ports().events.parked()), ["b"]);
    assert_eq!(ids_in(&events_on_queue(&rig)), ["a"]);
    assert_eq!(statuses(&rig), [("b".to_owned(), Status::Waiting)].into());
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    release(&rig, &rig.pixel);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.held(), ["a".to_owned(), "b".to_owned()].into());
    assert!(rig.ports().queue.bodies().is_empty());
}

#[tokio::test]
async fn who_parks_while_the_pixel_is_put_right_releases() {
    for disabled in [false, true] {
        let rig = rig();
        rig.ports().meta.script(only("token-2"));
        let (config, tenant, pixel) = (rig.ports().config.clone(), rig.tenant.clone(), rig.pixel.clone());
        rig.ports().events.faults().run("park", On::Nth(1), When::Before, move || {
            config.new_token(&tenant, &pixel, "token-2");
            config.change_pixel(&tenant, &pixel, |pixel| pixel.enabled = !disabled);
        });
        rig.post(&["a"]);
        rig.step(10).await;
        assert_eq!((releases(&rig), probes(&rig).len()), (1, 0));
        run_until(&rig, 1_000).await;
        assert_eq!(rig.ports().events.waiting(), 0);
        let sent = rig.ports().meta.taken() == ["a"];
        assert_eq!((sent, verdict(&rig, "a").0 == Status::Skipped), (!disabled, disabled));
    }
}

#[tokio::test]
async fn a_room_that_cannot_be_guarded_keeps_its_messages_on_the_queue() {
    let rig = rig();
    let other = other_pixel(&rig);
    rig.ports().meta.script(always(Verdict::Token, 190));
    let group = rig.pixel.to_string();
    let refused = move |_, message: &Outgoing| message.group == group;
    rig.ports().queue.faults().refuse("send", On::Each, When::Before, refused);
    rig.post(&["a"]);
    rig.push(EventMessage { pixel_id: other, ..rig.message(&["b"], Scope::Ingest) });
    rig.step(10).await;
    assert_eq!(rig.ports().events.waiting(), 2);
    assert_eq!(ids_in(&events_on_queue(&rig)), ["a"], "the other pixel's has a probe");
    assert_eq!(probes(&rig).len(), 1);
}

#[tokio::test]
async fn a_probe_that_cannot_be_queued_is_not_noted_as_under_way() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.ports().queue.set_refusing(true);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(probe_due(&rig), None);
    rig.ports().queue.set_refusing(false);
    rig.ports().clock.advance_ms(6 * MINUTE_MS);
    rig.step(10).await;
    let probes = probes(&rig);
    assert_eq!(probes.len(), 1);
    assert_eq!(probes[0].due, Some(rig.ports().clock.now().plus_ms(30_000)));
    assert_eq!(probe_due(&rig), probes[0].due);
}

#[tokio::test]
async fn a_room_that_fills_has_one_probe() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    for id in ["a", "b", "c"] {
        rig.post(&[id]);
        rig.step(10).await;
    }
    assert_eq!(rig.ports().events.waiting(), 3);
    assert_eq!(probes(&rig).len(), 1);
}

#[tokio::test]
async fn a_probe_that_is_half_an_hour_overdue_is_replaced() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    rig.post(&["a"]);
    rig.step(10).await;
    let due = probe_due(&rig).unwrap();
    assert_eq!(due, NOON.plus_ms(30_000));
    // It is lost.
    rig.ports().clock.advance_to(due);
    rig.ports().queue.delete(rig.ports().queue.receive(1)[0].id);
    for (late_ms, found) in [(1_799_999, 0), (1_800_000, 1)] {
        rig.ports().clock.advance_to(due.plus_ms(late_ms));
        rig.post(&[&format!("{late_ms} ms")]);
        rig.step(10).await;
        assert_eq!(probes(&rig).len(), found, "after {late_ms} ms");
    }
}

#[tokio::test]
async fn a_room_is_guarded_while_the_configuration_cannot_be_read() {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Token, 190));
    // Read for the call, for the verdict, and then after parking.
    rig.ports().config.faults().fail("pixel", On::Nth(3), When::Before);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!((rig.ports().events.waiting(), probes(&rig).len(), releases(&rig)), (1, 1, 0));
    assert_eq!(events_on_queue(&rig).len(), 0);
}

#[tokio::test]
async fn a_waiting_event_counts_its_copies_once_it_is_sent() {
    let rig = rig();
    rig.ports().meta.script(first(1, Verdict::Token, 190));
    rig.post(&["a"]);
    rig.post(&["a"]);
    let report = rig.step(10).await.unwrap();
    assert_eq!((report.parked, report.repeats), (2, 0));
    assert_eq!(report.seconds_to_deadline_min, Some(7 * 86_400 - 3_600 - 60));
    assert_eq!(crate::dispatch::world::copies(&rig, "a"), 1);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(crate::dispatch::world::copies(&rig, "a"), 2);
    assert!(elapsed_ms(&rig) < 2 * MINUTE_MS);
}
