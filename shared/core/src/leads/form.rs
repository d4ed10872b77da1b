//! Lead forms, and how complete each of their days is.

use serde::{Deserialize, Serialize};

use crate::ids::{FormId, PageId, PixelId, SourceId, TenantId};
use crate::time::UnixMillis;

/// A choice of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionOption {
    /// What answers hold.
    pub key: String,
    /// What people see.
    pub value: String,
}

/// A question of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Meta's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name of its answers.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Meta's type, e.g. `EMAIL`, `FULL_NAME`, `CUSTOM`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its choices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
}

/// A form as Meta tells it (`GET /{page}/leadgen_forms`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaForm {
    /// Its id.
    pub id: FormId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ACTIVE`, `ARCHIVED`, `DELETED`, `DRAFT`.
    pub status: String,
    /// e.g. `en_US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What it asks.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// `leads_count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_count: Option<u64>,
    /// `expired_leads_count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expired_leads_count: Option<u64>,
    /// `organic_leads_count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organic_leads_count: Option<u64>,
    /// `privacy_policy_url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_policy_url: Option<String>,
    /// `thank_you_page`, as Meta tells it, ≤ 8 KiB of JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thank_you_page: Option<serde_json::Value>,
    /// When it was created, unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at_s: Option<i64>,
}

/// What the tenant says of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FormSettings {
    /// Where the stages of its leads are told to Meta, in place of the page's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_pixel_id: Option<PixelId>,
    /// Whose people its leads become, in place of the page's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<SourceId>,
}

/// A form as it is stored: what Meta tells, and what the tenant says. The two are written by different hands and are
/// attributes of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadForm {
    /// Whose.
    pub tenant: TenantId,
    /// Its page.
    pub page: PageId,
    /// What Meta tells.
    pub meta: MetaForm,
    /// What the tenant says.
    pub settings: FormSettings,
    /// When Meta was asked last.
    pub synced_at: UnixMillis,
}

/// What a look at a form's whole day found. Leads younger than 2 hours don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCheck {
    /// Leads that Meta lists.
    pub at_meta: u64,
    /// Those of them that are stored.
    pub stored: u64,
    /// When.
    pub checked_at: UnixMillis,
}

/// A form's day (UTC, by when leads were submitted). Test leads don't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormDay {
    /// `2026-11-21`.
    pub day: String,
    /// Leads that came by webhook.
    pub by_webhook: u64,
    /// Leads that reconciliation found.
    pub by_poll: u64,
    /// What the last look found; absent where there was none yet.
    pub check: Option<DayCheck>,
}
