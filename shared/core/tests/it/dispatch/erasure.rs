//! Events of erased people: none is sent, and nothing is sent while it can't be read who was erased.

use adrelay_core::config::Scope;
use adrelay_core::ids::TenantId;
use adrelay_core::message::EventMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::erasure::ErasureWriter as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::{Outcome, Status};
use fakes::{NOON, On, ScriptedMeta, When};
use serde_json::json;

use crate::dispatch::world::{
    HOUR_MS, MINUTE_MS, elapsed_ms, erase, events_on_queue, hash, of, outcomes, release, rig, run_until,
    skip, statuses, times_ms, verdict,
};

#[tokio::test]
async fn an_erased_persons_events_end_as_erased_and_others_are_sent() {
    let rig = rig();
    for (id, user_data) in [
        ("mail", json!({"em": [hash("ann").as_str(), hash("work").as_str()]})),
        ("text", json!({"ph": hash("ann").as_str()})),
        ("other", json!({"em": [hash("bob").as_str()]})),
    ] {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    erase(&rig, "ann").await;
    let report = rig.step(10).await.expect("a batch");
    assert_eq!((report.erased, report.sent), (2, 1));
    assert_eq!(rig.ports().meta.calls(), [["other"]]);
    let erased: Vec<Outcome> = outcomes(&rig).into_iter().filter(|o| o.status == Status::Erased).collect();
    assert_eq!(erased.len(), 2);
    assert!(erased.iter().all(|outcome| outcome.reason.as_deref() == Some("person_erased")));
}

#[tokio::test]
async fn what_an_erased_person_does_later_is_sent() {
    let rig = rig();
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_001);
    let message = of(&rig, "new", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
}

#[tokio::test]
async fn a_copy_from_before_the_erasure_keeps_a_later_one_from_being_sent() {
    let rig = rig();
    let early = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(120_000);
    let late = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    rig.push(late);
    rig.push(early);
    rig.step(10).await;
    assert!(rig.ports().meta.calls().is_empty());
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn an_erasure_is_heard_of_within_a_minute() {
    let rig = rig();
    rig.post(&["first"]);
    rig.step(10).await;
    let message = of(&rig, "a", &json!({"external_id": [hash("ann").as_str()]}));
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.push(message);
    rig.step(10).await;
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn while_it_cannot_be_read_who_was_erased_nothing_is_sent_and_nothing_is_lost() {
    let rig = rig();
    rig.ports().events.faults().set_down("tombstones", true);
    rig.post(&["a", "b"]);
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert!(rig.ports().meta.calls().is_empty());
    rig.ports().events.faults().set_down("tombstones", false);
    rig.run(10, NOON.plus_ms(3 * HOUR_MS)).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    assert!(rig.ports().queue.dead().is_empty());
}

#[tokio::test]
async fn the_list_of_who_was_erased_is_read_once_a_minute_whatever_comes() {
    let rig = rig();
    let other = adrelay_core::ids::PixelId::parse("987654321").unwrap();
    rig.ports().config.add_pixel(&rig.tenant, &other, "token");
    for n in 0..50 {
        rig.post(&[&format!("e{n}")]);
        let elsewhere =
            EventMessage { pixel_id: other.clone(), ..rig.message(&[&format!("f{n}")], Scope::Ingest) };
        rig.push(elsewhere);
        rig.step(10).await;
    }
    assert_eq!(rig.ports().events.count(Status::Sent), 100);
    let minutes = rig.ports().clock.now().ms_since(NOON) / 60_000 + 1;
    assert!(
        i64::try_from(rig.ports().events.faults().calls("tombstones")).unwrap() <= minutes,
        "{minutes} minutes"
    );
}

#[tokio::test]
async fn a_sent_event_stays_sent_when_its_message_comes_again_after_the_erasure() {
    let rig = rig();
    let message = of(&rig, "a", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message.clone());
    rig.step(10).await;
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.push(message);
    rig.step(10).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 1);
    assert_eq!(rig.ports().events.index_lines().len(), 1);
}

#[tokio::test]
async fn a_probe_tries_no_event_of_an_erased_person_and_the_rest_is_released() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Token, 190, None)));
    for (id, user_data) in
        [("gone", json!({"em": [hash("ann").as_str()]})), ("stays", json!({"em": [hash("bob").as_str()]}))]
    {
        let message = of(&rig, id, &user_data);
        rig.push(message);
    }
    rig.step(10).await;
    assert_eq!(rig.ports().events.waiting(), 2);
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    rig.ports().meta.script(|_, _, _| Ok(()));
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.held(), ["stays".to_owned()].into());
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
    assert_eq!(rig.ports().events.waiting(), 0);
}

#[tokio::test]
async fn a_room_of_erased_people_alone_empties_without_a_call() {
    let rig = rig();
    rig.ports().meta.script(|_, _, _| Err(ScriptedMeta::failure(Verdict::Token, 190, None)));
    let message = of(&rig, "gone", &json!({"em": [hash("ann").as_str()]}));
    rig.push(message);
    rig.step(10).await;
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(60_000);
    let calls = rig.ports().meta.calls().len();
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    assert_eq!(rig.ports().meta.calls().len(), calls);
    assert_eq!(rig.ports().events.waiting(), 0);
    assert_eq!(rig.ports().events.count(Status::Erased), 1);
}

#[tokio::test]
async fn a_list_is_as_old_as_when_it_was_asked_for() {
    let rig = rig();
    let ann = of(&rig, "ann", &json!({"em": [hash("ann").as_str()]}));
    // The answer takes half a minute, and holds what was known at half of it.
    let clock = rig.ports().clock.clone();
    rig.ports().events.faults().take_ms("tombstones", On::Nth(1), &clock, 30_000);
    rig.post(&["first"]);
    rig.step(10).await;
    assert_eq!((rig.ports().meta.taken().len(), elapsed_ms(&rig)), (1, 30_000));
    rig.ports().clock.advance_ms(15_000);
    erase(&rig, "ann").await;
    rig.ports().clock.advance_to(NOON.plus_ms(60_000));
    rig.push(ann);
    rig.step(10).await;
    assert_eq!(verdict(&rig, "ann").0, Status::Erased);
    assert_eq!(rig.ports().meta.taken(), ["first"]);
    assert_eq!(rig.ports().events.faults().calls("tombstones"), 2);
}

#[tokio::test]
async fn who_was_erased_elsewhere_is_somebody_else() {
    let rig = rig();
    let elsewhere = TenantId::parse("elsewhere").unwrap();
    rig.ports().events.bury(&elsewhere, &[hash("ann")], NOON).await.unwrap();
    rig.push(of(&rig, "a", &json!({"em": [hash("ann").as_str()]})));
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
}

#[tokio::test]
async fn nobodys_list_is_read_for_what_is_not_sent_anyway() {
    let rig = rig();
    rig.push(skip(&rig, &["a"], "consent_denied"));
    rig.step(10).await;
    assert_eq!(rig.ports().events.faults().calls("tombstones"), 0);
    assert_eq!(rig.ports().events.count(Status::Skipped), 1);
}

#[tokio::test]
async fn groups_of_one_tenant_read_its_list_together() {
    let rig = rig();
    let other = crate::dispatch::world::other_pixel(&rig);
    rig.post(&["a"]);
    rig.push(EventMessage { pixel_id: other, ..rig.message(&["b"], Scope::Ingest) });
    rig.step(10).await;
    assert_eq!(rig.ports().events.faults().calls("tombstones"), 1);
    assert_eq!(rig.ports().meta.held().len(), 2);
}

#[tokio::test]
async fn a_list_that_could_not_be_read_in_advance_is_read_by_the_group() {
    let rig = rig();
    rig.ports().events.faults().fail("tombstones", On::Nth(1), When::Before);
    rig.post(&["a"]);
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a"]);
    assert_eq!(rig.ports().events.faults().calls("tombstones"), 2);
}

#[tokio::test]
async fn an_erased_event_whose_receipt_fails_is_not_sent_later_either() {
    for method in ["known", "index", "record"] {
        let rig = rig();
        rig.push(of(&rig, "a", &json!({"em": [hash("ann").as_str()]})));
        rig.post(&["b"]);
        erase(&rig, "ann").await;
        rig.ports().events.faults().fail(method, On::Nth(1), When::Before);
        rig.step(10).await;
        assert_eq!(events_on_queue(&rig).len(), 1, "{method}");
        run_until(&rig, HOUR_MS).await;
        assert_eq!(rig.ports().meta.taken(), ["b"], "{method}");
        let expected = [("a".to_owned(), Status::Erased), ("b".to_owned(), Status::Sent)];
        assert_eq!(statuses(&rig), expected.into(), "{method}");
    }
}

#[tokio::test]
async fn a_release_brings_no_erased_event_to_meta() {
    let rig = rig();
    rig.ports().meta.script(crate::dispatch::world::only("token-2"));
    rig.push(of(&rig, "gone", &json!({"em": [hash("ann").as_str()]})));
    rig.post(&["stays"]);
    rig.step(10).await;
    rig.ports().clock.advance_ms(MINUTE_MS - 1);
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(1);
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    release(&rig, &rig.pixel);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(rig.ports().meta.taken(), ["stays"]);
    assert_eq!(verdict(&rig, "gone"), (Status::Erased, Some("person_erased".to_owned())));
    assert_eq!(times_ms(&rig).len(), 2);
}

#[tokio::test]
async fn a_probe_tries_the_other_event_of_an_erased_persons_message() {
    let rig = rig();
    rig.ports().meta.script(crate::dispatch::world::always(Verdict::Token, 190));
    let gone = of(&rig, "gone", &json!({"em": [hash("ann").as_str()]}));
    let both = rig.message(&["stays"], Scope::Ingest);
    rig.push(EventMessage { events: [gone.events, both.events.clone()].concat(), ..both });
    rig.step(10).await;
    erase(&rig, "ann").await;
    rig.ports().clock.advance_ms(MINUTE_MS);
    run_until(&rig, 10 * MINUTE_MS).await;
    let probes = &rig.ports().meta.calls()[1..];
    assert!(probes.len() > 2 && probes.iter().all(|ids| *ids == ["stays"]), "{probes:?}");
    assert_eq!(rig.ports().events.waiting(), 2);
}
