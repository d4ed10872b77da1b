//! One call of one port fails, or the process dies at it; whichever it is, no event is lost.
//!
//! A batch holds one event of each sort: good ones (one of them twice), a bad one, an erased person's, one to skip, one
//! too old, and two of a pixel with a dead token. Afterwards a person pastes a new token, and a day passes.

use std::collections::BTreeMap;

use adrelay_core::config::Scope;
use adrelay_core::ids::PixelId;
use adrelay_core::message::EventMessage;
use adrelay_core::receipt::Status;
use fakes::{ANY, BEFORE_AND_AFTER, Faults, NOON, On, Rig, ScriptedMeta, When, unless_hung};
use serde_json::json;

use adrelay_core::ports::meta::Verdict;

use crate::dispatch::world::{
    DAY_MS, HOUR_MS, MINUTE_MS, aged, erase, hash, of, on_queue, other_pixel, push_release, refuse, release,
    rig, skip, statuses,
};

/// A port of the dispatcher, by name.
const PORTS: [&str; 6] = ["config", "events", "queue", "meta", "vault", "clock"];

fn faults_of<'a>(rig: &'a Rig<ScriptedMeta>, port: &str) -> &'a Faults {
    let ports = rig.ports();
    match port {
        "config" => ports.config.faults(),
        "events" => ports.events.faults(),
        "queue" => ports.queue.faults(),
        "meta" => ports.meta.faults(),
        "vault" => ports.vault.faults(),
        _ => ports.clock.faults(),
    }
}

/// A rig with the batch on its queue, and the pixel whose token is dead.
async fn world() -> (Rig<ScriptedMeta>, PixelId) {
    let rig = rig();
    let dead = other_pixel(&rig);
    let data = refuse(&["bad"], Some(2_804_050));
    rig.ports().meta.script(move |ids, token, nth| match token {
        "other-token" => Err(ScriptedMeta::failure(Verdict::Token, 190, Some(460))),
        _ => data(ids, token, nth),
    });
    rig.post(&["good-1", "good-2", "bad"]);
    rig.post(&["good-1"]);
    rig.push(of(&rig, "erased", &json!({"em": [hash("ann").as_str()]})));
    rig.push(skip(&rig, &["skipped"], "consent_denied"));
    rig.push(aged(&rig, "old", "website", 8 * 86_400));
    for id in ["waits-1", "waits-2"] {
        rig.push(EventMessage { pixel_id: dead.clone(), ..rig.message(&[id], Scope::Ingest) });
    }
    erase(&rig, "ann").await;
    (rig, dead)
}

/// Lets an hour pass, puts the dead token right, and lets a day pass.
async fn afterwards(rig: &Rig<ScriptedMeta>, dead: &PixelId) {
    rig.run(10, NOON.plus_ms(HOUR_MS)).await;
    rig.ports().config.new_token(&rig.tenant, dead, "new-token");
    release(rig, dead);
    rig.run(10, NOON.plus_ms(DAY_MS)).await;
}

/// Where each event must be in the end, by what Meta got and what the stores hold; `most` copies of one may have reached
/// Meta.
fn assert_whole(rig: &Rig<ScriptedMeta>, most: usize, when: &str) {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for id in rig.ports().meta.taken() {
        *taken.entry(id).or_default() += 1;
    }
    let ids: Vec<&str> = taken.keys().map(String::as_str).collect();
    assert_eq!(ids, ["good-1", "good-2", "waits-1", "waits-2"], "{when}");
    assert!(taken.values().all(|times| *times <= most), "{when}: {taken:?}");
    let arrived = rig.ports().meta.calls().concat();
    assert!(
        !arrived.iter().any(|id| ["erased", "skipped", "old"].contains(&id.as_str())),
        "{when}: {arrived:?}"
    );
    let expected = [
        ("bad", Status::Rejected),
        ("erased", Status::Erased),
        ("good-1", Status::Sent),
        ("good-2", Status::Sent),
        ("old", Status::Expired),
        ("skipped", Status::Skipped),
        ("waits-1", Status::Sent),
        ("waits-2", Status::Sent),
    ];
    assert_eq!(statuses(rig), expected.map(|(id, status)| (id.to_owned(), status)).into(), "{when}");
    assert_eq!(rig.ports().events.waiting(), 0, "{when}");
    assert_eq!((on_queue(rig).len(), rig.ports().queue.dead().len()), (0, 0), "{when}");
}

/// How many calls each port gets while nothing fails.
async fn calls() -> Vec<(&'static str, u64)> {
    let (rig, dead) = world().await;
    let before: Vec<u64> = PORTS.iter().map(|port| faults_of(&rig, port).calls(ANY)).collect();
    afterwards(&rig, &dead).await;
    assert_whole(&rig, 1, "nothing fails");
    let all =
        PORTS.iter().zip(before).map(|(port, before)| (*port, faults_of(&rig, port).calls(ANY) - before));
    all.collect()
}

#[tokio::test]
async fn whichever_call_fails_no_event_is_lost() {
    let mut tried = 0;
    for (port, calls) in calls().await {
        // A clock can't fail.
        for nth in (1..=calls).filter(|_| port != "clock") {
            for when in BEFORE_AND_AFTER {
                let (rig, dead) = world().await;
                faults_of(&rig, port).fail(ANY, On::Nth(nth), when);
                afterwards(&rig, &dead).await;
                assert_whole(&rig, 2, &format!("call {nth} of {port} fails, {when:?}"));
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried} faults");
}

#[tokio::test]
async fn wherever_the_process_dies_no_event_is_lost() {
    let mut died = 0;
    for (port, calls) in calls().await {
        for nth in 1..=calls {
            for when in BEFORE_AND_AFTER {
                let (rig, dead) = world().await;
                faults_of(&rig, port).hang(ANY, On::Nth(nth), when);
                let first = unless_hung(afterwards(&rig, &dead));
                died += u32::from(first.is_none());
                // Another process receives what it had in its hands. A person releases whatever still waits.
                let next = rig.another_dispatcher();
                next.run(10, NOON.plus_ms(2 * HOUR_MS)).await;
                next.ports().config.new_token(&rig.tenant, &dead, "new-token");
                release(&next, &dead);
                next.run(10, NOON.plus_ms(DAY_MS)).await;
                assert_whole(&rig, 2, &format!("dead at call {nth} of {port}, {when:?}"));
            }
        }
    }
    assert!(died > 100, "it died at {died} calls");
}

#[tokio::test]
async fn whatever_is_down_for_twenty_minutes_no_event_is_lost() {
    let (rig, dead) = world().await;
    afterwards(&rig, &dead).await;
    let methods: Vec<(&str, &'static str)> = PORTS
        .iter()
        .flat_map(|port| faults_of(&rig, port).methods().into_iter().map(|method| (*port, method)))
        .filter(|(port, _)| *port != "clock")
        .collect();
    assert!(methods.len() >= 14, "{methods:?}");
    for (port, method) in methods {
        for down_from_ms in [0, 20 * MINUTE_MS] {
            let (rig, dead) = world().await;
            rig.run(10, NOON.plus_ms(down_from_ms)).await;
            faults_of(&rig, port).set_down(method, true);
            rig.post(&["good-2"]);
            rig.run(10, NOON.plus_ms(down_from_ms + 20 * MINUTE_MS)).await;
            faults_of(&rig, port).set_down(method, false);
            afterwards(&rig, &dead).await;
            // While receipts can't be written, an event goes out with every try.
            let most = if ["known", "record", "index"].contains(&method) { 100 } else { 1 };
            assert_whole(&rig, most, &format!("{method} of {port} down after {down_from_ms} ms"));
        }
    }
}

#[tokio::test]
async fn two_faults_at_once_lose_nothing_either() {
    let mut tried = 0;
    for seed in 0..150_u64 {
        let (rig, dead) = world().await;
        // Any two calls among the first hundred of any two ports.
        let chance = fakes::SeededEntropy::new(seed);
        for _ in 0..2 {
            let port = PORTS[usize::try_from(chance.next_u64() % 5).unwrap()];
            let when = BEFORE_AND_AFTER[usize::try_from(chance.next_u64() % 2).unwrap()];
            faults_of(&rig, port).fail(ANY, On::Nth(1 + chance.next_u64() % 100), when);
        }
        afterwards(&rig, &dead).await;
        // A lost release is made again by the person who finds events waiting.
        push_release(&rig, &dead);
        rig.run(10, NOON.plus_ms(2 * DAY_MS)).await;
        assert_whole(&rig, 3, &format!("seed {seed}"));
        tried += 1;
    }
    assert_eq!(tried, 150);
}

#[tokio::test]
async fn a_refused_message_of_any_batch_is_received_again() {
    for nth in 1..=12 {
        for place in 0..3 {
            for when in BEFORE_AND_AFTER {
                let (rig, dead) = world().await;
                // Everything goes back to the queue first.
                rig.ports().events.faults().fail("known", On::Nth(1), When::Before);
                rig.ports().queue.faults().refuse_at("send", On::Nth(nth), when, &[place]);
                rig.ports().events.faults().refuse_at("record", On::Nth(nth), when, &[place]);
                afterwards(&rig, &dead).await;
                assert_whole(&rig, 2, &format!("item {place} of call {nth}, {when:?}"));
            }
        }
    }
}
