//! The stored lead.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::status::Status;
use crate::ids::{AdObjectId, FormId, LeadId, PageId, PersonId, SourceId, TenantId};
use crate::money::Money;
use crate::people::LinkHash;
use crate::time::UnixMillis;

/// Purpose under which a lead's [`LeadPii`] is sealed with `keyring-pii`; its owner is the lead's id.
pub const LEAD_PURPOSE: &str = "lead";

/// One question's answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's key.
    pub name: String,
    /// All values: a multiple choice has several.
    pub values: Vec<String>,
}

/// Keys of questions may be free text, values are personal.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({} values)", self.values.len())
    }
}

/// A box under the form, ticked or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclaimer {
    /// `checkbox_key`.
    pub key: String,
    /// `is_checked`.
    pub checked: bool,
}

/// The ad that brought a lead; empty for organic ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadAds {
    /// `ad_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad_id: Option<AdObjectId>,
    /// `ad_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ad_name: Option<String>,
    /// `adset_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adset_id: Option<AdObjectId>,
    /// `adset_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adset_name: Option<String>,
    /// `campaign_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<AdObjectId>,
    /// `campaign_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign_name: Option<String>,
}

/// What Meta tells of a lead (`GET /{leadgen_id}`, or a line of `GET /{form}/leads`).
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// Its id.
    pub id: LeadId,
    /// Its form, where Meta names it.
    pub form: Option<FormId>,
    /// When it was submitted, unix seconds.
    pub created_at_s: i64,
    /// The ad that brought it.
    pub ads: LeadAds,
    /// Meta's word, e.g. `fb`, `ig`.
    pub platform: Option<String>,
    /// Whether no ad brought it.
    pub is_organic: bool,
    /// Every answer with all its values.
    pub answers: Vec<Answer>,
    /// `custom_disclaimer_responses`.
    pub disclaimers: Vec<Disclaimer>,
    /// What else Meta tells: `partner_name`, `home_listing`, `post`, `post_submission_check_result`, `retailer_item_id`,
    /// `vehicle`.
    pub extra: Map<String, Value>,
}

/// By which way a lead came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Meta announced it.
    Webhook,
    /// It was found in its form's list.
    Poll,
}

/// What the usual questions tell of who answered. As it was answered, trimmed; not normalised.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// The first e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The first phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Both names as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Asked for, or split off the full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Asked for, or split off the full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<String>,
    /// Asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Contact(…)")
    }
}

/// What is stored of a lead under seal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeadPii {
    /// Every answer with all its values.
    pub answers: Vec<Answer>,
    /// The boxes under the form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub disclaimers: Vec<Disclaimer>,
    /// Who answered.
    pub contact: Contact,
    /// What else Meta told.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// What is stored of a lead in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadDoc {
    /// Its page.
    pub page: PageId,
    /// Its form.
    pub form: FormId,
    /// Whose people it became one of.
    pub source: SourceId,
    /// When it was submitted, unix seconds.
    pub created_at_s: i64,
    /// When it was stored.
    pub stored_at: UnixMillis,
    /// By which way it came first.
    pub arrival: Arrival,
    /// Whether it was made by Meta's testing tool: kept apart, no person, never told to Meta.
    #[serde(default)]
    pub test: bool,
    /// The ad that brought it.
    #[serde(flatten)]
    pub ads: LeadAds,
    /// Meta's word, e.g. `fb`, `ig`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Whether no ad brought it.
    #[serde(default)]
    pub is_organic: bool,
    /// Who it is; absent for test leads, and where people are not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Where it stands.
    pub status: Status,
    /// Who works on it: free text of the tenant's, ≤ 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// When it was contacted first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacted_at: Option<UnixMillis>,
    /// When it was converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted_at: Option<UnixMillis>,
    /// What it was worth when it was converted, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Money>,
    /// `event_time` of the last stage that Meta was told, unix seconds: the next one is later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_s: Option<i64>,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Since when nothing personal is kept of it. It stays, so that it is not fetched again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<UnixMillis>,
}

/// A lead as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Whose.
    pub tenant: TenantId,
    /// Meta's id of it.
    pub id: LeadId,
    /// Counts its changes; a change must still find it. A stored lead's is ≥ 1.
    pub rev: u64,
    /// In clear.
    pub doc: LeadDoc,
    /// Keyed hashes of e-mail, phone and names, by which lists find it ([`crate::people::LookupKey::text`]).
    pub texts: BTreeSet<LinkHash>,
    /// The [`LeadPii`], sealed; absent once it is erased.
    pub sealed: Option<String>,
}

/// A lead that was announced and that Meta does not let us read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingLead {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: LeadId,
    /// Of which page.
    pub page: PageId,
    /// Of which form, where the announcement said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormId>,
    /// When it was announced.
    pub announced_at: UnixMillis,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it can't be read: a stable code, `not_readable`, `token_invalid`, `permission_missing`, …
    pub reason: String,
    /// Meta's error code, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Whether it is not tried any more; reconciliation still finds it if it becomes readable.
    pub given_up: bool,
}
