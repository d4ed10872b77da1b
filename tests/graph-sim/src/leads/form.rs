//! Lead forms and what they ask.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::lead::graph_time;
use crate::graph_error::GraphError;
use crate::nodes;
use crate::params::Params;

/// A form. The body of `POST /_sim/forms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Form {
    /// Its id, digits.
    pub form_id: String,
    /// Its page.
    pub page_id: String,
    /// Its name.
    pub name: String,
    /// `ACTIVE`, `ARCHIVED`, `DELETED` or `DRAFT`.
    pub status: String,
    /// e.g. `en_US`.
    pub locale: String,
    /// What it asks; by default full name, e-mail and phone.
    pub questions: Vec<Question>,
    /// Keys of the boxes under it.
    pub disclaimers: Vec<String>,
    /// Where its privacy policy is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy_policy_url: Option<String>,
    /// What is shown after submitting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thank_you_page: Option<Value>,
    /// Unix seconds; absent: the simulator's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_time: Option<i64>,
}

/// A question of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Meta's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of its answers.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Meta's type: `EMAIL`, `FULL_NAME`, `CUSTOM`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its choices. Generated answers take one or several of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
}

/// A choice of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionOption {
    /// What answers hold.
    pub key: String,
    /// What people see.
    pub value: String,
}

impl Default for Form {
    fn default() -> Self {
        let usual = |key: &str, kind: &str| Question {
            key: key.to_owned(),
            kind: kind.to_owned(),
            ..Question::default()
        };
        Self {
            form_id: String::new(),
            page_id: String::new(),
            name: "Form".to_owned(),
            status: "ACTIVE".to_owned(),
            locale: "en_US".to_owned(),
            questions: vec![
                usual("full_name", "FULL_NAME"),
                usual("email", "EMAIL"),
                usual("phone_number", "PHONE"),
            ],
            disclaimers: Vec::new(),
            privacy_policy_url: None,
            thank_you_page: None,
            created_time: None,
        }
    }
}

/// How many leads a form has, as Meta counts them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) all: usize,
    pub(crate) organic: usize,
}

impl Form {
    const STATUSES: [&'static str; 4] = ["ACTIVE", "ARCHIVED", "DELETED", "DRAFT"];

    /// What is wrong with it, if anything.
    pub(crate) fn defect(&self) -> Option<&'static str> {
        if self.form_id.is_empty() || !self.form_id.bytes().all(|byte| byte.is_ascii_digit()) {
            Some("form_id must be digits")
        } else if !Self::STATUSES.contains(&self.status.as_str()) {
            Some("status must be ACTIVE, ARCHIVED, DELETED or DRAFT")
        } else if self.questions.iter().any(|question| question.key.is_empty()) {
            Some("questions need keys")
        } else {
            None
        }
    }

    /// As `GET /{form}` and `/{page}/leadgen_forms` show it.
    pub(crate) fn node(&self, counts: Counts, params: &Params) -> Result<Value, GraphError> {
        let known = [
            ("id", json!(self.form_id)),
            ("name", json!(self.name)),
            ("status", json!(self.status)),
            ("locale", json!(self.locale)),
            ("leads_count", json!(counts.all)),
            ("organic_leads_count", json!(counts.organic)),
            ("expired_leads_count", json!(0)),
            ("questions", json!(self.questions)),
            ("privacy_policy_url", json!(self.privacy_policy_url)),
            ("thank_you_page", json!(self.thank_you_page)),
            ("created_time", json!(self.created_time.map(graph_time))),
            ("page", json!({"id": self.page_id})),
            ("page_id", json!(self.page_id)),
            // Fields that exist and that nothing here fills.
            ("allow_organic_lead", Value::Null),
            ("block_display_for_non_targeted_viewer", Value::Null),
            ("context_card", Value::Null),
            ("creator", Value::Null),
            ("follow_up_action_text", Value::Null),
            ("follow_up_action_url", Value::Null),
            ("is_optimized_for_quality", Value::Null),
            ("legal_content", Value::Null),
            ("question_page_custom_headline", Value::Null),
            ("tracking_parameters", Value::Null),
        ];
        nodes::select(&known, params, "LeadgenForm", &["id", "locale", "name", "status"])
    }
}
