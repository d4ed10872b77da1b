//! What the document says of rules. `docs/rules.md` is for people.

use serde_json::{Map, Value, json};

use super::operations::{Operation, act, change, get};
use super::reference;
use super::requests::{object, text};
use crate::route::Op;

const TAG: &str = "rules";

const STAGES: [&str; 4] = ["lead", "activated", "customer", "churned"];

/// What the document says of a route.
pub(super) fn describe(op: Op) -> Operation {
    match op {
        Op::GetRules => Operation {
            description: "Version 0 where there are none yet. 404 `rules_unknown` for a version that never was.",
            ..get("getRules", TAG, "Get the rules", &["tenant_id", "version"], "RuleSet")
        },
        Op::ReplaceRules => Operation {
            description: "Names the version that it replaces: 409 `version_conflict` where another is current. Every \
                version is kept. Holds within 60 s.",
            ..change("replaceRules", TAG, "Replace the rules", "NewRuleSet", "RuleSet")
        },
        Op::LoadDefaultRules => Operation {
            description: "409 `rules_exist` where the tenant has rules, unless they are to be replaced.",
            request: Some(("DefaultRules", false)),
            ..act(
                "loadDefaultRules",
                TAG,
                "Load the shipped rules",
                ("200", Some("RuleSet"), "They are the tenant's own now."),
            )
        },
        _ => Operation {
            description: "Nothing is sent, stored or counted. Consent and user_data are not looked at. Without a person, what \
                ingest would do.",
            request: Some(("RuleSample", true)),
            ..act(
                "explainRules",
                TAG,
                "Say what would be sent for a sample event, and what not, and why",
                ("200", Some("RuleExplanation"), "What rules make of it."),
            )
        },
    }
}

pub(super) fn schemas() -> Map<String, Value> {
    let all = [
        ("RuleSet", rule_set()),
        ("NewRuleSet", new_rule_set()),
        ("DefaultRules", default_rules()),
        ("Rule", rule()),
        ("RuleCondition", condition()),
        ("RuleFire", fire()),
        ("RulePick", pick()),
        ("RuleSample", sample()),
        ("RuleExplanation", explanation()),
    ];
    all.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn list(max: usize, items: &Value) -> Value {
    json!({"type": "array", "maxItems": max, "items": items})
}

fn names(max: usize) -> Value {
    list(max, &json!({"type": "string", "minLength": 1, "maxLength": 100}))
}

fn all_rules() -> Value {
    list(200, &reference("Rule"))
}

fn rule_set() -> Value {
    json!({"type": "object", "required": ["tenant_id", "version", "rules", "changed_at", "changed_by"], "properties": {
        "tenant_id": {"type": "string"},
        "version": {"type": "integer", "minimum": 0, "description": "0 where there are none yet."},
        "rules": all_rules(),
        "changed_at": {"type": ["string", "null"], "format": "date-time"},
        "changed_by": {"type": ["string", "null"], "description": "The name of the key that it was put with."}}})
}

fn new_rule_set() -> Value {
    let version = json!({"type": "integer", "minimum": 0,
        "description": "The version that it replaces; 0 for the first set."});
    object(&json!({"version": version, "rules": all_rules()}), &["version", "rules"])
}

fn default_rules() -> Value {
    let replace =
        json!({"type": "boolean", "default": false, "description": "Whether to replace the tenant's rules."});
    object(&json!({"replace": replace}), &[])
}

fn rule() -> Value {
    let stage = json!({"type": "string", "enum": STAGES, "description": "The lifecycle stage that the event speaks for."});
    let fields = json!({
        "id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": "Its name within the set."},
        "enabled": {"type": "boolean", "default": true},
        "sources": list(100, &json!({"type": "string"})),
        "events": names(50),
        "when": list(10, &reference("RuleCondition")),
        "fire": list(20, &reference("RuleFire")),
        "pass_through": {"type": "boolean", "default": false, "description": "Whether the event itself goes out as well."},
        "stage": stage,
    });
    let mut rule = object(&fields, &["id", "events"]);
    rule["description"] =
        json!("Where all of `when` holds, `fire` replaces the event. It fires something or has a stage.");
    rule
}

fn condition() -> Value {
    let one = |name: &str, schema: &Value| object(&json!({name: schema}), &[name]);
    let number = json!({"type": "number"});
    let count = json!({"type": "integer", "minimum": 0});
    let equals = json!({"type": ["string", "number", "boolean"]});
    let days = json!({"type": "integer", "minimum": 1, "maximum": 90});
    let times =
        json!({"event_name": text(100, "What they did."), "days": days, "at_least": count, "at_most": count});
    json!({"oneOf": [
        one("source_has_flag", &text(50, "The source has this flag.")),
        one("source_has_not_flag", &text(50, "The source does not have this flag.")),
        one("value", &object(&json!({"at_least": number, "at_most": number}), &[])),
        one("field", &object(&json!({"name": text(100, "A key of metadata or custom_data."), "equals": equals}), &["name", "equals"])),
        one("person_times", &object(&times, &["event_name", "days"])),
        one("person_stage", &json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": STAGES}})),
    ]})
}

fn fire() -> Value {
    let period = object(&json!({"days": {"type": "integer", "minimum": 1, "maximum": 365}}), &["days"]);
    let fields = json!({
        "event_name": text(100, "The name that Meta gets."),
        "value": reference("RulePick"),
        "currency": reference("RulePick"),
        "custom_data": {"type": "object", "maxProperties": 30, "additionalProperties": reference("RulePick")},
        "once": {"oneOf": [{"const": "person"}, period], "description": "Once a person, or once a person and period."},
    });
    object(&fields, &["event_name"])
}

fn pick() -> Value {
    json!({"oneOf": [
        object(&json!({"field": text(100, "A key of metadata or custom_data.")}), &["field"]),
        object(&json!({"constant": {"description": "Always this."}}), &["constant"]),
    ]})
}

fn sample() -> Value {
    let any = |description: &str| json!({"type": "object", "additionalProperties": true, "description": description});
    let event = object(
        &json!({
            "event_name": text(100, "Its name."), "event_id": text(256, "`sample` where absent."),
            "value": {"type": "number"}, "currency": {"type": "string"},
            "metadata": any("Of a conversion."), "custom_data": any("Of an event as ingest takes it."),
        }),
        &["event_name"],
    );
    let person = object(
        &json!({
            "stage": {"type": "string", "enum": STAGES},
            "times": {"type": "object", "maxProperties": 50, "additionalProperties": {"type": "integer", "minimum": 0},
                "description": "How often they did what, as of today."},
        }),
        &[],
    );
    let mut rules = all_rules();
    rules["description"] = json!("A draft; the tenant's rules where absent.");
    let fields =
        json!({"source_id": text(64, "Whose event."), "event": event, "person": person, "rules": rules});
    object(&fields, &["source_id", "event"])
}

fn explanation() -> Value {
    let reasons = json!({"type": "array", "items": {"type": "object", "required": ["code"], "properties": {
        "field": {"type": "string"}, "code": {"type": "string", "description": "Stable; decide by it."}}}});
    let named = |more: &Value| {
        let mut properties = json!({"event_name": {"type": "string"}, "event_id": {"type": "string"}, "rule": {"type": "string"}});
        for (name, schema) in more.as_object().unwrap() {
            properties[name] = schema.clone();
        }
        json!({"type": "array", "items": {"type": "object", "properties": properties}})
    };
    let sent =
        json!({"custom_data": {"type": "object"}, "pixels": names(20), "once": {}, "warnings": reasons});
    json!({"type": "object", "required": ["would_send", "would_not_send", "stage", "considered"], "properties": {
        "version": {"type": "integer", "description": "Absent for a draft, and where there are no rules."},
        "would_send": named(&sent),
        "would_not_send": named(&json!({"reasons": reasons})),
        "stage": {"type": ["string", "null"], "enum": ["lead", "activated", "customer", "churned", null]},
        "considered": {"type": "array", "items": {"type": "object", "required": ["rule", "outcome"], "properties": {
            "rule": {"type": "string"},
            "outcome": {"type": "string", "enum": ["matched", "not_matched"]},
            "because": {"type": "string"},
            "condition": {"type": "integer", "description": "Its place in `when`."},
            "left_out": {"type": "array", "items": {"type": "object"}}}}}}})
}
