//! Faults that are known and not mended yet. Each test says what ought to hold and fails, as expected, with the fault's
//! number; once it is mended, the expectation goes.

use adrelay_core::config::Scope;
use adrelay_core::ids::{SourceId, TenantId};
use adrelay_core::message::EventMessage;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_core::receipt::Status;
use fakes::{ANY, NOON, On, Rig, ScriptedMeta, Task, When, at_once, side_by_side, unless_hung};
use serde_json::json;

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, MINUTE_MS, always, changed, events_on_queue, first, ids, on_queue, only, probe_due,
    refs, release, rig, run_until, verdict, with,
};

/// A pixel whose token is dead, with as many messages of one event in its room.
async fn parked(messages: usize) -> Rig<ScriptedMeta> {
    let rig = rig();
    rig.ports().meta.script(only("token-2"));
    for id in ids(messages) {
        rig.post(&[&id]);
    }
    rig.step(messages).await;
    assert_eq!(rig.ports().events.waiting(), messages);
    rig
}

#[tokio::test]
#[should_panic(expected = "F1: ")]
async fn a_release_leaves_what_is_parked_again_meanwhile() {
    let rig = parked(3).await;
    let other = rig.another_dispatcher();
    // Another invocation gets the released events, and parks them again, before they are taken out of the room.
    rig.ports().queue.faults().run("send", On::Nth(1), When::After, move || {
        at_once(other.step(50));
    });
    release(&rig, &rig.pixel);
    rig.step(1).await;
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    run_until(&rig, 10 * DAY_MS).await;
    let ended = rig.ports().events.count(Status::Sent) + rig.ports().events.count(Status::Expired);
    assert_eq!(ended, 3, "F1: a release deletes what was parked again under the same key");
}

#[test]
#[should_panic(expected = "F2: ")]
fn a_release_of_a_pixel_that_is_not_well_ends() {
    let rig = at_once(parked(300));
    let clock = rig.ports().clock.clone();
    rig.ports().events.faults().take_ms(ANY, On::Each, &clock, 5);
    rig.ports().queue.faults().take_ms(ANY, On::Each, &clock, 40);
    let parked_before = rig.ports().events.faults().calls("park");
    release(&rig, &rig.pixel);
    let rigs = [rig.another_dispatcher(), rig.another_dispatcher(), rig];
    let until = NOON.plus_ms(5 * MINUTE_MS);
    let tasks = rigs.iter().map(|rig| Box::pin(rig.work(10, until)) as Task<'_>).collect();
    side_by_side(&clock, 1, tasks);
    let parked_again = rigs[0].ports().events.faults().calls("park") - parked_before;
    assert!(parked_again <= 600, "F2: 300 messages were released and parked again {parked_again} times");
}

#[tokio::test]
#[should_panic(expected = "F7: ")]
async fn a_probe_whose_process_dies_is_made_again() {
    let rig = parked(1).await;
    rig.ports().clock.advance_to(probe_due(&rig).unwrap());
    // The next probe is named in the ledger, and not queued yet: what ended in the room was queued before it.
    rig.ports().queue.faults().hang("send", On::Nth(2), When::Before);
    assert!(unless_hung(rig.step(1)).is_none());
    let next = rig.another_dispatcher();
    next.run(10, NOON.plus_ms(10 * DAY_MS)).await;
    assert_eq!(next.ports().events.count(Status::Expired), 1, "F7: nobody probes any more");
}

#[tokio::test]
#[should_panic(expected = "F7: ")]
async fn a_probe_that_is_named_without_an_answer_is_made_again() {
    let rig = parked(1).await;
    rig.ports().clock.advance_to(probe_due(&rig).unwrap());
    rig.ports().meta.script(always(Verdict::Token, 190));
    // Of a probe's savings the second names the next one: the first books the call.
    rig.ports().events.faults().fail("save", On::Nth(2), When::After);
    run_until(&rig, 10 * DAY_MS).await;
    assert_eq!(rig.ports().events.count(Status::Expired), 1, "F7: nobody probes any more");
}

#[tokio::test]
#[should_panic(expected = "F7: ")]
async fn a_probe_outlives_a_store_that_is_down_for_ninety_minutes() {
    let rig = parked(1).await;
    rig.ports().events.set_down(true);
    run_until(&rig, 90 * MINUTE_MS).await;
    rig.ports().events.set_down(false);
    run_until(&rig, 10 * DAY_MS).await;
    let dead = rig.ports().queue.dead().len();
    assert_eq!((rig.ports().events.count(Status::Expired), dead), (1, 0), "F7: the probe is a dead letter");
}

#[tokio::test]
#[should_panic(expected = "F7: ")]
async fn a_release_outlives_a_store_that_is_down_for_ninety_minutes() {
    let rig = parked(1).await;
    rig.ports().config.new_token(&rig.tenant, &rig.pixel, "token-2");
    release(&rig, &rig.pixel);
    rig.ports().events.set_down(true);
    run_until(&rig, 90 * MINUTE_MS).await;
    rig.ports().events.set_down(false);
    run_until(&rig, DAY_MS).await;
    assert_eq!(rig.ports().events.waiting(), 0, "F7: the release is a dead letter");
}

/// Messages of four large events each, and one of a small copy of each of them, while Meta is away.
async fn large_copies() -> Vec<EventMessage> {
    let rig = rig();
    rig.ports().meta.script(always(Verdict::Retry, 2));
    let all = ids(40);
    for part in all.chunks(4) {
        let message = rig.message(&refs(part), Scope::Ingest);
        let large = json!({"custom_data": {"note": "x".repeat(60_000)}});
        let events = message.events.iter().map(|event| changed(event, &large)).collect();
        rig.push(EventMessage { events, ..message });
    }
    rig.post(&refs(&all));
    rig.step(50).await;
    events_on_queue(&rig)
}

#[tokio::test]
#[should_panic(expected = "F14: ")]
async fn a_message_sent_anew_is_no_larger_than_the_queue_takes() {
    let sizes = large_copies()
        .await
        .into_iter()
        .map(|message| message.events.iter().map(|event| event.json().len()).sum::<usize>());
    let largest = sizes.max().unwrap();
    assert!(largest <= 256 * 1024, "F14: a message of {largest} bytes");
}

#[tokio::test]
#[should_panic(expected = "F14: ")]
async fn each_copy_goes_back_with_its_own_text() {
    let messages = large_copies().await;
    let small = messages.iter().find(|message| message.events.len() == 40).unwrap();
    let own = small.events.iter().all(|event| !event.json().contains("note"));
    assert!(own, "F14: a copy was given another one's text");
}

#[tokio::test]
#[should_panic(expected = "F9: ")]
async fn public_events_do_not_keep_a_servers_event_waiting() {
    let rig = rig();
    for part in ids(20_000).chunks(20) {
        rig.push(rig.message(&refs(part), Scope::Public));
    }
    rig.post(&["order-1"]);
    run_until(&rig, HOUR_MS).await;
    let requests = rig.ports().meta.requests();
    let order = requests.iter().find(|request| request.ids.iter().any(|id| id == "order-1")).unwrap();
    let waited_ms = order.at.ms_since(NOON);
    assert!(waited_ms <= 5_000, "F9: a server's event waited {waited_ms} ms behind public ones");
}

#[test]
#[should_panic(expected = "F10: ")]
fn one_tenants_backlog_does_not_keep_another_waiting() {
    let rig = rig();
    let clock = rig.ports().clock.clone();
    let neighbour = TenantId::parse("neighbour").unwrap();
    let pixel = adrelay_core::ids::PixelId::parse("333").unwrap();
    rig.ports().config.add_pixel(&neighbour, &pixel, "token");
    for part in ids(60_000).chunks(200) {
        rig.post(&refs(part));
    }
    let rigs = [rig.another_dispatcher(), rig];
    let posts = async {
        clock.sleep_ms(1_500).await;
        let lone = rigs[0].message(&["lone"], Scope::Ingest);
        // A queue that shares fairly shows the other tenant's message first.
        rigs[0].ports().queue.push_first(
            adrelay_core::message::QueueMessage::Events(EventMessage {
                tenant: neighbour.clone(),
                pixel_id: pixel.clone(),
                ..lone
            })
            .to_body()
            .unwrap(),
        );
    };
    let until = NOON.plus_ms(2 * MINUTE_MS);
    let mut tasks: Vec<Task<'_>> = rigs.iter().map(|rig| Box::pin(rig.work(30, until)) as Task<'_>).collect();
    tasks.push(Box::pin(posts));
    side_by_side(&clock, 1, tasks);
    let requests = rigs[0].ports().meta.requests();
    let lone = requests.iter().find(|request| request.pixel == pixel).unwrap();
    let waited_ms = lone.at.ms_since(NOON) - 1_500;
    assert!(waited_ms <= 3_000, "F10: a lone event waited {waited_ms} ms for another tenant's backlog");
}

#[tokio::test]
#[should_panic(expected = "F5: ")]
async fn two_sources_may_use_the_same_event_id() {
    let rig = rig();
    rig.post(&["a"]);
    rig.step(10).await;
    rig.push(EventMessage { source: SourceId::parse("crm").unwrap(), ..with(&rig, "a", &json!({})) });
    rig.step(10).await;
    assert_eq!(rig.ports().meta.taken(), ["a", "a"], "F5: the second source's event is never sent");
}

#[tokio::test]
#[should_panic(expected = "F16: ")]
async fn an_event_posted_twice_at_once_is_sent_once() {
    let rig = rig();
    for _ in 0..2 {
        let deadline = rig.ports().clock.now().plus_ms(MINUTE_MS);
        rig.dispatcher.send_now(rig.message(&["a"], Scope::Ingest), deadline).await.unwrap();
    }
    assert_eq!(rig.ports().meta.taken(), ["a"], "F16: a repeat is sent again");
}

#[tokio::test]
#[should_panic(expected = "unlisted: ")]
async fn a_wait_of_thirteen_days_is_spent_in_the_waiting_room() {
    let rig = rig();
    let ms = 13 * 86_400_000;
    rig.ports().meta.script(first(1, Verdict::Wait { ms }, 80_004));
    rig.post(&["a"]);
    run_until(&rig, HOUR_MS).await;
    assert_eq!(verdict(&rig, "a"), (Status::Waiting, Some("rate_limited".to_owned())));
    let round = rig.ports().events.faults().calls("known");
    assert_eq!(
        (rig.ports().events.waiting(), on_queue(&rig).len()),
        (1, 1),
        "unlisted: it goes round, {round} times"
    );
}

#[tokio::test]
#[should_panic(expected = "unlisted: ")]
async fn a_redelivered_message_behind_a_copy_counts_the_copy_once() {
    let rig = rig();
    let message = rig.message(&["a"], Scope::Ingest);
    rig.push(message.clone());
    rig.step(10).await;
    rig.post(&["a"]);
    rig.push(message);
    rig.step(10).await;
    let counted = crate::dispatch::world::copies(&rig, "a");
    assert_eq!(counted, 2, "unlisted: the redelivered message is counted as a copy");
}
