//! Rules as people post them: every limit, and everything that is wrong at once.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::model::{Condition, FieldEquals, Fire, Pick, Range, Rule, Times};
use super::once::Once;
use super::reader::{Fields, Reader, RuleError};
use crate::event::limits::MAX_FIELD_DEPTH;
use crate::event::{names, preview_custom_data};
use crate::money::Currency;
use crate::people::{FEATURE_DAYS, Stage};

/// Rules of a tenant.
pub const MAX_RULES: usize = 200;

/// Bytes of a tenant's rules as JSON.
pub const MAX_RULES_BYTES: usize = 64 * 1024;

/// Sources that a rule names.
pub const MAX_SOURCES: usize = 100;

/// Names of events that a rule listens to.
pub const MAX_EVENT_NAMES: usize = 50;

/// Conditions of a rule.
pub const MAX_CONDITIONS: usize = 10;

/// Events that a rule fires.
pub const MAX_FIRES: usize = 20;

/// Keys of custom_data that a fired event maps.
pub const MAX_MAPPED: usize = 30;

const MAX_KEY_BYTES: usize = 100;
const MAX_FLAG_BYTES: usize = 50;
const MAX_ONCE_DAYS: u64 = 365;
const MAX_TIMES: u64 = 1_000_000;

/// Reads a list of rules.
///
/// # Errors
/// All that is wrong with it (≤ 50), with places that begin with `rules`.
pub fn parse(rules: &Value) -> Result<Vec<Rule>, Vec<RuleError>> {
    const ROOT: &str = "rules";
    let mut reader = Reader::default();
    // A few thousand rules are read before their size is looked at: what brings them in is bounded itself.
    let read = reader.list(rules, ROOT, 0..=MAX_RULES, rule).unwrap_or_default();
    for (nth, rule) in read.iter().enumerate() {
        if read[..nth].iter().any(|before| before.id == rule.id) {
            reader.wrong(ROOT, "repeated", format!("two rules have the id {}", rule.id));
        }
    }
    if serde_json::to_vec(&read).map_or(0, |json| json.len()) > MAX_RULES_BYTES {
        reader.wrong(ROOT, "too_large", format!("at most {MAX_RULES_BYTES} bytes of JSON"));
    }
    if reader.errors.is_empty() { Ok(read) } else { Err(reader.errors) }
}

fn rule(reader: &mut Reader, value: &Value, path: &str) -> Option<Rule> {
    const FIELDS: &[&str] = &["id", "enabled", "sources", "events", "when", "fire", "pass_through", "stage"];
    let fields = reader.object(value, path, FIELDS)?;
    let id = reader.required(&fields, "id", Reader::id);
    let enabled = reader.optional(&fields, "enabled", Reader::boolean);
    let sources = reader.optional(&fields, "sources", |reader, value, path| {
        reader.set(value, path, 0..=MAX_SOURCES, Reader::id)
    });
    let events = reader.required(&fields, "events", |reader, value, path| {
        reader.set(value, path, 1..=MAX_EVENT_NAMES, Reader::id)
    });
    let when = reader.optional(&fields, "when", |reader, value, path| {
        reader.list(value, path, 0..=MAX_CONDITIONS, condition)
    });
    let fires =
        reader.optional(&fields, "fire", |reader, value, path| reader.list(value, path, 0..=MAX_FIRES, fire));
    let pass_through = reader.optional(&fields, "pass_through", Reader::boolean);
    let stage_read = reader.optional(&fields, "stage", stage);
    let has = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
    if !has("stage")
        && value.get("fire").is_none_or(|fire| fire.is_null() || *fire == Value::Array(Vec::new()))
    {
        reader.wrong(&fields.path("fire"), "required", "a rule fires something or has a stage");
    }
    Some(Rule {
        id: id?,
        enabled: enabled.unwrap_or(true),
        sources: sources.unwrap_or_default(),
        events: events?,
        when: when.unwrap_or_default(),
        fire: fires.unwrap_or_default(),
        pass_through: pass_through.unwrap_or(false),
        stage: stage_read,
    })
}

fn stage(reader: &mut Reader, value: &Value, path: &str) -> Option<Stage> {
    let text = reader.text(value, path)?;
    let found = Stage::ALL.into_iter().find(|stage| stage.as_str() == text);
    if found.is_none() {
        reader.wrong(path, "invalid", "must be one of lead, activated, customer, churned");
    }
    found
}

fn condition(reader: &mut Reader, value: &Value, path: &str) -> Option<Condition> {
    const KINDS: &[&str] =
        &["source_has_flag", "source_has_not_flag", "value", "field", "person_times", "person_stage"];
    let fields = reader.object(value, path, KINDS)?;
    if value.as_object().is_none_or(|map| map.len() != 1) {
        reader.wrong(path, "invalid", format!("exactly one of {}", KINDS.join(", ")));
        return None;
    }
    let stages =
        |reader: &mut Reader, value, path: &str| reader.set(value, path, 1..=Stage::ALL.len(), stage);
    None.or_else(|| reader.optional(&fields, "source_has_flag", flag).map(Condition::SourceHasFlag))
        .or_else(|| reader.optional(&fields, "source_has_not_flag", flag).map(Condition::SourceHasNotFlag))
        .or_else(|| reader.optional(&fields, "value", range).map(Condition::Value))
        .or_else(|| reader.optional(&fields, "field", field_equals).map(Condition::Field))
        .or_else(|| reader.optional(&fields, "person_times", times).map(Condition::PersonTimes))
        .or_else(|| reader.optional(&fields, "person_stage", stages).map(Condition::PersonStage))
}

fn flag(reader: &mut Reader, value: &Value, path: &str) -> Option<Box<str>> {
    let text = reader.text(value, path)?;
    let ok = (1..=MAX_FLAG_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if !ok {
        reader.wrong(path, "invalid", "1 to 50 of a-z 0-9 - _");
    }
    ok.then(|| text.into())
}

fn number(reader: &mut Reader, value: &Value, path: &str) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        _ => {
            reader.wrong(path, "wrong_type", "must be a number");
            None
        }
    }
}

/// At least one bound, and the lower one not above the upper one.
fn bounds<T>(
    reader: &mut Reader,
    fields: &Fields<'_>,
    rule: impl Fn(&mut Reader, &Value, &str) -> Option<T>,
    above: impl Fn(&T, &T) -> bool,
) -> (Option<T>, Option<T>) {
    let before = reader.errors.len();
    let least = reader.optional(fields, "at_least", &rule);
    let most = reader.optional(fields, "at_most", &rule);
    match (&least, &most) {
        (None, None) if reader.errors.len() == before => {
            reader.wrong(&fields.path("at_least"), "required", "at_least, at_most, or both");
        }
        (Some(least), Some(most)) if above(least, most) => {
            reader.wrong(&fields.path("at_most"), "out_of_range", "at_most is below at_least");
        }
        _ => {}
    }
    (least, most)
}

fn range(reader: &mut Reader, value: &Value, path: &str) -> Option<Range> {
    let fields = reader.object(value, path, &["at_least", "at_most"])?;
    let (at_least, at_most) =
        bounds(reader, &fields, number, |least: &Number, most: &Number| least.as_f64() > most.as_f64());
    Some(Range { at_least, at_most })
}

fn times(reader: &mut Reader, value: &Value, path: &str) -> Option<Times> {
    let fields = reader.object(value, path, &["event_name", "days", "at_least", "at_most"])?;
    let event_name = reader.required(&fields, "event_name", Reader::id);
    let most_days = u64::try_from(FEATURE_DAYS).unwrap_or(1);
    let days =
        reader.required(&fields, "days", |reader, value, path| reader.whole(value, path, 1..=most_days));
    let count = |reader: &mut Reader, value: &Value, path: &str| reader.whole(value, path, 0..=MAX_TIMES);
    let (at_least, at_most) = bounds(reader, &fields, count, |least: &u64, most: &u64| least > most);
    Some(Times { event_name: event_name?, days: u16::try_from(days?).ok()?, at_least, at_most })
}

fn field_equals(reader: &mut Reader, value: &Value, path: &str) -> Option<FieldEquals> {
    let fields = reader.object(value, path, &["name", "equals"])?;
    let name = reader.required(&fields, "name", field_name);
    let equals = reader.required(&fields, "equals", |reader, value, path| {
        if value.is_array() || value.is_object() {
            reader.wrong(path, "wrong_type", "must be a text, a number, true or false");
        }
        Some(value.clone())
    });
    Some(FieldEquals { name: name?, equals: equals? })
}

fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn field_name(reader: &mut Reader, value: &Value, path: &str) -> Option<Box<str>> {
    let text = reader.text(value, path)?;
    if !is_key(text) {
        reader.wrong(path, "invalid", "1 to 100 bytes, without control characters");
        return None;
    }
    Some(text.into())
}

fn fire(reader: &mut Reader, value: &Value, path: &str) -> Option<Fire> {
    let fields = reader.object(value, path, &["event_name", "value", "currency", "custom_data", "once"])?;
    let event_name = reader.required(&fields, "event_name", Reader::id);
    let worth = reader.optional(&fields, "value", |reader, value, path| pick(reader, value, path, number));
    let currency =
        reader.optional(&fields, "currency", |reader, value, path| pick(reader, value, path, currency_code));
    let custom_data = reader.optional(&fields, "custom_data", |reader, value, path| {
        reader.entries(value, path, MAX_MAPPED, mapping)
    });
    let once = reader.optional(&fields, "once", once);
    let fire = Fire {
        event_name: event_name?,
        value: worth,
        currency,
        custom_data: custom_data.unwrap_or_default().into_iter().collect::<BTreeMap<_, _>>(),
        once,
    };
    if fire.event_name.as_str() == names::PURCHASE && value.get("value").is_none_or(Value::is_null) {
        reader.wrong(&fields.path("value"), "required", "Meta refuses a Purchase without a value");
    }
    constants(reader, &fire, &fields);
    Some(fire)
}

/// What is in every event that fires must be in order in each of them: better told now than with each event.
fn constants(reader: &mut Reader, fire: &Fire, fields: &Fields<'_>) {
    let mut data: Map<String, Value> = fire
        .custom_data
        .iter()
        .filter_map(|(key, pick)| Some((key.to_string(), pick.constant()?.clone())))
        .collect();
    if let Some(value) = fire.value.as_ref().and_then(Pick::constant) {
        data.insert("value".to_owned(), Value::Number(value.clone()));
    }
    let preview = preview_custom_data(None, &data);
    for refusal in &preview.refusals {
        let place = if refusal.field == "custom_data.value" { "value" } else { &refusal.field };
        reader.wrong(&fields.path(place), refusal.code.code(), refusal.message);
    }
    for warning in &preview.warnings {
        reader.wrong(&fields.path(&warning.field), warning.code, "would be changed in each event");
    }
}

impl<T> Pick<T> {
    const fn constant(&self) -> Option<&T> {
        match self {
            Self::Constant(value) => Some(value),
            Self::Field(_) => None,
        }
    }
}

fn currency_code(reader: &mut Reader, value: &Value, path: &str) -> Option<Currency> {
    let currency = Currency::parse(reader.text(value, path)?);
    if currency.is_none() {
        reader.wrong(path, "invalid", "not an active ISO 4217 code");
    }
    currency
}

fn mapping(reader: &mut Reader, key: &str, value: &Value, path: &str) -> Option<(Box<str>, Pick<Value>)> {
    if matches!(key, "value" | "currency") {
        reader.wrong(path, "invalid", "value and currency stand beside custom_data");
        return None;
    }
    if !is_key(key) {
        reader.wrong(path, "invalid", "keys have 1 to 100 bytes, without control characters");
        return None;
    }
    let any = |reader: &mut Reader, value: &Value, path: &str| {
        if depth(value) >= MAX_FIELD_DEPTH {
            reader.wrong(path, "too_deep", "more nested objects and arrays than the limit");
            return None;
        }
        Some(value.clone())
    };
    Some((key.into(), pick(reader, value, path, any)?))
}

/// Levels of objects and arrays. Ends: serde_json reads no deeper than 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn pick<T>(
    reader: &mut Reader,
    value: &Value,
    path: &str,
    constant: impl FnOnce(&mut Reader, &Value, &str) -> Option<T>,
) -> Option<Pick<T>> {
    let fields = reader.object(value, path, &["field", "constant"])?;
    let present = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
    if present("field") == present("constant") {
        reader.wrong(path, "invalid", r#"either {"field": …} or {"constant": …}"#);
        return None;
    }
    let field = reader.optional(&fields, "field", field_name).map(Pick::Field);
    field.or_else(|| reader.optional(&fields, "constant", constant).map(Pick::Constant))
}

fn once(reader: &mut Reader, value: &Value, path: &str) -> Option<Once> {
    if value == "person" {
        return Some(Once::Ever);
    }
    if value.is_string() {
        reader.wrong(path, "invalid", r#""person" or {"days": 1 to 365}"#);
        return None;
    }
    let fields = reader.object(value, path, &["days"])?;
    let days =
        reader.required(&fields, "days", |reader, value, path| reader.whole(value, path, 1..=MAX_ONCE_DAYS));
    days.and_then(|days| u16::try_from(days).ok()).map(Once::Days)
}

#[cfg(test)]
mod tests {
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
}
