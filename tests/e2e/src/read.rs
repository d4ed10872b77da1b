//! Reads fields of answers: one that is missing is an error, never nothing or none.

use anyhow::Context as _;
use serde_json::Value;

/// A list.
///
/// # Errors
/// Where there is none.
pub fn list<'a>(body: &'a Value, field: &str) -> anyhow::Result<&'a [Value]> {
    body[field].as_array().map(Vec::as_slice).with_context(|| format!("no list {field} in {body}"))
}

/// A whole number from 0 on.
///
/// # Errors
/// Where there is none.
pub fn number(body: &Value, field: &str) -> anyhow::Result<u64> {
    body[field].as_u64().with_context(|| format!("no number {field} in {body}"))
}

/// A text.
///
/// # Errors
/// Where there is none.
pub fn text<'a>(body: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    body[field].as_str().with_context(|| format!("no text {field} in {body}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{list, number, text};

    #[test]
    fn a_missing_field_is_an_error() {
        let body = json!({"events": null, "total": "0"});
        assert!(list(&body, "events").is_err() && list(&body, "calls").is_err());
        assert!(number(&body, "total").is_err() && number(&body, "sum").is_err());
        assert!(text(&body, "events").is_err() && text(&body, "id").is_err());
    }

    #[test]
    fn what_is_empty_or_zero_is_read_as_that() {
        let body = json!({"events": [], "total": 0, "id": ""});
        assert!(list(&body, "events").unwrap().is_empty());
        assert_eq!((number(&body, "total").unwrap(), text(&body, "id").unwrap()), (0, ""));
    }
}
