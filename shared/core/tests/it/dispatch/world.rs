//! Events, Meta's answers, and where to look for an event.

use std::collections::{BTreeMap, HashSet};

use adrelay_core::config::{Health, Scope};
use adrelay_core::ids::PixelId;
use adrelay_core::message::{EventMessage, QueueMessage, QueuedEvent, WaitingRoomRef};
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::erasure::ErasureWriter as _;
use adrelay_core::ports::meta::{Failure, Verdict};
use adrelay_core::receipt::{Outcome, Status};
use adrelay_core::time::UnixMillis;
use fakes::{NOON, Rig, ScriptedMeta};
use serde_json::{Value, json};

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// What a script of Meta decides on.
pub(crate) trait Decides:
    Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync + 'static
{
}
impl<F: Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync + 'static> Decides for F {}

pub(crate) fn rig() -> Rig<ScriptedMeta> {
    Rig::scripted(7)
}

pub(crate) fn ids(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("e{i}")).collect()
}

pub(crate) fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// Meta refuses a request that holds one of `bad`, with this subcode.
pub(crate) fn refuse(bad: &[&str], subcode: Option<i64>) -> impl Decides {
    let bad: HashSet<String> = bad.iter().map(ToString::to_string).collect();
    move |ids: &[String], _: &str, _: usize| {
        if ids.iter().any(|id| bad.contains(id)) {
            Err(ScriptedMeta::failure(Verdict::BadData, 100, subcode))
        } else {
            Ok(())
        }
    }
}

/// Meta answers the first `calls` calls like this, and takes everything afterwards.
pub(crate) fn first(calls: usize, verdict: Verdict, code: i64) -> impl Decides {
    move |_: &[String], _: &str, nth: usize| {
        if nth < calls { Err(ScriptedMeta::failure(verdict.clone(), code, None)) } else { Ok(()) }
    }
}

/// Meta answers every call like this.
pub(crate) fn always(verdict: Verdict, code: i64) -> impl Decides {
    first(usize::MAX, verdict, code)
}

/// Meta refuses every token but this one.
pub(crate) fn only(token: &'static str) -> impl Decides {
    move |_: &[String], used: &str, _: usize| match used {
        used if used == token => Ok(()),
        _ => Err(ScriptedMeta::failure(Verdict::Token, 190, Some(460))),
    }
}

/// Virtual time since noon, in milliseconds.
pub(crate) fn elapsed_ms(rig: &Rig<ScriptedMeta>) -> i64 {
    rig.ports().clock.now().ms_since(NOON)
}

/// When each request reached Meta, in milliseconds since noon.
pub(crate) fn times_ms(rig: &Rig<ScriptedMeta>) -> Vec<i64> {
    rig.ports().meta.requests().iter().map(|request| request.at.ms_since(NOON)).collect()
}

/// Runs for so long from noon.
pub(crate) async fn run_until(rig: &Rig<ScriptedMeta>, ms: i64) {
    rig.run(10, NOON.plus_ms(ms)).await;
}

/// Everything on the queue, visible or not.
pub(crate) fn on_queue(rig: &Rig<ScriptedMeta>) -> Vec<QueueMessage> {
    rig.ports().queue.bodies().iter().map(|body| QueueMessage::parse(body).unwrap()).collect()
}

/// Messages of events on the queue.
pub(crate) fn events_on_queue(rig: &Rig<ScriptedMeta>) -> Vec<EventMessage> {
    let events = |message| match message {
        QueueMessage::Events(message) => Some(message),
        QueueMessage::Release(_) | QueueMessage::Probe(_) => None,
    };
    on_queue(rig).into_iter().filter_map(events).collect()
}

/// Probes on the queue.
pub(crate) fn probes(rig: &Rig<ScriptedMeta>) -> Vec<WaitingRoomRef> {
    let probe = |message| match message {
        QueueMessage::Probe(room) => Some(room),
        QueueMessage::Events(_) | QueueMessage::Release(_) => None,
    };
    on_queue(rig).into_iter().filter_map(probe).collect()
}

/// Releases on the queue.
pub(crate) fn releases(rig: &Rig<ScriptedMeta>) -> usize {
    on_queue(rig).iter().filter(|message| matches!(message, QueueMessage::Release(_))).count()
}

/// Ids of the events in these messages, in their order.
pub(crate) fn ids_in(messages: &[EventMessage]) -> Vec<&str> {
    messages.iter().flat_map(|message| &message.events).map(|event| event.head().event_id.as_str()).collect()
}

pub(crate) fn outcomes(rig: &Rig<ScriptedMeta>) -> Vec<Outcome> {
    rig.ports().events.receipts().into_values().map(|receipt| receipt.outcome).collect()
}

/// The receipt of the one event with this id.
pub(crate) fn outcome(rig: &Rig<ScriptedMeta>, id: &str) -> Option<Outcome> {
    outcomes(rig).into_iter().find(|outcome| outcome.key.event_id.as_str() == id)
}

/// The status of every receipt, by event id.
pub(crate) fn statuses(rig: &Rig<ScriptedMeta>) -> BTreeMap<String, Status> {
    outcomes(rig).into_iter().map(|outcome| (outcome.key.event_id.to_string(), outcome.status)).collect()
}

/// Status and reason of the receipt with this id.
pub(crate) fn verdict(rig: &Rig<ScriptedMeta>, id: &str) -> (Status, Option<String>) {
    let outcome = outcome(rig, id).expect("a receipt");
    (outcome.status, outcome.reason)
}

/// Copies counted on the receipt with this id.
pub(crate) fn copies(rig: &Rig<ScriptedMeta>, id: &str) -> u32 {
    let receipts = rig.ports().events.receipts();
    receipts.iter().find(|(key, _)| key.event_id.as_str() == id).expect("a receipt").1.copies
}

pub(crate) fn skip(rig: &Rig<ScriptedMeta>, ids: &[&str], reason: &str) -> EventMessage {
    EventMessage { skip: Some(reason.to_owned()), ..rig.message(ids, Scope::Ingest) }
}

/// An event with other fields than the usual ones.
pub(crate) fn changed(event: &QueuedEvent, fields: &Value) -> QueuedEvent {
    let mut value: Value = serde_json::from_str(event.json()).unwrap();
    for (name, field) in fields.as_object().unwrap() {
        value[name] = field.clone();
    }
    QueuedEvent::from_raw(serde_json::value::to_raw_value(&value).unwrap()).unwrap()
}

/// A message with one event of these fields.
pub(crate) fn with(rig: &Rig<ScriptedMeta>, id: &str, fields: &Value) -> EventMessage {
    let message = rig.message(&[id], Scope::Ingest);
    EventMessage { events: vec![changed(&message.events[0], fields)], ..message }
}

/// A message with one event of these `user_data`.
pub(crate) fn of(rig: &Rig<ScriptedMeta>, id: &str, user_data: &Value) -> EventMessage {
    with(rig, id, &json!({"user_data": user_data}))
}

/// A message with one event of so many days before now.
pub(crate) fn aged(rig: &Rig<ScriptedMeta>, id: &str, action_source: &str, age_s: i64) -> EventMessage {
    let event_time = rig.ports().clock.now().secs() - age_s;
    with(rig, id, &json!({"event_time": event_time, "action_source": action_source}))
}

pub(crate) fn hash(text: &str) -> Sha256Hex {
    Sha256Hex::of(text).unwrap()
}

pub(crate) async fn erase(rig: &Rig<ScriptedMeta>, text: &str) {
    let now = rig.ports().clock.now();
    rig.ports().events.bury(&rig.tenant, &[hash(text)], now).await.unwrap();
}

/// A second pixel of the same tenant, well, with a token of its own.
pub(crate) fn other_pixel(rig: &Rig<ScriptedMeta>) -> PixelId {
    let other = PixelId::parse("987654321").unwrap();
    rig.ports().config.add_pixel(&rig.tenant, &other, "other-token");
    other
}

/// What a person does at the API: the pixel counts as well, and a release goes onto the queue.
pub(crate) fn release(rig: &Rig<ScriptedMeta>, pixel: &PixelId) {
    rig.ports().config.change_pixel(&rig.tenant, pixel, |pixel| pixel.health = Health::Ok);
    push_release(rig, pixel);
}

pub(crate) fn push_release(rig: &Rig<ScriptedMeta>, pixel: &PixelId) {
    let release = QueueMessage::Release(WaitingRoomRef::new(rig.tenant.clone(), pixel.clone()));
    rig.ports().queue.push(release.to_body().unwrap(), 0);
}

pub(crate) fn unwell(reason: &str) -> Health {
    Health::NeedsAttention { reason: reason.to_owned(), code: None, subcode: None, since: NOON }
}

/// What is wrong with the pixel, and what with its connection.
pub(crate) fn reasons(rig: &Rig<ScriptedMeta>) -> (Option<String>, Option<String>) {
    let reason = |health: Health| match health {
        Health::NeedsAttention { reason, .. } => Some(reason),
        Health::Ok => None,
    };
    let (pixel, connection) = rig.ports().config.health(&rig.tenant, &rig.pixel).unwrap();
    (reason(pixel), reason(connection))
}

/// When the pixel's probe is due, as its ledger says.
pub(crate) fn probe_due(rig: &Rig<ScriptedMeta>) -> Option<UnixMillis> {
    rig.ports().events.ledger(&rig.tenant, &rig.pixel).ledger.probe_due
}

/// The most events that Meta got within any `window_ms`.
pub(crate) fn most_within(rig: &Rig<ScriptedMeta>, pixel: &PixelId, window_ms: i64) -> usize {
    let requests = rig.ports().meta.requests();
    let ours: Vec<(i64, usize)> =
        requests.iter().filter(|r| r.pixel == *pixel).map(|r| (r.at.0, r.ids.len())).collect();
    let within = |from: i64| {
        ours.iter().filter(|(at, _)| (from..from + window_ms).contains(at)).map(|(_, events)| events).sum()
    };
    ours.iter().map(|(at, _)| within(*at)).max().unwrap_or(0)
}
