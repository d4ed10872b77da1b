//! The stored person: a document in clear, and a sealed profile.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::identity::ExternalId;
use super::stage::Evidence;
use crate::ids::{PersonId, SourceId, TenantId};
use crate::time::UnixMillis;

/// Values of one kind (e-mails, phones) that a person keeps, the newest ones.
pub const MAX_VALUES: usize = 8;

/// External ids that a person keeps.
pub const MAX_PERSON_EXTERNAL_IDS: usize = 32;

/// Click ids that a person keeps, the newest ones.
pub const MAX_CLICKS: usize = 8;

/// Days for which click ids, address and user agent are used (Meta: a `_fbc` cookie lives 90 days).
pub const FRESH_DAYS: i64 = 90;

/// Persons that may be merged into one directly.
pub const MAX_MEMBERS: usize = 32;

/// What a person allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Events may be sent.
    Granted,
    /// Events must not be sent.
    Denied,
}

/// What a person said last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// What.
    pub status: Consent,
    /// When.
    pub at: UnixMillis,
}

/// Where a person came from, as the first or the last conversion that knew told it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Touch {
    /// When, unix milliseconds.
    pub at: UnixMillis,
    /// `utm_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `utm_campaign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_content`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `utm_term`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// Meta's browser id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbp: Option<String>,
    /// Meta's click id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fbc: Option<String>,
    /// The lead form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_form: Option<String>,
}

impl Touch {
    /// Whether it tells anything but a time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { at: self.at, ..Self::default() }
    }
}

/// A click id with the time at which it was seen first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Click {
    /// `fb.1.…`.
    pub fbc: String,
    /// When.
    pub at: UnixMillis,
}

/// A value with the time at which it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The value.
    pub value: String,
    /// When.
    pub at: UnixMillis,
}

/// Identifiers of one post pointed to this person and to another, and the two were not merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The other one.
    pub person_id: PersonId,
    /// What pointed there: `email`, `phone`, `external_id`.
    pub identifier: String,
    /// When it was noticed first.
    pub at: UnixMillis,
}

/// What is stored of a person in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonDoc {
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// The product that met them first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_product: Option<SourceId>,
    /// What they allow; absent: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentRecord>,
    /// What speaks for which lifecycle stage.
    #[serde(default)]
    pub evidence: Evidence,
    /// Written once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_touch: Option<Touch>,
    /// Written always; absent where it is the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_touch: Option<Touch>,
    /// Click ids, newest last, ≤ [`MAX_CLICKS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clicks: Vec<Click>,
    /// Meta's browser id, the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fbp: Option<Seen>,
    /// When the first conversion happened, unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<i64>,
    /// When the last conversion happened, unix seconds, to the day: a write a conversion would cost more than it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<i64>,
    /// The person that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<PersonId>,
    /// Persons merged into this one, ≤ [`MAX_MEMBERS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<PersonId>,
    /// Persons that somebody separated from this one: never merged again on their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_apart: Vec<PersonId>,
    /// Persons that share an identifier with this one without being the same, ≤ [`MAX_MEMBERS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Since when the person is being erased: nothing is stored for it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<UnixMillis>,
}

impl PersonDoc {
    /// A person without anything.
    #[must_use]
    pub fn new(at: UnixMillis, source_product: Option<SourceId>) -> Self {
        Self {
            created_at: at,
            updated_at: at,
            source_product,
            consent: None,
            evidence: Evidence::default(),
            first_touch: None,
            last_touch: None,
            clicks: Vec::new(),
            fbp: None,
            first_seen: None,
            last_seen: None,
            merged_into: None,
            members: Vec::new(),
            kept_apart: Vec::new(),
            conflicts: Vec::new(),
            erased_at: None,
        }
    }
}

impl PersonDoc {
    /// The last touch, which may be the first.
    #[must_use]
    pub fn last(&self) -> Option<&Touch> {
        self.last_touch.as_ref().or(self.first_touch.as_ref())
    }
}

/// What is stored of a person under seal (`keyring-pii`, purpose `person`, owner the person's id). `Debug` is blank.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Normalised addresses, or their SHA-256 where no more is known; newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
    /// `+` and digits, or SHA-256; newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    /// Ids in other systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<String>,
    /// As posted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// The visitor's address, the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Seen>,
    /// The visitor's user agent, the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<Seen>,
    /// Free properties, ≤ 64 of them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

/// A person as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: PersonId,
    /// Counts its changes; a save must still find it. 0: not stored yet.
    pub rev: u64,
    /// In clear.
    pub doc: PersonDoc,
    /// The [`Profile`], sealed; absent where there is none.
    pub sealed: Option<String>,
}
