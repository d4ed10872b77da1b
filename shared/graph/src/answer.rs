//! Reading an answer of Meta's, whatever its shape: the body decides before the status does.
//!
//! Sources: Meta's error envelope, as its own Python SDK reads it (an `error` fails whatever the status, and so does
//! `"success": false`), but stricter: an HTML page or any other text is never a success.

use adrelay_core::ports::meta::{Accepted, Failure, MetaError, Verdict};
use serde_json::{Map, Value};

use crate::classify::classify;
use crate::redact::Redactor;

/// The most characters of any text of Meta's that is passed on.
const MAX_TEXT_CHARS: usize = 500;

/// The most `messages` of a success that are passed on.
const MAX_MESSAGES: usize = 20;

/// The most bytes of a trace id; Meta's have 11 to 32.
const MAX_TRACE_BYTES: usize = 100;

/// What came back, as far as judging it needs.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The HTTP status.
    pub(crate) http_status: u16,
    /// The trace id that the headers name.
    pub(crate) header_trace: Option<&'a str>,
    /// The wait that the headers ask of a refused call, in milliseconds; 0 for none.
    pub(crate) wait_at_limit_ms: u64,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The object of a success, or what went wrong.
    pub(crate) fn object(&self, redactor: &Redactor<'_>) -> Result<Map<String, Value>, Failure> {
        let Ok(Value::Object(object)) = serde_json::from_slice(self.body) else {
            return Err(self.without_envelope("answer is not a JSON object"));
        };
        if let Some(error) = object.get("error") {
            let error = self.error(error, redactor);
            let verdict = classify(&error, self.wait_at_limit_ms);
            return Err(Failure { verdict, error });
        }
        if !(200..=299).contains(&self.http_status) {
            return Err(self.without_envelope("answer has a failing status and no error"));
        }
        if object.get("success").is_some_and(|success| flag(success) == Some(false)) {
            let refused = self.without_envelope("answer says success: false");
            return Err(Failure { verdict: Verdict::Retry, ..refused });
        }
        Ok(object)
    }

    /// Meta's yes to events.
    pub(crate) fn accepted(&self, redactor: &Redactor<'_>) -> Result<Accepted, Failure> {
        let object = self.object(redactor)?;
        let received = object.get("events_received").and_then(integer);
        let Some(events_received) = received.and_then(|count| u64::try_from(count).ok()) else {
            return Err(self.without_envelope("answer does not say how many events were received"));
        };
        let messages =
            object.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let readable = |message: &Value| redactor.text(&text(message), MAX_TEXT_CHARS);
        Ok(Accepted {
            events_received,
            fbtrace_id: self.trace(object.get("fbtrace_id")),
            messages: messages.iter().take(MAX_MESSAGES).map(readable).collect(),
        })
    }

    fn error(&self, error: &Value, redactor: &Redactor<'_>) -> MetaError {
        let field = |name: &str| error.get(name);
        let message = match error {
            Value::Object(_) => field("message").map(text).unwrap_or_default(),
            other => text(other),
        };
        MetaError {
            code: field("code").and_then(integer).unwrap_or(0),
            subcode: field("error_subcode").and_then(integer),
            http_status: self.http_status,
            is_transient: field("is_transient").and_then(flag).unwrap_or(false),
            fbtrace_id: self.trace(field("fbtrace_id")),
            message: redactor.text(&message, MAX_TEXT_CHARS),
        }
    }

    /// A failure that only the status tells about.
    pub(crate) fn without_envelope(&self, message: &str) -> Failure {
        let error = MetaError {
            http_status: self.http_status,
            fbtrace_id: self.trace(None),
            message: message.to_owned(),
            ..MetaError::default()
        };
        Failure { verdict: classify(&error, self.wait_at_limit_ms), error }
    }

    fn trace(&self, body: Option<&Value>) -> Option<String> {
        let plausible = |trace: &&str| {
            (1..=MAX_TRACE_BYTES).contains(&trace.len()) && trace.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let trace = body.and_then(Value::as_str).filter(plausible);
        trace.or(self.header_trace.filter(plausible)).map(str::to_owned)
    }
}

/// A whole number, also where it stands in a text or with a fraction of nothing.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let text = format!("{:.0}", number.as_f64().filter(|float| float.fract() == 0.0)?);
            text.parse().ok()
        }),
        _ => None,
    }
}

/// A flag, also where it stands in a text or as a number.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Number(number) => number.as_f64().map(|float| float != 0.0),
        _ => None,
    }
}

/// A text as it is, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The `id` and `name` of an object.
pub(crate) fn id_and_name(
    object: &Map<String, Value>,
    redactor: &Redactor<'_>,
) -> Option<(String, Option<String>)> {
    let readable =
        |value: &Value| Some(redactor.text(&text(value), MAX_TEXT_CHARS)).filter(|text| !text.is_empty());
    let id = object.get("id").and_then(readable)?;
    Some((id, object.get("name").and_then(readable)))
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
