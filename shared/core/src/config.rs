//! What people configure: tenants, connections, pixels, sources, keys. These are the stored shapes; the HTTP
//! shapes are admin-api's.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionId, EventName, KeyId, PageId, PixelId, SourceId, TenantId};
use crate::time::UnixMillis;

/// The boundary that nothing crosses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name for people, ≤ 200 characters.
    pub name: String,
    /// When it was created.
    pub created_at: UnixMillis,
}

/// What kind of token a connection holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionKind {
    /// A system user's token, pasted by an admin.
    SystemUser,
    /// A Facebook page's token: pasted, or derived from a system user's by `/me/accounts`.
    Page,
}

/// Whether something works, or a person must act first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Health {
    /// Nothing known against it.
    Ok,
    /// Meta refuses it as a whole; its events wait until a person has put it right or a probe succeeds.
    NeedsAttention {
        /// A stable code: `token_invalid`, `permission_missing`, `pixel_unknown`, `refused_without_reason`, …
        reason: String,
        /// Meta's error code, where it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<i64>,
        /// Meta's error subcode, where it gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subcode: Option<i64>,
        /// Since when.
        since: UnixMillis,
    },
}

impl Health {
    /// Whether events may be sent.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok)
    }
}

/// A Meta access token and what is known of it; the token itself is sealed (see [`crate::seal`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: ConnectionId,
    /// What kind of token it holds.
    pub kind: ConnectionKind,
    /// The token, sealed with purpose `access_token`.
    pub sealed_token: String,
    /// Counts changes of the token, so that a verdict on an old token is not held against a new one.
    pub token_version: u32,
    /// The app that issued the token, where known. With ours, or with an own secret, calls carry `appsecret_proof`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The secret of `app_id` where the tenant brought its own app, sealed with purpose `app_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_app_secret: Option<String>,
    /// The connection that a page's token was derived from; absent where it was pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<ConnectionId>,
    /// Whether the token works.
    pub health: Health,
    /// When Meta last confirmed the token on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<UnixMillis>,
    /// When the token ends, where Meta said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<UnixMillis>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed by a person.
    pub updated_at: UnixMillis,
}

/// A Meta dataset that events go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pixel {
    /// Whose it is. A pixel belongs to one tenant.
    pub tenant_id: TenantId,
    /// Meta's id of it.
    pub id: PixelId,
    /// Whose token it is sent with.
    pub connection_id: ConnectionId,
    /// Routes a copy of its events to Meta's *Test events* view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_event_code: Option<String>,
    /// Events of a disabled pixel end as receipt `skipped`.
    pub enabled: bool,
    /// Whether Meta takes its events.
    pub health: Health,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed by a person.
    pub updated_at: UnixMillis,
}

/// Whether Meta sends us the leads of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Subscription {
    /// Nobody has asked Meta yet.
    Unknown,
    /// Meta says that it does (`subscribed_apps` lists our app with `leadgen`).
    Subscribed {
        /// When it said so last.
        checked_at: UnixMillis,
    },
    /// It does not: webhooks will be missing until somebody subscribes again.
    Missing {
        /// When this was noticed.
        checked_at: UnixMillis,
        /// Why subscribing failed, a stable code such as `token_invalid`; absent where it was found to be gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

/// A Facebook page whose leads are taken. A page belongs to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Meta's id of it.
    pub id: PageId,
    /// Its name at Meta, ≤ 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its token: a connection of kind `page`.
    pub connection_id: ConnectionId,
    /// Whose people its leads become: the source gives country, rules and pixels.
    pub source_id: SourceId,
    /// Where the stages of its leads are told to Meta, unless a form says otherwise; absent: all pixels of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_pixel_id: Option<PixelId>,
    /// Leads of a disabled page are not fetched.
    pub enabled: bool,
    /// Whether Meta sends us its leads. An attribute of its own in the store, for lead-worker writes it.
    pub subscription: Subscription,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed by a person.
    pub updated_at: UnixMillis,
}

/// Where a tenant wants to be told of new leads. A tenant has one, of id `leads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// https, ≤ 2,000 bytes; a public address, checked when it is called.
    pub url: String,
    /// The key that calls are signed with, sealed with `keyring-tokens`, owner `webhook`, purpose `webhook_secret`.
    pub sealed_secret: String,
    /// Whether it is called.
    pub enabled: bool,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// What happens to events whose person's consent is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentPolicy {
    /// Without consent nothing is sent: a conversion is held for it, any other event skipped.
    Require,
    /// Unknown consent counts as given.
    #[default]
    Assume,
    /// Unknown consent sends the event under Limited Data Use.
    LimitedDataUse,
}

/// A product, organisation or creator that sends events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id, chosen by the tenant.
    pub id: SourceId,
    /// Its name for people.
    pub name: String,
    /// Where its events go, each ≤ 20 pixels.
    pub pixel_ids: Vec<PixelId>,
    /// ISO 3166-1 alpha-2, upper case: completes national phone numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_country: Option<String>,
    /// Free flags such as `b2b`, ≤ 20.
    #[serde(default)]
    pub flags: BTreeSet<String>,
    /// The plan the source is on, free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// What unknown consent means.
    #[serde(default)]
    pub consent_policy: ConsentPolicy,
    /// Hours that an event waits for its person's consent where the policy requires it, 1 to 144 (Meta takes events up
    /// to 7 days old).
    #[serde(default = "default_consent_hold_hours")]
    pub consent_hold_hours: u16,
    /// Names of conversions that wait for an identify call, ≤ 50.
    #[serde(default)]
    pub hold_event_names: Vec<EventName>,
    /// Minutes that they wait at most, 1 to 15.
    #[serde(default = "default_hold_minutes")]
    pub hold_minutes: u16,
    /// Origins that its public keys may post from, e.g. `https://www.example.com`.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// Event names that its public keys may post. Empty: the standard ones but Purchase.
    #[serde(default)]
    pub public_event_names: Vec<EventName>,
    /// `act_…` id that its campaigns run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ad_account_id: Option<String>,
    /// The Facebook page its ads speak for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_id: Option<String>,
    /// Shown in its ads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Shown in its ads; https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_url: Option<String>,
    /// Where its ads lead; https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_url: Option<String>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// Where a source says nothing: a day.
#[must_use]
pub const fn default_consent_hold_hours() -> u16 {
    24
}

/// Where a source says nothing: as long as is allowed.
#[must_use]
pub const fn default_hold_minutes() -> u16 {
    15
}

impl Source {
    /// A source that sends nowhere yet, with every setting at its default.
    #[must_use]
    pub fn new(tenant_id: TenantId, id: SourceId, name: String, created_at: UnixMillis) -> Self {
        Self {
            tenant_id,
            id,
            name,
            pixel_ids: Vec::new(),
            default_country: None,
            flags: BTreeSet::new(),
            plan: None,
            consent_policy: ConsentPolicy::default(),
            consent_hold_hours: default_consent_hold_hours(),
            hold_event_names: Vec::new(),
            hold_minutes: default_hold_minutes(),
            allowed_origins: Vec::new(),
            public_event_names: Vec::new(),
            ad_account_id: None,
            page_id: None,
            display_name: None,
            photo_url: None,
            profile_url: None,
            created_at,
            updated_at: created_at,
        }
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Post events of one source, from a server.
    Ingest,
    /// Read and write the people of a tenant.
    People,
    /// Post events of one source from browsers; write only, and trusted with nothing.
    Public,
    /// Manage a tenant, or (the root key) all of them.
    Admin,
}

impl Scope {
    /// The word in keys (`adr_<word>_…`), messages and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::People => "people",
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// What is stored of an API key. The key itself is shown once and never stored; it is found by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its public name.
    pub id: KeyId,
    /// SHA-256 of the key's text, lowercase hex.
    pub sha256: String,
    /// What it may do.
    pub scope: Scope,
    /// The source it is bound to: always for `ingest` and `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_id: Option<SourceId>,
    /// Its name for people; the "who" in histories.
    pub name: String,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Since when it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UnixMillis>,
}
