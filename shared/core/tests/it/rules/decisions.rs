//! What matches, and why not.

use adrelay_core::config::Source;
use adrelay_core::ids::{EventName, SourceId};
use adrelay_core::people::Stage;
use adrelay_core::rules::{Because, LeftOut, MAX_FIRED, Missing, Once, Outcome};
use serde_json::{Value, json};

use crate::rules::world::{Somebody, decide, reasons, sent, set, source};

/// A rule of this id for the event `a`, which fires an event of its own name.
fn rule(id: &str, change: &Value) -> Value {
    let mut rule = json!({"id": id, "events": ["a"], "fire": [{"event_name": id}]});
    for (key, value) in change.as_object().unwrap() {
        rule[key] = value.clone();
    }
    rule
}

fn when(conditions: &Value) -> Value {
    json!([rule("R", &json!({"when": conditions}))])
}

#[test]
fn what_no_rule_listens_to_goes_out_as_it_is() {
    let rules = set(&json!([rule("R", &json!({}))]));
    let decision = decide(&rules, &source(&[]), "b", &json!({}), None);
    assert_eq!((sent(&decision, "b"), decision.considered.len()), (vec!["b".to_owned()], 0));
}

#[test]
fn what_fires_replaces_the_trigger_unless_a_rule_passes_it_through() {
    let (plain, passing) = (rule("R", &json!({})), rule("P", &json!({"pass_through": true})));
    let staged = rule("S", &json!({"fire": [], "stage": "lead"}));
    for (rules, expected) in [
        (json!([plain]), vec!["R"]),
        (json!([plain, passing]), vec!["a", "R", "P"]),
        (json!([staged]), vec!["a"]),
        (json!([staged, plain]), vec!["R"]),
    ] {
        assert_eq!(
            sent(&decide(&set(&rules), &source(&[]), "a", &json!({}), None), "a"),
            expected,
            "{rules}"
        );
    }
}

#[test]
fn a_rule_may_fire_the_name_that_it_listens_to() {
    let rules = set(&json!([rule("R", &json!({"fire": [{"event_name": "a", "value": {"constant": 1}}]}))]));
    let decision = decide(&rules, &source(&[]), "a", &json!({"value": 9}), None);
    assert_eq!(sent(&decision, "a"), ["a"]);
    assert_eq!(Value::Object(decision.fired[0].custom_data.clone()), json!({"value": 1, "currency": "EUR"}));
}

#[test]
fn conditions_on_event_and_source() {
    for (conditions, fields, expected) in [
        (json!([{"source_has_flag": "b2b"}]), json!({}), None),
        (json!([{"source_has_flag": "vip"}]), json!({}), Some(Because::FlagAbsent)),
        (json!([{"source_has_not_flag": "b2b"}]), json!({}), Some(Because::FlagPresent)),
        (json!([{"value": {"at_least": 10}}]), json!({"value": 10}), None),
        (json!([{"value": {"at_least": 10}}]), json!({"value": 9.99}), Some(Because::ValueOutOfRange)),
        (json!([{"value": {"at_most": 10}}]), json!({"value": 10.01}), Some(Because::ValueOutOfRange)),
        (json!([{"value": {"at_most": 10}}]), json!({}), Some(Because::ValueAbsent)),
        (json!([{"field": {"name": "plan", "equals": "pro"}}]), json!({"plan": "pro"}), None),
        (json!([{"field": {"name": "seats", "equals": 2}}]), json!({"seats": 2.0}), None),
        (
            json!([{"field": {"name": "seats", "equals": 2}}]),
            json!({"seats": "2"}),
            Some(Because::FieldDiffers),
        ),
        (json!([{"field": {"name": "seats", "equals": 2}}]), json!({}), Some(Because::FieldDiffers)),
        (json!([{"field": {"name": "currency", "equals": "EUR"}}]), json!({}), None),
    ] {
        let decision = decide(&set(&when(&conditions)), &source(&["b2b"]), "a", &fields, None);
        assert_eq!(reasons(&decision).first().copied(), expected, "{conditions} {fields}");
        assert_eq!(decision.send_trigger, expected.is_some());
    }
}

#[test]
fn conditions_on_the_person() {
    let somebody = Somebody::new(&[("b", 2)], Some(Stage::Activated));
    let times = |range: &Value| {
        let mut times = json!({"event_name": "b", "days": 1});
        for (key, value) in range.as_object().unwrap() {
            times[key] = value.clone();
        }
        json!([{"person_times": times}])
    };
    for (conditions, expected) in [
        (times(&json!({"at_least": 2, "at_most": 2})), None),
        (times(&json!({"at_least": 3})), Some(Because::TimesOutOfRange)),
        (times(&json!({"at_most": 1})), Some(Because::TimesOutOfRange)),
        (json!([{"person_stage": ["lead", "activated"]}]), None),
        (json!([{"person_stage": ["lead"]}]), Some(Because::StageDiffers)),
    ] {
        let rules = set(&when(&conditions));
        let decision = decide(&rules, &source(&[]), "a", &json!({}), Some(&somebody));
        assert_eq!(reasons(&decision).first().copied(), expected, "{conditions}");
        let unknown = decide(&rules, &source(&[]), "a", &json!({}), None);
        assert_eq!(
            (reasons(&unknown), sent(&unknown, "a")),
            (vec![Because::NeedsPerson], vec!["a".to_owned()])
        );
    }
}

#[test]
fn what_fires_once_needs_the_person() {
    let rules = set(&json!([rule("R", &json!({"fire": [{"event_name": "Lead", "once": "person"}]}))]));
    assert_eq!(reasons(&decide(&rules, &source(&[]), "a", &json!({}), None)), [Because::NeedsPerson]);
    let somebody = Somebody::new(&[], None);
    let decision = decide(&rules, &source(&[]), "a", &json!({}), Some(&somebody));
    assert_eq!(decision.fired[0].once, Some(Once::Ever));
}

#[test]
fn a_condition_that_fails_is_named_and_the_event_counts_before_the_person() {
    let rules = set(&when(
        &json!([{"source_has_flag": "b2b"}, {"person_stage": ["lead"]}, {"value": {"at_least": 1}}]),
    ));
    let decision = decide(&rules, &source(&["b2b"]), "a", &json!({}), None);
    let outcome = Outcome::NotMatched { because: Because::ValueAbsent, condition: Some(2) };
    assert_eq!(decision.considered[0].outcome, outcome);
    assert_eq!(
        serde_json::to_value(&decision.considered[0]).unwrap(),
        json!({"rule": "R", "outcome": "not_matched", "because": "value_absent", "condition": 2})
    );
}

#[test]
fn rules_that_are_off_or_of_other_sources_do_not_count() {
    let rules =
        set(&json!([rule("Off", &json!({"enabled": false})), rule("Other", &json!({"sources": ["blog"]}))]));
    let (shop, name) = (source(&[]), EventName::parse("a").unwrap());
    let decision = decide(&rules, &shop, "a", &json!({}), None);
    assert_eq!(reasons(&decision), [Because::Disabled, Because::OtherSource]);
    assert!(!rules.names(&shop, &name));
    let blog = Source { id: SourceId::parse("blog").unwrap(), ..shop };
    assert!(rules.names(&blog, &name));
    assert!(!rules.names(&blog, &EventName::parse("b").unwrap()));
}

#[test]
fn features_are_asked_for_only_where_a_rule_asks() {
    let times = json!([{"person_times": {"event_name": "b", "days": 1, "at_least": 1}}]);
    let asks = set(&json!([rule("R", &json!({"when": times})), rule("S", &json!({"events": ["b"]}))]));
    let needs = |name| asks.needs_features(&source(&[]), &EventName::parse(name).unwrap());
    assert_eq!([needs("a"), needs("b"), needs("c")], [true, false, false]);
}

#[test]
fn an_event_carries_what_its_rule_maps_and_nothing_else() {
    let fire = json!({"event_name": "Purchase", "value": {"field": "price"}, "currency": {"field": "money"},
        "custom_data": {"content_ids": {"field": "ids"}, "kind": {"constant": "plan"}, "gone": {"field": "absent"}}});
    let rules = set(&json!([rule("R", &json!({"fire": [{"event_name": "Lead"}, fire]}))]));
    let fields = json!({"price": "5", "money": "usd", "ids": ["a"], "value": 3, "email": "x"});
    let decision = decide(&rules, &source(&[]), "a", &fields, None);
    let expected = json!({"currency": "USD", "content_ids": ["a"], "kind": "plan"});
    assert_eq!(Value::Object(decision.fired[1].custom_data.clone()), expected);
    let left_out = |field: &str, because| LeftOut { fire: 1, field: field.to_owned(), because };
    let expected =
        vec![left_out("custom_data.gone", Missing::FieldAbsent), left_out("value", Missing::WrongType)];
    assert_eq!(decision.considered[0].outcome, Outcome::Matched { left_out: expected });
    assert!(decision.fired[0].custom_data.is_empty());
}

#[test]
fn the_furthest_stage_counts() {
    let rules = set(&json!([rule("R", &json!({"stage": "customer"})), rule("S", &json!({"stage": "lead"}))]));
    assert_eq!(decide(&rules, &source(&[]), "a", &json!({}), None).stage, Some(Stage::Customer));
}

#[test]
fn a_trigger_never_fires_more_than_the_limit() {
    let twelve = json!({"fire": vec![json!({"event_name": "Lead"}); 12]});
    let rules = set(&json!([rule("R", &twelve), rule("S", &twelve), rule("T", &json!({}))]));
    let decision = decide(&rules, &source(&[]), "a", &json!({}), None);
    assert_eq!((decision.fired.len(), reasons(&decision)), (13, vec![Because::TooManyEvents]));
    assert!(decision.fired.len() <= MAX_FIRED);
}
