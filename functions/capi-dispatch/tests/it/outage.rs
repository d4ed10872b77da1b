//! Seven hours without Meta, on virtual time: the handler in-process, the real Graph client, the simulator over HTTP,
//! and a queue with SQS's rules (receive count, delay, retention, the cap on what is in flight).

#![expect(clippy::expect_used, reason = "what these tests set up is fixed")]

use adrelay_core::config::Scope;
use adrelay_core::message::{EventMessage, QueuedEvent};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::receipt::Status;
use adrelay_graph::{Graph, GraphConfig};
use fakes::{NOON, Rig};
use graph_sim::{EventFilter, OutageMode, OutageRequest, Sim, SimConfig, Token};
use serde_json::json;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const OUTAGE_HOURS: u32 = 7;

/// Invocations and waits of one stretch of time; far more than any needs.
const STEPS_MAX: usize = 20_000;

fn simulator() -> Sim {
    Sim::start(SimConfig { now_ms: Some(NOON.0), ..SimConfig::default() }).expect("the simulator starts")
}

fn rig(sim: &Sim) -> Rig<Graph> {
    let config = GraphConfig { base_url: sim.base_url().to_owned(), ..GraphConfig::default() };
    let rig = Rig::new(Graph::new(&config).expect("a client"), 11);
    let token = json!({"token": "token", "pixels": [rig.pixel.as_str()]});
    sim.add_token(serde_json::from_value::<Token>(token).expect("a token")).expect("room for it");
    rig
}

/// Lets time pass until `until` or until nothing is left to do; the simulator's clock goes along.
async fn play(rig: &Rig<Graph>, sim: &Sim, until_ms: i64) {
    let clock = &rig.ports().clock;
    for _ in 0..STEPS_MAX {
        if clock.now().0 >= until_ms {
            sim.set_now_ms(clock.now().0);
            return;
        }
        sim.set_now_ms(clock.now().0);
        if rig.step(10).await.is_some() {
            continue;
        }
        let next = rig.ports().queue.next_visible_at().map_or(until_ms, |at| at.0.min(until_ms));
        clock.advance_to(adrelay_core::time::UnixMillis(next.max(clock.now().0 + 1)));
    }
    unreachable!("time does not come to its end");
}

/// An event whose deadline (7 days less an hour) is half an hour away.
fn nearly_too_old(mut message: EventMessage, now_s: i64) -> EventMessage {
    let event_time = now_s - (7 * 86_400 - 3_600) + 1_800;
    let event = json!({"event_name": "Lead", "event_id": "nearly-too-old", "event_time": event_time,
        "action_source": "system_generated", "user_data": {"em": ["0".repeat(64)]}});
    let raw = serde_json::value::to_raw_value(&event).expect("JSON");
    message.events = vec![QueuedEvent::from_raw(raw).expect("an event")];
    message
}

#[tokio::test]
async fn a_seven_hour_outage_loses_nothing_and_an_event_past_its_deadline_ends_as_expired() {
    let sim = simulator();
    let rig = rig(&sim);
    sim.begin_outage(OutageRequest { seconds: Some(OUTAGE_HOURS * 3_600), mode: OutageMode::Status503 });

    let late = rig.message(&["placeholder"], Scope::Ingest);
    rig.push(nearly_too_old(late, NOON.secs()));
    let mut posted = 0;
    for quarter in 0..(4 * i64::from(OUTAGE_HOURS)) {
        let ids: Vec<String> = (0..50).map(|n| format!("q{quarter}-{n}")).collect();
        rig.post(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        posted += ids.len();
        play(&rig, &sim, NOON.0 + (quarter + 1) * 15 * MINUTE_MS).await;
    }
    assert_eq!(rig.ports().events.count(Status::Sent), 0, "Meta is away");
    assert_eq!(rig.ports().events.count(Status::Expired), 1, "an event past its deadline ends, and says so");
    play(&rig, &sim, NOON.0 + 12 * HOUR_MS).await;

    assert_eq!(rig.ports().events.count(Status::Sent), posted);
    assert_eq!(sim.events(&EventFilter::default()).len(), posted, "Meta holds each event");
    assert!(rig.ports().queue.bodies().is_empty(), "nothing is left on the queue");
    assert!(rig.ports().queue.dead().is_empty(), "nothing is a dead letter");
    assert_eq!(rig.ports().queue.lost_to_retention(), 0);
    assert!(rig.ports().queue.in_flight_peak() < 1_000, "nothing piles up in flight");
    let expired = rig.ports().events.receipts();
    let expired = expired.iter().find(|(key, _)| key.event_id.as_str() == "nearly-too-old");
    assert_eq!(expired.map(|(_, receipt)| receipt.outcome.status), Some(Status::Expired));
}

#[tokio::test]
async fn an_outage_that_refuses_connections_is_waited_for_as_well() {
    let sim = simulator();
    let rig = rig(&sim);
    sim.begin_outage(OutageRequest { seconds: Some(1_800), mode: OutageMode::Refuse });
    rig.post(&["a", "b"]);
    play(&rig, &sim, NOON.0 + 25 * MINUTE_MS).await;
    assert_eq!(rig.ports().events.count(Status::Waiting), 2, "a receipt says that they wait");
    play(&rig, &sim, NOON.0 + 2 * HOUR_MS).await;
    assert_eq!(rig.ports().events.count(Status::Sent), 2);
    assert_eq!(sim.events(&EventFilter::default()).len(), 2);
}
