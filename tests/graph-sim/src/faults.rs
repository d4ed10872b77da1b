//! Faults on demand: what goes wrong, with which calls, how often.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::graph_error::GraphError;
use crate::random::Dice;
use crate::request_log::RequestEntry;

/// One fault. The body of `POST /_sim/faults`; every field is optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// Which calls it hits; by default every Graph call.
    #[serde(rename = "match")]
    pub matching: Match,
    /// How many calls it hits; absent or null: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Chance from 0 to 1 that a matching call is hit; one that is spared goes on to the next fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Seed of that chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// HTTP status; by default what usually goes with the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Meta's error code; with a status of 400 or more and no code: 2 for 503, else 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Meta's subcode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
    /// Meta's error type; by default `OAuthException`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The error's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// By default true for codes 1 and 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_transient: Option<bool>,
    /// Delay before anything else, in real milliseconds, at most ten minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// Closes the connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// Answers this text instead of anything of Meta's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Headers added to the answer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Adds `X-Business-Use-Case-Usage` with this `estimated_time_to_regain_access`, in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_minutes: Option<u32>,
    /// Refuses requests that hold a certain event, without naming it; with `code` (default 100) and `subcode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_event: Option<RejectEvent>,
}

/// Which calls a fault hits: all that fit every given field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Part of the path (the query is not looked at).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// The pixel that the path names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_id: Option<String>,
    /// The page that the path names, or whose form or lead it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_id: Option<String>,
    /// What of a page the path names: `page`, `form` or `lead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
}

/// Which event makes a request fail; with both fields, both must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RejectEvent {
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// Nothing of the call is processed.
    BeforeWrite,
    /// The events are stored; only the answer is lost.
    AfterWrite,
}

/// The call that faults are looked up for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) pixel_id: Option<&'a str>,
    pub(crate) page_id: Option<&'a str>,
    pub(crate) object: Option<&'a str>,
}

impl Match {
    fn hits(&self, target: Target<'_>) -> bool {
        self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(target.method))
            && self.path_contains.as_deref().is_none_or(|part| target.path.contains(part))
            && self.pixel_id.as_deref().is_none_or(|pixel| Some(pixel) == target.pixel_id)
            && self.page_id.as_deref().is_none_or(|page| Some(page) == target.page_id)
            && self.object.as_deref().is_none_or(|object| Some(object) == target.object)
    }
}

impl RejectEvent {
    fn hits(&self, name: &str, id: Option<&str>) -> bool {
        self.event_id.as_deref().is_none_or(|wanted| Some(wanted) == id)
            && self.event_name.as_deref().is_none_or(|wanted| wanted == name)
    }
}

impl Fault {
    const MAX_LATENCY_MS: u64 = 600_000;

    /// What is wrong with the fault itself, if anything.
    pub(crate) fn defect(&self) -> Option<&'static str> {
        let header_ok = |(name, value): (&String, &String)| {
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok()
        };
        if self.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            Some("probability must be between 0 and 1")
        } else if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            Some("status must be between 200 and 599")
        } else if self.latency_ms.is_some_and(|ms| ms > Self::MAX_LATENCY_MS) {
            Some("latency_ms must be at most 600000")
        } else if !self.headers.iter().all(header_ok) {
            Some("headers must be valid HTTP headers")
        } else if self.reject_event.as_ref().is_some_and(|r| r.event_id.is_none() && r.event_name.is_none()) {
            Some("reject_event needs event_id or event_name")
        } else {
            None
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.unwrap_or(0))
    }

    /// The error to answer, if the fault is one.
    pub(crate) fn error(&self) -> Option<GraphError> {
        let code = match (self.code, self.status) {
            (Some(code), _) => code,
            (None, _) if self.reject_event.is_some() => 100,
            (None, Some(503)) => 2,
            (None, Some(status)) if status >= 400 => 1,
            _ => return None,
        };
        let mut error = GraphError::new(code, self.subcode);
        error.status = self.status.unwrap_or(error.status);
        error.is_transient = self.is_transient.unwrap_or(error.is_transient);
        if let Some(kind) = &self.kind {
            error.kind.clone_from(kind);
        }
        if let Some(message) = &self.message {
            error.message.clone_from(message);
        }
        Some(error)
    }

    /// The headers that the fault adds to a call's answer.
    pub(crate) fn added_headers(&self, entry: &RequestEntry) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> =
            self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(minutes) = self.wait_minutes {
            let about = entry.page_id.as_deref().or(entry.pixel_id.as_deref()).unwrap_or("0");
            let kind = if entry.page_id.is_some() { "leadgen" } else { "ads_management" };
            let usage = json!({about: [{
                "type": kind, "call_count": 100, "total_cputime": 25, "total_time": 25,
                "estimated_time_to_regain_access": minutes, "ads_api_access_tier": "standard_access",
            }]});
            headers.push(("x-business-use-case-usage".to_owned(), usage.to_string()));
        }
        headers
    }
}

#[derive(Debug)]
struct Active {
    id: String,
    fault: Fault,
    hits: u64,
    dice: Dice,
}

impl Active {
    fn strikes(&mut self) -> bool {
        if self.fault.times.is_some_and(|times| self.hits >= times) {
            return false;
        }
        let hit = self.fault.probability.is_none_or(|probability| self.dice.hits(probability));
        self.hits += u64::from(hit);
        hit
    }
}

/// All faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    added: u64,
}

impl Faults {
    pub(crate) const MAX: usize = 1_000;

    /// Adds a fault and gives its id, or `None` when there are too many.
    pub(crate) fn add(&mut self, fault: Fault) -> Option<String> {
        if self.active.len() >= Self::MAX {
            return None;
        }
        self.added += 1;
        let id = format!("f{}", self.added);
        let dice = Dice::new(fault.seed.unwrap_or(self.added));
        self.active.push(Active { id: id.clone(), fault, hits: 0, dice });
        Some(id)
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// The fault that hits this call: the first that matches, has hits left and wins its throw.
    pub(crate) fn strike(&mut self, target: Target<'_>) -> Option<(String, Fault)> {
        self.active
            .iter_mut()
            .filter(|active| active.fault.reject_event.is_none() && active.fault.matching.hits(target))
            .find_map(|active| active.strikes().then(|| (active.id.clone(), active.fault.clone())))
    }

    /// The fault that refuses a request with these (name, id) events.
    pub(crate) fn reject(
        &mut self,
        target: Target<'_>,
        events: &[(&str, Option<&str>)],
    ) -> Option<(String, Fault)> {
        self.active.iter_mut().filter(|active| active.fault.matching.hits(target)).find_map(|active| {
            let unwanted = active.fault.reject_event.as_ref()?;
            let present = events.iter().any(|(name, id)| unwanted.hits(name, *id));
            (present && active.strikes()).then(|| (active.id.clone(), active.fault.clone()))
        })
    }

    /// `[{"id","hits",…the fault}]`.
    pub(crate) fn list(&self) -> Value {
        let shown = self.active.iter().map(|active| {
            let mut shown = serde_json::to_value(&active.fault).unwrap_or_default();
            shown["id"] = json!(active.id);
            shown["hits"] = json!(active.hits);
            shown
        });
        shown.collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fault, Faults, Target};

    const CALL: Target<'_> =
        Target { method: "POST", path: "/v26.0/1/events", pixel_id: Some("1"), page_id: None, object: None };

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_first_match_wins_until_it_is_used_up() {
        let mut faults = Faults::default();
        faults.add(fault(json!({"match": {"method": "get"}})));
        faults.add(fault(json!({"match": {"pixel_id": "2"}})));
        faults.add(fault(json!({"match": {"path_contains": "/events", "pixel_id": "1"}, "times": 1})));
        faults.add(fault(json!({})));
        let mut strike = || faults.strike(CALL).map(|(id, _)| id);
        assert_eq!([strike(), strike(), strike()].map(Option::unwrap), ["f3", "f4", "f4"]);
        assert_eq!(faults.list()[2]["hits"], 1);
    }

    #[test]
    fn a_spared_call_goes_on_to_the_next_fault() {
        let mut faults = Faults::default();
        faults.add(fault(json!({"probability": 0.3, "seed": 5})));
        faults.add(fault(json!({})));
        let first = (0..1_000).filter(|_| faults.strike(CALL).unwrap().0 == "f1").count();
        assert!((250..350).contains(&first), "{first}");
    }

    #[test]
    fn status_type_and_transience_follow_the_code_unless_given() {
        let shape = |value| {
            let error = fault(value).error().unwrap();
            (error.status, error.code, error.is_transient)
        };
        assert_eq!(shape(json!({"code": 2})), (503, 2, true));
        assert_eq!(shape(json!({"status": 500})), (500, 1, true));
        assert_eq!(shape(json!({"status": 503})), (503, 2, true));
        assert_eq!(shape(json!({"code": 190, "subcode": 463})), (400, 190, false));
        assert_eq!(shape(json!({"code": 613, "is_transient": true, "status": 429})), (429, 613, true));
        assert_eq!(shape(json!({"code": 200})), (403, 200, false));
        assert_eq!(fault(json!({"latency_ms": 5})).error(), None);
        assert_eq!(fault(json!({"wait_minutes": 5})).error(), None);
    }

    #[test]
    fn an_event_fault_strikes_only_requests_that_hold_the_event() {
        let mut faults = Faults::default();
        faults.add(fault(json!({"reject_event": {"event_id": "bad"}, "subcode": 2_804_001})));
        assert!(faults.strike(CALL).is_none());
        assert!(faults.reject(CALL, &[("Lead", Some("good")), ("Lead", None)]).is_none());
        let (_, struck) = faults.reject(CALL, &[("Lead", Some("bad"))]).unwrap();
        assert_eq!(struck.error().map(|e| (e.status, e.code, e.subcode)), Some((400, 100, Some(2_804_001))));
    }

    #[test]
    fn defective_faults_are_named() {
        for value in [
            json!({"probability": 1.5}),
            json!({"status": 99}),
            json!({"latency_ms": 600_001}),
            json!({"headers": {"a b": "c"}}),
            json!({"reject_event": {}}),
        ] {
            assert!(fault(value.clone()).defect().is_some(), "{value}");
        }
        assert!(serde_json::from_value::<Fault>(json!({"cut": "sometimes"})).is_err());
        assert!(serde_json::from_value::<Fault>(json!({"tmes": 1})).is_err());
    }
}
