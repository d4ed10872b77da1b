//! Events of a source with flags, and what rules make of them.

use adrelay_core::config::Source;
use adrelay_core::ids::{EventName, SourceId, TenantId};
use adrelay_core::people::{Counted, Features, Stage};
use adrelay_core::rules::{Because, Decision, Outcome, PersonView, RuleSet, Trigger, parse};
use adrelay_core::time::UnixMillis;
use serde_json::{Map, Value};

pub(crate) const NOW_S: i64 = 1_790_000_000;

pub(crate) fn source(flags: &[&str]) -> Source {
    let (tenant, id) = (TenantId::parse("acme").unwrap(), SourceId::parse("shop").unwrap());
    let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
    Source { flags, ..Source::new(tenant, id, "Shop".to_owned(), UnixMillis(0)) }
}

pub(crate) fn set(rules: &Value) -> RuleSet {
    RuleSet { version: 1, rules: parse(rules).unwrap_or_else(|errors| panic!("{errors:?}")) }
}

/// A person who did things, a number of times each, now.
pub(crate) struct Somebody {
    pub(crate) features: Features,
    pub(crate) stage: Option<Stage>,
}

impl Somebody {
    pub(crate) fn new(did: &[(&str, usize)], stage: Option<Stage>) -> Self {
        let mut features = Features::default();
        for (name, times) in did {
            for nth in 0..*times {
                features.count(&Counted {
                    key: format!("{nth:022}").parse().unwrap(),
                    event_name: EventName::parse(name).unwrap(),
                    at_s: NOW_S,
                    money: None,
                });
            }
        }
        Self { features, stage }
    }
}

/// What `rules` make of an event.
pub(crate) fn decide(
    rules: &RuleSet,
    source: &Source,
    event_name: &str,
    fields: &Value,
    person: Option<&Somebody>,
) -> Decision {
    let empty = Map::new();
    let person = person.map(|somebody| PersonView {
        features: &somebody.features,
        stage: somebody.stage,
        now_s: NOW_S,
    });
    let fields = fields.as_object().unwrap_or(&empty);
    rules.decide(&Trigger {
        source,
        event_name: &EventName::parse(event_name).unwrap(),
        value: fields.get("value").and_then(Value::as_number),
        currency: Some("EUR"),
        fields,
        at_s: NOW_S,
        person,
    })
}

/// Names of what is sent, the trigger's as well.
pub(crate) fn sent(decision: &Decision, trigger: &str) -> Vec<String> {
    let trigger = decision.send_trigger.then(|| trigger.to_owned());
    trigger.into_iter().chain(decision.fired.iter().map(|fired| fired.event_name.to_string())).collect()
}

/// Why rules did not match.
pub(crate) fn reasons(decision: &Decision) -> Vec<Because> {
    let because = |outcome: &Outcome| match outcome {
        Outcome::NotMatched { because, .. } => Some(*because),
        Outcome::Matched { .. } => None,
    };
    decision.considered.iter().filter_map(|considered| because(&considered.outcome)).collect()
}
