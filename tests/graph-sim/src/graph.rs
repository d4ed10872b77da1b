//! One Graph call from arrival to answer: faults, version, token, route.

use std::borrow::Cow;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use serde_json::Value;

use crate::answer::Answer;
use crate::capi;
use crate::faults::{Cut, Fault, Target};
use crate::graph_error::GraphError;
use crate::leads;
use crate::nodes;
use crate::outage::OutageMode;
use crate::params::{Params, Place};
use crate::request_log::{self, RequestEntry};
use crate::shared::Shared;
use crate::state::State;
use crate::tokens::Caller;
use crate::versions;

/// A call as it arrived, its body read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What disturbs a call.
enum Disturbance {
    None,
    Outage(OutageMode),
    Fault(Box<Fault>),
}

/// Answers a Graph call; `None` closes the connection without a word.
pub(crate) async fn answer(shared: &Shared, call: &Call) -> Option<Answer> {
    let route = Route::of(&call.path);
    let (mut entry, disturbance) = {
        let mut state = shared.lock();
        let mut entry = arrival(&state, call, &route);
        let disturbance = disturb(&mut state, &mut entry);
        (entry, disturbance)
    };
    let fault = match disturbance {
        Disturbance::None => None,
        Disturbance::Outage(OutageMode::Hang) => {
            shared.lock().record(entry);
            shared.stopped().await;
            return None;
        }
        Disturbance::Outage(OutageMode::Refuse) => {
            shared.lock().record(entry);
            return None;
        }
        Disturbance::Outage(OutageMode::Status500) => {
            Some(Box::new(Fault { status: Some(500), ..Fault::default() }))
        }
        Disturbance::Outage(OutageMode::Status503) => {
            Some(Box::new(Fault { status: Some(503), ..Fault::default() }))
        }
        Disturbance::Fault(fault) => Some(fault),
    };
    let latency = fault.as_ref().map_or(Duration::ZERO, |fault| fault.latency());
    if !shared.wait(latency).await {
        return None;
    }
    let mut state = shared.lock();
    let answer = faulty_answer(&mut state, call, &route, &mut entry, fault.as_deref());
    entry.status = answer.as_ref().map_or(0, |answer| answer.status);
    entry.response_bytes = answer.as_ref().map_or(0, |answer| answer.body.len());
    state.record(entry);
    answer
}

fn arrival(state: &State, call: &Call, route: &Route<'_>) -> RequestEntry {
    let named = route.id().and_then(|id| state.leads.named(id));
    RequestEntry {
        at_ms: state.clock.now_ms(),
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        headers: request_log::shown(&call.headers),
        request_bytes: call.body.len(),
        pixel_id: route.id().filter(|_| named.is_none()).map(str::to_owned),
        page_id: named.map(|named| named.page_id.to_owned()),
        object: named.map(|named| named.object.to_owned()),
        ..RequestEntry::default()
    }
}

fn disturb(state: &mut State, entry: &mut RequestEntry) -> Disturbance {
    if let Some(mode) = state.outage.and_then(|outage| outage.mode_at(entry.at_ms)) {
        entry.fault = Some("outage".to_owned());
        return Disturbance::Outage(mode);
    }
    let target = Target {
        method: &entry.method,
        path: &entry.path,
        pixel_id: entry.pixel_id.as_deref(),
        page_id: entry.page_id.as_deref(),
        object: entry.object.as_deref(),
    };
    match state.faults.strike(target) {
        Some((id, fault)) => {
            entry.fault = Some(id);
            Disturbance::Fault(Box::new(fault))
        }
        None => Disturbance::None,
    }
}

/// The answer with the fault's effect on it.
fn faulty_answer(
    state: &mut State,
    call: &Call,
    route: &Route<'_>,
    entry: &mut RequestEntry,
    fault: Option<&Fault>,
) -> Option<Answer> {
    let cut = fault.and_then(|fault| fault.cut);
    if cut == Some(Cut::BeforeWrite) {
        return None;
    }
    let fbtrace_id = state.traces.next();
    entry.fbtrace_id = Some(fbtrace_id.clone());
    let raw = fault.and_then(|fault| Some((fault.status.unwrap_or(200), fault.body.clone()?)));
    let error = fault.filter(|_| cut.is_none()).and_then(Fault::error);
    let mut answer = match (raw, error) {
        (Some((status, body)), _) if cut.is_none() => Answer::raw(status, body),
        (_, Some(error)) => graph_answer(state, entry, Err(error), &fbtrace_id),
        _ => {
            let outcome = respond(state, call, route, entry, &fbtrace_id);
            graph_answer(state, entry, outcome, &fbtrace_id)
        }
    };
    for (name, value) in fault.map(|fault| fault.added_headers(entry)).unwrap_or_default() {
        answer.set_header(&name, value);
    }
    (cut != Some(Cut::AfterWrite)).then_some(answer)
}

fn graph_answer(
    state: &State,
    entry: &mut RequestEntry,
    outcome: Result<Value, GraphError>,
    fbtrace_id: &str,
) -> Answer {
    let switches = &state.switches;
    let mut answer = match outcome {
        Ok(body) => Answer::json(200, &body),
        Err(error) => {
            entry.code = Some(error.code);
            entry.subcode = error.subcode;
            Answer::json(error.status, &error.envelope(fbtrace_id, switches.locale, switches.error_data))
        }
    };
    answer.set_header("x-fb-trace-id", fbtrace_id.to_owned());
    answer.set_header("facebook-api-version", versions::NEWEST.to_owned());
    for (name, usage) in [
        ("x-app-usage", &switches.usage.app),
        ("x-business-use-case-usage", &switches.usage.business),
        ("x-ad-account-usage", &switches.usage.ad_account),
    ] {
        if let Some(usage) = usage {
            answer.set_header(name, usage.to_string());
        }
    }
    answer
}

/// What Meta would say: version first, then token, then path, then parameters.
fn respond(
    state: &mut State,
    call: &Call,
    route: &Route<'_>,
    entry: &mut RequestEntry,
    fbtrace_id: &str,
) -> Result<Value, GraphError> {
    let content_type = call.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (params, body_error) = Params::parse(&call.query, content_type, &call.body);
    let now_s = state.clock.now_s();
    if let Some(version) = route.version {
        versions::gate(version, now_s, state.switches.dead_versions)?;
    }
    let token = shown_token(call, &params, entry);
    let proof = params.text("appsecret_proof");
    let required = state.switches.require_proof;
    let caller = state.tokens.authenticate(token.as_deref(), proof.as_deref(), required, now_s)?;
    if params.has("date_format") {
        return Err(GraphError::new(100, None).with_message("(#100) date_format is no longer supported"));
    }
    let method = params.text("method").filter(|_| call.method == "POST");
    let method = method.map_or_else(|| call.method.clone(), |method| method.to_ascii_uppercase());
    let about_events = matches!(route.rest.as_slice(), [_, "events"]);
    if let (Some(error), false) = (&body_error, about_events) {
        return Err(error.clone());
    }
    let asked = leads::Asked {
        method: &method,
        rest: &route.rest,
        params: &params,
        caller,
        now_ms: state.clock.now_ms(),
        switches: &state.switches,
        url: &format!("http://{}{}", host(&call.headers), call.path),
        seed: state.seed(),
    };
    if let Some(outcome) = leads::answer(&mut state.leads, &asked) {
        return outcome;
    }
    match (method.as_str(), route.rest.as_slice()) {
        ("POST", [id, "events"]) if is_id(id) => {
            if !nodes::may_use(caller, id) {
                return Err(GraphError::unknown_object("POST", id));
            }
            body_error.map_or(Ok(()), Err)?;
            capi::receive(state, entry, id, &params, fbtrace_id)
        }
        (method, rest) => read(state, caller, &params, method, rest),
    }
}

/// What is read of tokens, users and pixels, and what is not there at all.
fn read(
    state: &State,
    caller: Caller<'_>,
    params: &Params,
    method: &str,
    rest: &[&str],
) -> Result<Value, GraphError> {
    match (method, rest) {
        ("GET", ["debug_token"]) => nodes::debug_token(state, params),
        ("GET", ["me"]) => nodes::me(caller, params),
        ("GET", [id]) if is_id(id) => nodes::pixel(state, caller, id, params),
        (_, [id] | [id, "events"]) if is_id(id) => Err(GraphError::unknown_object(method, id)),
        (_, [alias, "events"]) => Err(GraphError::new(803, None)
            .with_message(format!("(#803) Some of the aliases you requested do not exist: {alias}"))),
        (_, []) if params.has("ids") => {
            Err(GraphError::new(100, None).with_message("(#100) ids is no longer supported"))
        }
        (_, rest) => Err(GraphError::unknown_path(&format!("/{}", rest.join("/")))),
    }
}

/// The token and, in `entry`, where it stood: the header wins, then the body, then the query.
fn shown_token<'a>(call: &'a Call, params: &'a Params, entry: &mut RequestEntry) -> Option<Cow<'a, str>> {
    let (token, place) = match (bearer(&call.headers), params.token()) {
        (Some(token), _) => (token.into(), "header"),
        (None, Some((token, Place::Query))) => (token, "query"),
        (None, Some((token, Place::Body))) => (token, "body"),
        (None, None) => return None,
    };
    entry.token_in = Some(place.to_owned());
    Some(token)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// What the caller called us.
fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("graph.example")
}

fn is_id(segment: &str) -> bool {
    !segment.is_empty() && segment.len() <= 32 && segment.bytes().all(|b| b.is_ascii_digit())
}

/// A path taken apart.
struct Route<'a> {
    version: Option<&'a str>,
    rest: Vec<&'a str>,
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Self {
        let mut rest: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let version = rest.first().copied().filter(|segment| versions::looks_like_version(segment));
        if version.is_some() {
            rest.remove(0);
        }
        Self { version, rest }
    }

    /// The id that the path begins with.
    fn id(&self) -> Option<&'a str> {
        self.rest.first().copied().filter(|segment| is_id(segment))
    }
}

impl State {
    /// Writes a finished call to the log: the ring in full, the process's log without query and headers.
    fn record(&mut self, entry: RequestEntry) {
        tracing::info!(
            method = entry.method,
            path = entry.path,
            status = entry.status,
            code = entry.code,
            subcode = entry.subcode,
            events = entry.events,
            stored = entry.stored,
            fault = entry.fault,
            "graph call"
        );
        self.requests.push(entry);
    }
}
