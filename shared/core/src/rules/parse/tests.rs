use serde_json::json;

use super::*;

fn codes(rules: &Value) -> Vec<(String, &'static str)> {
    let errors = parse(rules).err().unwrap_or_default();
    errors.into_iter().map(|error| (error.field, error.code)).collect()
}

fn of_rule(change: &Value) -> Vec<(String, &'static str)> {
    let mut rule = json!({"id": "r", "events": ["a"], "fire": [{"event_name": "Lead"}]});
    for (key, value) in change.as_object().unwrap() {
        rule[key] = value.clone();
    }
    codes(&json!([rule]))
}

#[test]
fn a_rule_with_everything_is_read_as_it_is_stored() {
    let posted = json!([{
        "id": "r", "enabled": true, "sources": ["shop"], "events": ["a", "b"],
        "when": [{"source_has_flag": "b2b"}, {"value": {"at_least": 1, "at_most": 2.5}},
            {"field": {"name": "plan", "equals": true}}, {"person_stage": ["lead", "activated"]},
            {"person_times": {"event_name": "b", "days": 90, "at_least": 0}}],
        "fire": [{"event_name": "Purchase", "value": {"constant": 5}, "currency": {"field": "cur"},
            "custom_data": {"content_ids": {"constant": ["a"]}, "plan": {"field": "plan"}}, "once": {"days": 365}}],
        "pass_through": false, "stage": "customer",
    }]);
    let read = parse(&posted).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), posted);
}

#[test]
fn each_mistake_has_its_place_and_code() {
    for (change, place, code) in [
        (json!({"id": "a b"}), "id", "invalid"),
        (json!({"id": null}), "id", "required"),
        (json!({"enabled": 1}), "enabled", "wrong_type"),
        (json!({"colour": 1}), "colour", "unknown_field"),
        (json!({"jane@example.com": 1}), "jane?example.com", "unknown_field"),
        (json!({"events": []}), "events", "too_few"),
        (json!({"events": ["a", "a"]}), "events", "repeated"),
        (json!({"events": [" a"]}), "events[0]", "invalid"),
        (json!({"sources": "shop"}), "sources", "wrong_type"),
        (json!({"stage": "fan"}), "stage", "invalid"),
        (json!({"fire": []}), "fire", "required"),
        (json!({"when": [{}]}), "when[0]", "invalid"),
        (json!({"when": [{"source_has_flag": "B"}]}), "when[0].source_has_flag", "invalid"),
        (json!({"when": [{"value": {}}]}), "when[0].value.at_least", "required"),
        (
            json!({"when": [{"value": {"at_least": 2, "at_most": 1}}]}),
            "when[0].value.at_most",
            "out_of_range",
        ),
        (json!({"when": [{"value": {"at_least": "2"}}]}), "when[0].value.at_least", "wrong_type"),
        (json!({"when": [{"field": {"name": "a", "equals": []}}]}), "when[0].field.equals", "wrong_type"),
        (
            json!({"when": [{"person_times": {"event_name": "a", "days": 91, "at_least": 1}}]}),
            "when[0].person_times.days",
            "out_of_range",
        ),
        (json!({"when": [{"person_stage": []}]}), "when[0].person_stage", "too_few"),
        (json!({"when": vec![json!({"source_has_flag": "b"}); 11]}), "when", "too_many"),
        (json!({"fire": vec![json!({"event_name": "a"}); 21]}), "fire", "too_many"),
    ] {
        assert_eq!(of_rule(&change), [(format!("rules[0].{place}"), code)], "{change}");
    }
    for (fire, place, code) in [
        (json!({}), "event_name", "required"),
        (json!({"event_name": "a", "value": {}}), "value", "invalid"),
        (json!({"event_name": "a", "value": {"field": "a", "constant": 1}}), "value", "invalid"),
        (json!({"event_name": "a", "value": {"constant": -1}}), "value", "negative"),
        (json!({"event_name": "a", "value": {"constant": "1"}}), "value.constant", "wrong_type"),
        (json!({"event_name": "a", "currency": {"constant": "USDT"}}), "currency.constant", "invalid"),
        (json!({"event_name": "Purchase"}), "value", "required"),
        (json!({"event_name": "a", "once": "ever"}), "once", "invalid"),
        (json!({"event_name": "a", "once": {"days": 0}}), "once.days", "out_of_range"),
        (
            json!({"event_name": "a", "custom_data": {"value": {"constant": 1}}}),
            "custom_data.value",
            "invalid",
        ),
        (
            json!({"event_name": "a", "custom_data": {"content_type": {"constant": "x"}}}),
            "custom_data.content_type",
            "content_type_unknown",
        ),
        (
            json!({"event_name": "a", "custom_data": {"who": {"constant": "jane@example.com"}}}),
            "custom_data.who",
            "personal_data_removed",
        ),
        (
            json!({"event_name": "a", "custom_data": {"x": {"constant": [[[[1]]]]}}}),
            "custom_data.x.constant",
            "too_deep",
        ),
    ] {
        assert_eq!(
            of_rule(&json!({"fire": [fire]})),
            [(format!("rules[0].fire[0].{place}"), code)],
            "{fire}"
        );
    }
}

#[test]
fn a_set_has_its_limits() {
    let rule = |id: &str| json!({"id": id, "events": ["a"], "stage": "lead"});
    let many: Vec<Value> = (0..201).map(|nth| rule(&format!("r{nth}"))).collect();
    assert!(parse(&json!(many[..200])).is_ok());
    assert_eq!(codes(&json!(many)), [("rules".to_owned(), "too_many")]);
    assert_eq!(codes(&json!([rule("r"), rule("r")])), [("rules".to_owned(), "repeated")]);
    assert_eq!(codes(&json!({})), [("rules".to_owned(), "wrong_type")]);
    let long = |nth: usize| {
        json!({"id": format!("r{nth}"), "events": ["a"], "fire": [{"event_name": "b",
        "custom_data": {"x": {"constant": "y".repeat(1_000)}}}]})
    };
    let large: Vec<Value> = (0..70).map(long).collect();
    assert_eq!(codes(&json!(large)), [("rules".to_owned(), "too_large")]);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let posted = json!([{"id": "a b"}, 1, {"id": "ok", "events": ["a"], "fire": [{"event_name": ""}]}]);
    let told = codes(&posted);
    for place in
        ["rules[0].id", "rules[0].events", "rules[0].fire", "rules[1]", "rules[2].fire[0].event_name"]
    {
        assert!(told.iter().any(|(field, _)| field == place), "{place}: {told:?}");
    }
}
