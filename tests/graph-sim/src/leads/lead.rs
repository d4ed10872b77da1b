//! A submitted lead.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::graph_error::GraphError;
use crate::nodes;
use crate::params::Params;

/// One question's answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldData {
    /// The question's key.
    pub name: String,
    /// All values: a multiple choice has several.
    pub values: Vec<String>,
}

/// A box under the form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclaimer {
    /// Its key.
    pub checkbox_key: String,
    /// `"1"` where it is ticked, else `""`.
    pub is_checked: String,
}

/// A lead to submit. What is absent is left out of Meta's answers too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewLead {
    /// Its id; absent: one of the simulator's.
    pub id: Option<String>,
    /// Its form, where the submission names several.
    pub form_id: Option<String>,
    /// Unix seconds; absent: what the submission says, else now.
    pub created_time: Option<i64>,
    /// Milliseconds until it can be read; absent: what the submission says.
    pub readable_after_ms: Option<u64>,
    /// A test lead.
    pub test: bool,
    /// Its answers.
    pub field_data: Vec<FieldData>,
    /// The boxes.
    pub custom_disclaimer_responses: Vec<Disclaimer>,
    /// The ad that brought it.
    pub ad_id: Option<String>,
    /// Its name.
    pub ad_name: Option<String>,
    /// The ad set.
    pub adset_id: Option<String>,
    /// Its name.
    pub adset_name: Option<String>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// Absent: whether it has no ad.
    pub is_organic: Option<bool>,
    /// e.g. `fb`, `ig`.
    pub platform: Option<String>,
    /// Further fields: `partner_name`, `home_listing`, `post`, `post_submission_check_result`, `retailer_item_id`,
    /// `vehicle`.
    pub extra: Map<String, Value>,
}

/// A lead as `GET /_sim/leads` tells it: the whole truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lead {
    /// Its id.
    pub id: String,
    /// Its page.
    pub page_id: String,
    /// Its form.
    pub form_id: String,
    /// Unix seconds.
    pub created_time: i64,
    /// Unix milliseconds by the simulator's clock from which on it can be read.
    pub readable_at_ms: i64,
    /// A test lead.
    pub test: bool,
    /// Its answers.
    pub field_data: Vec<FieldData>,
    /// The boxes.
    pub custom_disclaimer_responses: Vec<Disclaimer>,
    /// The ad that brought it.
    pub ad_id: Option<String>,
    /// Its name.
    pub ad_name: Option<String>,
    /// The ad set.
    pub adset_id: Option<String>,
    /// Its name.
    pub adset_name: Option<String>,
    /// The campaign.
    pub campaign_id: Option<String>,
    /// Its name.
    pub campaign_name: Option<String>,
    /// Whether no ad brought it.
    pub is_organic: bool,
    /// e.g. `fb`, `ig`.
    pub platform: Option<String>,
    /// Further fields.
    pub extra: Map<String, Value>,
    /// How often it was read by its id.
    pub reads: u64,
}

impl Lead {
    pub(crate) fn is_readable(&self, now_ms: i64) -> bool {
        now_ms >= self.readable_at_ms
    }

    /// As `GET /{lead}` and the lists show it.
    pub(crate) fn node(&self, params: &Params) -> Result<Value, GraphError> {
        let further = |name: &str| self.extra.get(name).cloned().unwrap_or(Value::Null);
        let boxes =
            (!self.custom_disclaimer_responses.is_empty()).then_some(&self.custom_disclaimer_responses);
        let known = [
            ("id", json!(self.id)),
            ("created_time", json!(graph_time(self.created_time))),
            ("field_data", json!(self.field_data)),
            ("custom_disclaimer_responses", json!(boxes)),
            ("form_id", json!(self.form_id)),
            ("ad_id", json!(self.ad_id)),
            ("ad_name", json!(self.ad_name)),
            ("adset_id", json!(self.adset_id)),
            ("adset_name", json!(self.adset_name)),
            ("campaign_id", json!(self.campaign_id)),
            ("campaign_name", json!(self.campaign_name)),
            ("is_organic", json!(self.is_organic)),
            ("platform", json!(self.platform)),
            ("home_listing", further("home_listing")),
            ("partner_name", further("partner_name")),
            ("post", further("post")),
            ("post_submission_check_result", further("post_submission_check_result")),
            ("retailer_item_id", further("retailer_item_id")),
            ("vehicle", further("vehicle")),
        ];
        nodes::select(&known, params, "Lead", &["id", "created_time", "field_data"])
    }
}

/// `2015-02-28T08:49:14+0000`: Graph's times have no colon in the offset.
pub(crate) fn graph_time(unix_s: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(unix_s).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+0000",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::graph_time;

    #[test]
    fn times_are_written_as_graph_writes_them() {
        assert_eq!(graph_time(1_425_113_354), "2015-02-28T08:49:14+0000");
        assert_eq!(graph_time(0), "1970-01-01T00:00:00+0000");
    }
}
