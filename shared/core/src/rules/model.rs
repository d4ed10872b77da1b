//! A rule as it is stored. What is read from outside goes through [`super::parse()`], which knows the limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::once::Once;
use crate::ids::{EventName, RuleId, SourceId};
use crate::money::Currency;
use crate::people::Stage;

/// A tenant's rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSet {
    /// Counts the sets that the tenant has had; 0: none yet.
    pub version: u64,
    /// ≤ [`super::MAX_RULES`], in the order in which they are looked at.
    pub rules: Vec<Rule>,
}

/// What to fire when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name within the set.
    pub id: RuleId,
    /// Whether it counts.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Whose events; empty: any source's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceId>,
    /// Names of events, ≥ 1.
    pub events: Vec<EventName>,
    /// All of these must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What it fires; may be empty where it has a stage.
    #[serde(default)]
    pub fire: Vec<Fire>,
    /// Whether the event itself goes out as well.
    #[serde(default)]
    pub pass_through: bool,
    /// The lifecycle stage that the event speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

const fn yes() -> bool {
    true
}

/// What must hold: `{"source_has_flag": "b2b"}`, `{"value": {"at_least": 10}}`, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The source has this flag.
    SourceHasFlag(Box<str>),
    /// The source does not have this flag.
    SourceHasNotFlag(Box<str>),
    /// The event has a value, and it lies in this range.
    Value(Range),
    /// A field of the event has this value.
    Field(FieldEquals),
    /// The person did something so often lately.
    PersonTimes(Times),
    /// The person is at one of these stages.
    PersonStage(Vec<Stage>),
}

impl Condition {
    /// Whether nothing but the person can tell.
    #[must_use]
    pub const fn needs_person(&self) -> bool {
        matches!(self, Self::PersonTimes(_) | Self::PersonStage(_))
    }
}

/// Bounds of a value, in the currency of the event, whichever that is. At least one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The least that is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Number>,
    /// The most that is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<Number>,
}

/// A key of `metadata` or `custom_data`, and the text, number or flag that it must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldEquals {
    /// The key.
    pub name: Box<str>,
    /// What it must hold.
    pub equals: Value,
}

/// How often a person's conversions of a name happened within the last days, today included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The name.
    pub event_name: EventName,
    /// UTC days, 1 to 90.
    pub days: u16,
    /// At least so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// At most so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

/// A Meta event to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fire {
    /// Its name.
    pub event_name: EventName,
    /// What it is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Pick<Number>>,
    /// Absent: with a value, the trigger's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Pick<Currency>>,
    /// What else it carries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_data: BTreeMap<Box<str>, Pick<Value>>,
    /// Whether it fires once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Once>,
}

/// Where a value comes from: `{"field": "plan_price"}` or `{"constant": 29.9}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick<T> {
    /// A key of the trigger's `metadata` or `custom_data`. `value` and `currency` are its own, wherever they stand.
    Field(Box<str>),
    /// Always this.
    Constant(T),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_is_read_as_it_was_written() {
        let stored = json!({"version": 3, "rules": [{
            "id": "r", "enabled": false, "sources": ["shop"], "events": ["a"],
            "when": [{"source_has_flag": "b2b"}, {"source_has_not_flag": "old"}, {"value": {"at_least": 10}},
                {"field": {"name": "plan", "equals": "pro"}}, {"person_stage": ["lead"]},
                {"person_times": {"event_name": "b", "days": 7, "at_most": 2}}],
            "fire": [{"event_name": "Purchase", "value": {"field": "price"}, "currency": {"constant": "USD"},
                "custom_data": {"content_name": {"constant": "x"}}, "once": "person"},
                {"event_name": "Lead", "once": {"days": 30}}],
            "pass_through": true, "stage": "customer",
        }]});
        let set: RuleSet = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(serde_json::to_value(&set).unwrap(), stored);
    }

    #[test]
    fn a_rule_counts_unless_it_says_otherwise() {
        let rule: Rule =
            serde_json::from_value(json!({"id": "r", "events": ["a"], "stage": "lead"})).unwrap();
        assert!(rule.enabled && !rule.pass_through && rule.fire.is_empty());
    }
}
