//! `/_sim/…`: inspection and control. Refusals are `{"error":"…"}` with 400, 404 or 405.

use std::collections::HashMap;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::clock::Clock;
use crate::event_store::{EventFilter, StoredEvent};
use crate::faults::Fault;
use crate::graph::Call;
use crate::lead_control;
use crate::outage::{Outage, OutageRequest};
use crate::shared::Shared;
use crate::sim::SimError;
use crate::state::{Part, State};
use crate::tokens::Token;

/// Rows of a listing unless the caller says otherwise.
pub(crate) const DEFAULT_LIMIT: usize = 1_000;
/// Most events in one listing.
const MAX_EVENTS_LIMIT: usize = 20_000;
/// Most requests in one listing.
const MAX_REQUESTS_LIMIT: usize = 100_000;

/// Why a control call is refused: status and text.
pub(crate) type Refusal = (u16, String);

/// Answers a control call; `path` is what follows `/_sim/`.
pub(crate) async fn answer(shared: &Arc<Shared>, call: &Call, path: &str) -> Answer {
    let outcome = match (call.method.as_str(), path.trim_end_matches('/')) {
        ("POST", "leads") => lead_control::submit(shared, call),
        ("POST", "webhooks/replay") => lead_control::replay(shared, call).await,
        _ => route(&mut shared.lock(), call, path),
    };
    match outcome {
        Ok(answer) => answer,
        Err((status, error)) => Answer::json(status, &json!({ "error": error })),
    }
}

fn route(state: &mut State, call: &Call, path: &str) -> Result<Answer, Refusal> {
    let done = |body: Value| Ok(Answer::json(200, &body));
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if let Some(answered) = lead_control::route(state, call, &segments) {
        return answered;
    }
    match (call.method.as_str(), segments.as_slice()) {
        ("GET", ["health"]) => done(json!({"ok": true})),
        ("GET", ["events"]) => list_events(state, &call.query),
        ("GET", ["requests"]) => list_requests(state, &call.query),
        ("POST", ["tokens"]) => {
            state.add_token(read::<Token>(call)?).map_err(refused)?;
            done(json!({"ok": true}))
        }
        ("DELETE", ["tokens", token]) => {
            let token = percent_decode_str(token).decode_utf8_lossy();
            found(state.tokens.revoke(&token), "no such token")
        }
        ("POST", ["pixels"]) => {
            let NamedPixel { id, name } = read(call)?;
            let name = name.unwrap_or_else(|| format!("Pixel {id}"));
            state.name_pixel(id, name).map_err(refused)?;
            done(json!({"ok": true}))
        }
        ("POST", ["faults"]) => {
            let id = state.add_fault(read::<Fault>(call)?).map_err(refused)?;
            done(json!({ "id": id }))
        }
        ("GET", ["faults"]) => done(json!({"faults": state.faults.list()})),
        ("DELETE", ["faults"]) => {
            state.faults.clear();
            done(json!({"ok": true}))
        }
        ("DELETE", ["faults", id]) => found(state.faults.remove(id), "no such fault"),
        ("POST", ["outage"]) => {
            state.outage = Some(Outage::begin(read::<OutageRequest>(call)?, state.clock));
            done(json!({"ok": true}))
        }
        ("DELETE", ["outage"]) => {
            state.outage = None;
            done(json!({"ok": true}))
        }
        ("POST", ["clock"]) => {
            set_clock(state, &read(call)?)?;
            done(clock(state))
        }
        ("GET", ["clock"]) => done(clock(state)),
        ("POST", ["switches"]) => {
            let patched = state.switches.patched(read::<Map<String, Value>>(call)?);
            state.switches = patched.map_err(|error| (400, error.to_string()))?;
            Ok(Answer::json(200, &state.switches))
        }
        ("GET", ["switches"]) => Ok(Answer::json(200, &state.switches)),
        ("POST", ["reset"]) => {
            let parts = read::<Reset>(call)?.only.unwrap_or_else(|| Part::ALL.to_vec());
            state.reset(&parts);
            done(json!({"ok": true}))
        }
        (_, [known, ..]) if KNOWN.contains(known) || lead_control::KNOWN.contains(known) => {
            Err((405, format!("{} is not possible here", call.method)))
        }
        _ => Err((404, "no such control path".to_owned())),
    }
}

const KNOWN: [&str; 10] =
    ["health", "events", "requests", "tokens", "pixels", "faults", "outage", "clock", "switches", "reset"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedPixel {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// Exactly one of the three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    #[serde(default)]
    now_ms: Option<i64>,
    #[serde(default)]
    advance_ms: Option<i64>,
    #[serde(default)]
    real: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    only: Option<Vec<Part>>,
}

fn set_clock(state: &mut State, setting: &ClockSetting) -> Result<(), Refusal> {
    match setting {
        ClockSetting { now_ms: Some(now_ms), advance_ms: None, real: false } => {
            state.clock = Clock::new(Some(*now_ms));
        }
        ClockSetting { now_ms: None, advance_ms: Some(by_ms), real: false } => state.clock.advance(*by_ms),
        ClockSetting { now_ms: None, advance_ms: None, real: true } => state.clock = Clock::new(None),
        _ => return Err((400, "exactly one of now_ms, advance_ms and real:true".to_owned())),
    }
    Ok(())
}

fn clock(state: &State) -> Value {
    json!({"now_ms": state.clock.now_ms(), "real": state.clock.is_real()})
}

/// Events go out as text that was kept, which a JSON value could not hold unchanged.
#[derive(Serialize)]
struct Listing<'a> {
    total: usize,
    events: Vec<&'a StoredEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

fn list_events(state: &State, query: &str) -> Result<Answer, Refusal> {
    let mut asked = Query::read(query, &["pixel_id", "event_name", "event_id", "limit", "cursor"])?;
    let filter = EventFilter {
        pixel_id: asked.take("pixel_id"),
        event_name: asked.take("event_name"),
        event_id: asked.take("event_id"),
    };
    let limit = asked.number("limit", DEFAULT_LIMIT, MAX_EVENTS_LIMIT)?;
    let skip = asked.number("cursor", 0, usize::MAX)?;
    let page = state.events.list(&filter, skip, limit);
    let next_cursor = page.next.map(|next| next.to_string());
    Ok(Answer::json(200, &Listing { total: page.total, events: page.events, next_cursor }))
}

fn list_requests(state: &State, query: &str) -> Result<Answer, Refusal> {
    let mut asked = Query::read(query, &["path_contains", "limit"])?;
    let part = asked.take("path_contains").unwrap_or_default();
    let limit = asked.number("limit", DEFAULT_LIMIT, MAX_REQUESTS_LIMIT)?;
    let (total, requests) = state.requests.list(&part, limit);
    Ok(Answer::json(200, &json!({"total": total, "requests": requests})))
}

/// A control call's query; a name that means nothing there is refused, for it is a typing error in a test.
pub(crate) struct Query(HashMap<String, String>);

impl Query {
    pub(crate) fn read(query: &str, known: &[&str]) -> Result<Self, Refusal> {
        let pairs: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match pairs.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err((400, format!("unknown parameter {name}"))),
            None => Ok(Self(pairs)),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&mut self, name: &str, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.take(name) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| *number <= max)
            .ok_or_else(|| (400, format!("{name} must be a number of at most {max}")))
    }
}

/// A call's JSON object; an empty body counts as `{}`. (Read as a map first: serde would take a list for a struct.)
pub(crate) fn read<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    let unreadable = |error: serde_json::Error| (400, error.to_string());
    let body: &[u8] = if call.body.is_empty() { b"{}" } else { &call.body };
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(unreadable)?;
    serde_json::from_value(Value::Object(object)).map_err(unreadable)
}

pub(crate) fn found(was_there: bool, otherwise: &str) -> Result<Answer, Refusal> {
    if was_there { Ok(Answer::json(200, &json!({"ok": true}))) } else { Err((404, otherwise.to_owned())) }
}

pub(crate) fn refused(error: SimError) -> Refusal {
    (400, error.to_string())
}
