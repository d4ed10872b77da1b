//! What Meta demands of one event. The first event at fault refuses the whole request.

use serde_json::{Map, Value};

use crate::graph_error::GraphError;
use crate::switches::Switches;
use crate::user_data::{self, is_present};

const DAY_S: i64 = 86_400;
/// Age that an event may have when it is uploaded.
const MAX_AGE_DAYS: i64 = 7;
/// The same for `action_source=physical_store`.
const MAX_STORE_AGE_DAYS: i64 = 62;

const ACTION_SOURCES: [&str; 9] = [
    "email",
    "website",
    "app",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
];

/// Optional fields and their types.
const OPTIONAL: [(&str, Kind); 12] = [
    ("event_id", Kind::Text),
    ("event_source_url", Kind::Text),
    ("referrer_url", Kind::Text),
    ("messaging_channel", Kind::Text),
    ("advanced_measurement_table", Kind::Text),
    ("opt_out", Kind::Bool),
    ("custom_data", Kind::Object),
    ("app_data", Kind::Object),
    ("original_event_data", Kind::Object),
    ("attribution_data", Kind::Object),
    ("data_processing_options_country", Kind::Integer),
    ("data_processing_options_state", Kind::Integer),
];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bool,
    Integer,
    Object,
}

/// An event that Meta takes.
#[derive(Debug, PartialEq)]
pub(crate) struct Checked {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    /// Unix seconds.
    pub(crate) time: i64,
    pub(crate) flags: Vec<String>,
}

/// Checks one event at unix second `now_s`. A field that is null counts as absent.
pub(crate) fn check(
    event: &Map<String, Value>,
    now_s: i64,
    switches: &Switches,
) -> Result<Checked, GraphError> {
    let name = required_text(event, "event_name")?;
    let action_source = required_text(event, "action_source")?;
    if !ACTION_SOURCES.contains(&action_source) {
        return Err(GraphError::wrong("action_source", &format!("one of {{{}}}", ACTION_SOURCES.join(", "))));
    }
    let time = check_time(event, action_source, now_s, switches)?;
    for (field, kind) in OPTIONAL {
        check_kind(event, field, kind)?;
    }
    check_processing_options(event)?;
    let user_data = match present(event, "user_data") {
        Some(Value::Object(user_data)) => user_data,
        Some(_) => return Err(GraphError::wrong("user_data", "an object")),
        None => return Err(GraphError::missing("user_data")),
    };
    let flags = user_data::check(user_data)?;
    check_money(event, name, switches)?;
    if switches.enforce_action_source_fields {
        check_action_source_fields(event, user_data, action_source)?;
    }
    let id =
        present(event, "event_id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(Checked { name: name.to_owned(), id, time, flags })
}

fn present<'a>(event: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    event.get(field).filter(|value| !value.is_null())
}

fn required_text<'a>(event: &'a Map<String, Value>, field: &str) -> Result<&'a str, GraphError> {
    match present(event, field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(Value::String(_)) | None => Err(GraphError::missing(field)),
        Some(_) => Err(GraphError::wrong(field, "a string")),
    }
}

fn check_time(
    event: &Map<String, Value>,
    action_source: &str,
    now_s: i64,
    switches: &Switches,
) -> Result<i64, GraphError> {
    let wanted = || GraphError::wrong("event_time", "an integer");
    let time = match present(event, "event_time") {
        Some(Value::String(text)) if switches.numeric_strings => text.parse().map_err(|_| wanted())?,
        Some(value) => value.as_i64().ok_or_else(wanted)?,
        None => return Err(GraphError::missing("event_time")),
    };
    let days = if action_source == "physical_store" { MAX_STORE_AGE_DAYS } else { MAX_AGE_DAYS };
    if now_s.saturating_sub(time) > days * DAY_S {
        return Err(GraphError::too_old(days));
    }
    match switches.refuse_future_after_s {
        Some(tolerance_s) if time.saturating_sub(now_s) > i64::from(tolerance_s) => {
            Err(GraphError::wrong("event_time", "in the past"))
        }
        _ => Ok(time),
    }
}

fn check_kind(event: &Map<String, Value>, field: &str, kind: Kind) -> Result<(), GraphError> {
    let Some(value) = present(event, field) else { return Ok(()) };
    let (fits, wanted) = match kind {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Bool => (value.is_boolean(), "a boolean"),
        Kind::Integer => (value.is_i64(), "an integer"),
        Kind::Object => (value.is_object(), "an object"),
    };
    if fits { Ok(()) } else { Err(GraphError::wrong(field, wanted)) }
}

fn check_processing_options(event: &Map<String, Value>) -> Result<(), GraphError> {
    match present(event, "data_processing_options") {
        None => Ok(()),
        Some(Value::Array(options)) if options.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(GraphError::wrong("data_processing_options", "a list of strings")),
    }
}

/// `value` and `currency` wherever they stand, and both for a Purchase. Any case of letters is a currency.
fn check_money(event: &Map<String, Value>, name: &str, switches: &Switches) -> Result<(), GraphError> {
    let custom_data = present(event, "custom_data");
    let field = |key: &str| custom_data.and_then(|data| data.get(key)).filter(|value| !value.is_null());
    match field("value") {
        Some(Value::Number(_)) => {}
        Some(Value::String(text)) if switches.numeric_strings && text.parse::<f64>().is_ok() => {}
        Some(_) => return Err(GraphError::wrong("custom_data['value']", "a number")),
        None if name == "Purchase" => return Err(GraphError::missing("custom_data['value']")),
        None => {}
    }
    match field("currency") {
        Some(Value::String(code)) if code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Ok(())
        }
        Some(_) => Err(GraphError::wrong("custom_data['currency']", "an ISO 4217 code")),
        None if name == "Purchase" => Err(GraphError::missing("custom_data['currency']")),
        None => Ok(()),
    }
}

/// What the documentation asks for and the server was seen to forgive; behind a switch for that reason.
fn check_action_source_fields(
    event: &Map<String, Value>,
    user_data: &Map<String, Value>,
    action_source: &str,
) -> Result<(), GraphError> {
    let in_user_data = |key: &str| user_data.get(key).is_some_and(is_present);
    let need = |fits: bool, field: &str| if fits { Ok(()) } else { Err(GraphError::missing(field)) };
    match action_source {
        "website" => {
            need(in_user_data("client_user_agent"), "user_data['client_user_agent']")?;
            need(event.get("event_source_url").is_some_and(is_present), "event_source_url")
        }
        "app" => {
            let app_data = event.get("app_data");
            ["advertiser_tracking_enabled", "application_tracking_enabled", "extinfo"].iter().try_for_each(
                |key| {
                    let value = app_data.and_then(|data| data.get(key));
                    need(value.is_some_and(is_present), &format!("app_data['{key}']"))
                },
            )
        }
        "business_messaging" => {
            need(event.get("messaging_channel").is_some_and(is_present), "messaging_channel")?;
            let named = (in_user_data("ctwa_clid") && in_user_data("page_id"))
                || in_user_data("page_scoped_user_id")
                || (in_user_data("ig_sid") && in_user_data("ig_account_id"));
            need(named, "user_data['ctwa_clid']")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "event_check_tests.rs"]
mod tests;
