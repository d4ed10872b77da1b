//! Reads what is said of a person: strictly, as nothing that somebody types in by hand should be left out silently.

use adrelay_core::normalize::Country;
use adrelay_core::people::{Consent, Identity, MAX_VALUES, Provider, Stage};
use adrelay_lambda::problem::{FieldError, Problem};
use serde_json::{Map, Value};

use crate::fields::{Wrong, invalid};

/// Properties of a person.
pub(crate) const MAX_PROPERTIES: usize = 64;

/// Bytes of all properties as JSON.
pub(crate) const MAX_PROPERTIES_BYTES: usize = 16 * 1024;

/// Levels of objects and arrays in the properties, themselves included.
pub(crate) const MAX_PROPERTIES_DEPTH: usize = 4;

/// Bytes of a property's name.
const MAX_PROPERTY_NAME: usize = 128;

/// What a person may be said to allow.
pub(super) const CONSENTS: &[(&str, Consent)] = &[("granted", Consent::Granted), ("denied", Consent::Denied)];

/// Stages that a person may be said to have come to.
pub(super) const STAGES: &[(&str, Stage)] = &[
    (Stage::Lead.as_str(), Stage::Lead),
    (Stage::Activated.as_str(), Stage::Activated),
    (Stage::Customer.as_str(), Stage::Customer),
    (Stage::Churned.as_str(), Stage::Churned),
];

/// What completes an identity: who gives out a bare `external_id`, and the country of national phone numbers.
#[derive(Debug, Default)]
pub(super) struct Home {
    pub(super) provider: Option<Provider>,
    pub(super) country: Option<Country>,
}

/// Any object.
pub(super) fn object(value: &Value) -> Result<Map<String, Value>, Wrong> {
    value.as_object().cloned().ok_or_else(|| Wrong::new("wrong_type", "must be an object"))
}

/// An identity in which everything can be read.
///
/// # Errors
/// 422 that names each wrong field, never a value.
pub(super) fn identity(object: &Map<String, Value>, home: &Home) -> Result<Identity, Problem> {
    let mut errors: Vec<FieldError> = Vec::new();
    let bare = object.get("external_id").is_some_and(|id| !id.is_null()) && !object.contains_key("provider");
    if bare && home.provider.is_none() {
        errors.push(wrong("identity.provider", "required", "say whose id external_id is"));
    }
    for field in ["email", "em", "phone", "ph", "external_id"] {
        if object.get(field).and_then(Value::as_array).is_some_and(|values| values.len() > MAX_VALUES) {
            let message = format!("at most {MAX_VALUES} values");
            errors.push(wrong(&format!("identity.{field}"), "too_many_values", message));
        }
    }
    // Stands in where there is no other one; what is read with it is refused above.
    let stand_in = Provider::parse("unknown").ok_or_else(Problem::internal)?;
    let provider = home.provider.as_ref().unwrap_or(&stand_in);
    let (identity, refused) = Identity::read(object, provider, home.country);
    errors.extend(refused.into_iter().map(|error| wrong(&error.field, error.code, "can't be read")));
    invalid(errors)?;
    Ok(identity)
}

fn wrong(field: &str, code: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: field.to_owned(), code: code.to_owned(), message: message.into() }
}

/// Properties within their bounds. `null` values stand for properties that are to go.
pub(super) fn properties(value: &Value) -> Result<Map<String, Value>, Wrong> {
    let properties = object(value)?;
    check_properties(&properties)?;
    Ok(properties)
}

/// Puts `patch` over `properties`: value by value, `null` removes one.
pub(super) fn patched(
    properties: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, Wrong> {
    let mut patched = properties.clone();
    for (name, value) in patch {
        if value.is_null() {
            patched.remove(name);
        } else {
            patched.insert(name.clone(), value.clone());
        }
    }
    check_properties(&patched)?;
    Ok(patched)
}

fn check_properties(properties: &Map<String, Value>) -> Result<(), Wrong> {
    if properties.len() > MAX_PROPERTIES {
        return Err(Wrong::new("too_many", format!("at most {MAX_PROPERTIES} properties")));
    }
    let nameable =
        |name: &String| (1..=MAX_PROPERTY_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    if !properties.keys().all(nameable) {
        let message = format!("names have 1 to {MAX_PROPERTY_NAME} bytes, no control characters");
        return Err(Wrong::new("invalid", message));
    }
    if 1 + properties.values().map(depth).max().unwrap_or_default() > MAX_PROPERTIES_DEPTH {
        return Err(Wrong::new("too_deep", format!("at most {MAX_PROPERTIES_DEPTH} levels")));
    }
    let bytes = serde_json::to_string(properties).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_PROPERTIES_BYTES {
        return Err(Wrong::new("too_large", format!("at most {MAX_PROPERTIES_BYTES} bytes of JSON")));
    }
    Ok(())
}

/// Levels of objects and arrays. The parser of bodies bounds them, too.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(result: Result<impl Sized, Wrong>) -> &'static str {
        result.map_or_else(|wrong| wrong.code, |_| "")
    }

    #[test]
    fn properties_have_bounds_in_every_direction() {
        assert_eq!(code(properties(&json!({"a": {"b": {"c": [] }}}))), "");
        assert_eq!(code(properties(&json!({"a": {"b": {"c": [{}] }}}))), "too_deep");
        assert_eq!(code(properties(&json!([]))), "wrong_type");
        assert_eq!(code(properties(&json!({"": 1}))), "invalid");
        assert_eq!(code(properties(&json!({"a": "x".repeat(MAX_PROPERTIES_BYTES)}))), "too_large");
        let many: Map<String, Value> = (0..=64).map(|nth| (nth.to_string(), json!(1))).collect();
        assert_eq!(code(properties(&Value::Object(many))), "too_many");
    }

    #[test]
    fn bounds_hold_for_what_a_patch_makes_of_the_properties() {
        let full: Map<String, Value> = (0..64).map(|nth| (nth.to_string(), json!(1))).collect();
        let patch = |value: Value| patched(&full, value.as_object().unwrap());
        assert_eq!(code(patch(json!({"new": 1}))), "too_many");
        let swapped = patch(json!({"new": 1, "0": null, "1": 2})).unwrap();
        assert_eq!((swapped.len(), swapped.get("0"), &swapped["1"]), (64, None, &json!(2)));
    }

    #[test]
    fn everything_wrong_with_an_identity_is_named_and_nothing_of_it_quoted() {
        let object = json!({"email": "nobody", "phone": vec!["+16505551212"; 9], "external_id": "u1", "jane@example.com": 1});
        let problem = identity(object.as_object().unwrap(), &Home::default()).unwrap_err();
        let mut named: Vec<(&str, &str)> =
            problem.errors.iter().map(|error| (error.field.as_str(), error.code.as_str())).collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                ("identity", "unknown_field"),
                ("identity.email", "not_an_email"),
                ("identity.phone", "too_many_values"),
                ("identity.provider", "required"),
            ]
        );
        assert!(!problem.body().contains("jane") && !problem.body().contains("nobody"));
    }
}
