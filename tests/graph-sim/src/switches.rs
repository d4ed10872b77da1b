//! What Meta does not document, as switches.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Behaviour that can be chosen. Every default is what was observed or is most likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, named one by one in the control API"
)]
pub struct Switches {
    /// Every call needs an `appsecret_proof`, whatever its token says. Default false.
    pub require_proof: bool,
    /// Refuse events without what their `action_source` needs by the documentation: `client_user_agent` and
    /// `event_source_url` for website, three fields of `app_data` for app, ids for `business_messaging`.
    /// Observed on v26: a website event without an agent is accepted. Default false.
    pub enforce_action_source_fields: bool,
    /// Duplicates count in `events_received`. Default true.
    pub count_duplicates: bool,
    /// `event_time` and `value` may be numbers written as text. Default false.
    pub numeric_strings: bool,
    /// Refuse an `event_time` that lies more than so many seconds ahead. Default `null`: never.
    pub refuse_future_after_s: Option<u32>,
    /// `success` is the text `"true"` rather than the boolean. Default false.
    pub success_as_text: bool,
    /// `GET /{form}/leads` lists test leads too. Default true.
    pub list_test_leads: bool,
    /// Leads older than so many days are neither listed nor readable. Default `null`: all are.
    pub lead_retention_days: Option<u32>,
    /// Pages of lists about lead ads hold at most half of `limit`, with an empty one after each that has a next one.
    /// Default false.
    pub thin_pages: bool,
    /// What a call of a dead version gets. Default refuse.
    pub dead_versions: DeadVersions,
    /// The language of `message`, `error_user_title` and `error_user_msg`. Default English.
    pub locale: Locale,
    /// Whether errors carry `error_data`, and how. Default none.
    pub error_data: ErrorData,
    /// The usage headers of every Graph answer.
    pub usage: Usage,
}

/// What a call of a dead version gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadVersions {
    /// Error 2635.
    Refuse,
    /// Served as if it had named a living version.
    Upgrade,
}

/// The language of Meta's texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    En,
    /// German.
    De,
}

/// How `error_data` is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorData {
    /// Left out.
    None,
    /// A JSON text inside the JSON.
    String,
    /// An object.
    Object,
}

/// The usage headers, sent as given; an absent one is not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// `X-App-Usage`: `{"call_count","total_time","total_cputime"}`, percent.
    #[serde(default)]
    pub app: Option<Value>,
    /// `X-Business-Use-Case-Usage`: a map of ids to lists of `{"type","call_count",…}`.
    #[serde(default)]
    pub business: Option<Value>,
    /// `X-Ad-Account-Usage`: `{"acc_id_util_pct","reset_time_duration"}`; the latter in seconds.
    #[serde(default)]
    pub ad_account: Option<Value>,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            require_proof: false,
            enforce_action_source_fields: false,
            count_duplicates: true,
            numeric_strings: false,
            refuse_future_after_s: None,
            success_as_text: false,
            list_test_leads: true,
            lead_retention_days: None,
            thin_pages: false,
            dead_versions: DeadVersions::Refuse,
            locale: Locale::En,
            error_data: ErrorData::None,
            usage: Usage {
                app: Some(json!({"call_count": 1, "total_time": 1, "total_cputime": 1})),
                business: None,
                ad_account: None,
            },
        }
    }
}

impl Switches {
    /// These switches with the named ones replaced (`usage` is replaced as a whole).
    pub(crate) fn patched(&self, changes: Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut all = serde_json::to_value(self)?;
        if let Value::Object(fields) = &mut all {
            fields.extend(changes);
        }
        serde_json::from_value(all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Locale, Switches};

    #[test]
    fn a_patch_changes_what_it_names_and_refuses_what_it_does_not_know() {
        let patch =
            |value: serde_json::Value| Switches::default().patched(value.as_object().unwrap().clone());
        let patched = patch(json!({"locale": "de", "refuse_future_after_s": 60})).unwrap();
        assert_eq!((patched.locale, patched.refuse_future_after_s), (Locale::De, Some(60)));
        assert!(patched.count_duplicates);
        assert!(patch(json!({"local": "de"})).is_err());
        assert!(patch(json!({"locale": "fr"})).is_err());
    }
}
