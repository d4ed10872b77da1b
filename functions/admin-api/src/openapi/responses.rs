//! Schemas of what is answered, derived from the types that are written.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::reference;
use crate::connections::ConnectionView;
use crate::events::ReceiptView;
use crate::keys::{CreatedKeyView, KeyView};
use crate::pixels::PixelView;
use crate::products::SummaryView;
use crate::source_view::SourceView;
use crate::tenants::TenantView;
use crate::test_event::TestEventView;
use crate::verify::VerificationView;

pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    add::<TenantView>(&mut schemas);
    add::<ConnectionView>(&mut schemas);
    add::<VerificationView>(&mut schemas);
    add::<PixelView>(&mut schemas);
    add::<TestEventView>(&mut schemas);
    add::<SourceView>(&mut schemas);
    add::<KeyView>(&mut schemas);
    add::<CreatedKeyView>(&mut schemas);
    add::<ReceiptView>(&mut schemas);
    add::<SummaryView>(&mut schemas);
    for item in ["Tenant", "Connection", "Pixel", "Source", "ApiKey", "Receipt"] {
        schemas.insert(format!("{item}List"), list(item));
    }
    schemas.insert("Problem".to_owned(), problem());
    schemas.insert("FieldError".to_owned(), field_error());
    schemas.insert("Ok".to_owned(), json!({"type": "object", "properties": {"status": {"const": "ok"}}}));
    schemas
        .insert("OpenApi".to_owned(), json!({"type": "object", "description": "An OpenAPI 3.1 document."}));
    schemas
}

pub(super) fn add<T: ToSchema>(schemas: &mut Map<String, Value>) {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        let mut schema = serde_json::to_value(schema).unwrap();
        words_as_enums(&mut schema);
        schemas.insert(name, schema);
    }
}

/// A pattern `^(a|b)$` says that a text is one of some words; OpenAPI has a clearer way.
fn words_as_enums(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let words = object.get("pattern").and_then(Value::as_str);
            let words = words.and_then(|pattern| pattern.strip_prefix("^(")?.strip_suffix(")$"));
            let words: Option<Vec<String>> = words.map(|all| all.split('|').map(str::to_owned).collect());
            if let Some(words) = words {
                object.remove("pattern");
                let mut words = json!(words);
                let or_null = object.get("type").and_then(Value::as_array);
                if let Some(words) = words
                    .as_array_mut()
                    .filter(|_| or_null.is_some_and(|types| types.contains(&json!("null"))))
                {
                    words.push(Value::Null);
                }
                object.insert("enum".to_owned(), words);
            }
            object.values_mut().for_each(words_as_enums);
        }
        Value::Array(values) => values.iter_mut().for_each(words_as_enums),
        _ => {}
    }
}

pub(super) fn list(item: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": {"type": "array", "items": reference(item)},
            "next_cursor": {"type": ["string", "null"], "description": "Where the next page starts; null on the last."},
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string", "description": "Stable; decide by it."},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": reference("FieldError")},
        },
    })
}

fn field_error() -> Value {
    json!({
        "type": "object",
        "required": ["field", "code", "message"],
        "properties": {
            "field": {"type": "string"},
            "code": {"type": "string", "description": "Stable; decide by it."},
            "message": {"type": "string"},
        },
    })
}
