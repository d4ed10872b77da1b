//! What the checks of an event would make of a custom_data, told before there is an event.

use serde_json::value::to_raw_value;
use serde_json::{Map, Value};

use super::custom_data::{self, Rules};
use super::names::PURCHASE;
use super::refusal::{Notes, Refusal, Warning};
use crate::ids::EventName;

/// A custom_data, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomDataPreview {
    /// As Meta would get it.
    pub sent: Value,
    /// Why an event with it would be refused.
    pub refusals: Vec<Refusal>,
    /// What its sender would be told beside that.
    pub warnings: Vec<Warning>,
}

/// Checks a custom_data as [`super::prepare()`] does that of a server's event. Without a name, as part of an event that
/// needs no value.
#[must_use]
pub fn preview_custom_data(event_name: Option<&EventName>, data: &Map<String, Value>) -> CustomDataPreview {
    let purchase = event_name.is_some_and(|name| name.as_str() == PURCHASE);
    let (mut out, mut notes) = (String::new(), Notes::default());
    if let Ok(raw) = to_raw_value(data) {
        custom_data::write(&raw, Rules { purchase, values_allowed: true }, &mut out, &mut notes);
    }
    let sent = serde_json::from_str(&out).unwrap_or_default();
    CustomDataPreview { sent, refusals: notes.refusals, warnings: notes.warnings }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_purchase_needs_what_other_events_do_not() {
        let name = EventName::parse(PURCHASE).unwrap();
        let data = json!({"value": 5, "currency": "usd", "note": "jane@example.com"});
        let data = data.as_object().unwrap();
        let preview = preview_custom_data(Some(&name), data);
        assert_eq!(preview.sent["currency"], "USD");
        assert!(preview.refusals.is_empty());
        assert_eq!(preview.warnings[0].code, "personal_data_removed");
        let codes = |name| -> Vec<&str> {
            preview_custom_data(name, &Map::new())
                .refusals
                .iter()
                .map(|refusal| refusal.code.code())
                .collect()
        };
        assert_eq!(codes(Some(&name)), ["value_missing", "currency_missing"]);
        assert!(codes(None).is_empty());
    }
}
