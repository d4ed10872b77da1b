//! A source as callers see it.

use std::collections::{BTreeMap, HashMap};

use adrelay_core::config::{ConsentPolicy, Source};
use adrelay_core::ports::receipts::DayCounts;
use adrelay_core::receipt::Status;
use serde::Serialize;

/// A product, organisation or creator that sends events.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Source))]
pub(crate) struct SourceView {
    /// Its id, chosen by the tenant.
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// Its name for people.
    name: String,
    /// Where its events go.
    pixel_ids: Vec<String>,
    /// ISO 3166-1 alpha-2: completes national phone numbers.
    default_country: Option<String>,
    /// Free flags such as `b2b`.
    flags: Vec<String>,
    /// The plan it is on, free text.
    plan: Option<String>,
    /// What unknown consent means: with `require` the event is not sent, `assume` counts it as given, `limited_data_use` sends
    /// the event under Limited Data Use.
    #[cfg_attr(test, schema(pattern = "^(require|assume|limited_data_use)$"))]
    consent_policy: &'static str,
    /// Hours that an event waits for consent where the policy requires it.
    consent_hold_hours: u16,
    /// Conversions that wait for an identify call.
    hold_event_names: Vec<String>,
    /// Minutes that they wait at most.
    hold_minutes: u16,
    /// Origins that its public keys may post from.
    allowed_origins: Vec<String>,
    /// Event names that its public keys may post. Empty: the standard ones but Purchase.
    public_event_names: Vec<String>,
    /// `act_…` id that its campaigns run in.
    ad_account_id: Option<String>,
    /// The Facebook page that its ads speak for.
    page_id: Option<String>,
    /// Shown in its ads.
    display_name: Option<String>,
    /// Shown in its ads.
    photo_url: Option<String>,
    /// Where its ads lead.
    profile_url: Option<String>,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When it was last changed.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
    /// With `include=counts`: what became of a day's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

/// What became of a source's events on a day, counted from the day's index.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DayCounts))]
pub(crate) struct CountsView {
    /// The UTC day.
    #[cfg_attr(test, schema(format = Date))]
    day: String,
    /// Events per event name and status. An event that waited first is counted under each status it had.
    by_event_name: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// Whether the day had more events than one call counts.
    truncated: bool,
}

impl CountsView {
    pub(crate) fn new(day: &str, counts: DayCounts) -> Self {
        let by_status = |counts: HashMap<Status, u64>| {
            counts.into_iter().map(|(status, n)| (status.as_str(), n)).collect()
        };
        let by_event_name =
            counts.by_name.into_iter().map(|(name, counts)| (name, by_status(counts))).collect();
        Self { day: day.to_owned(), by_event_name, truncated: counts.truncated }
    }
}

impl SourceView {
    pub(crate) fn new(source: Source, counts: Option<CountsView>) -> Self {
        Self {
            id: source.id.to_string(),
            tenant_id: source.tenant_id.to_string(),
            name: source.name,
            pixel_ids: source.pixel_ids.iter().map(ToString::to_string).collect(),
            default_country: source.default_country,
            flags: source.flags.into_iter().collect(),
            plan: source.plan,
            consent_policy: match source.consent_policy {
                ConsentPolicy::Require => "require",
                ConsentPolicy::Assume => "assume",
                ConsentPolicy::LimitedDataUse => "limited_data_use",
            },
            consent_hold_hours: source.consent_hold_hours,
            hold_event_names: source.hold_event_names.iter().map(ToString::to_string).collect(),
            hold_minutes: source.hold_minutes,
            allowed_origins: source.allowed_origins,
            public_event_names: source.public_event_names.iter().map(ToString::to_string).collect(),
            ad_account_id: source.ad_account_id,
            page_id: source.page_id,
            display_name: source.display_name,
            photo_url: source.photo_url,
            profile_url: source.profile_url,
            created_at: source.created_at.rfc3339(),
            updated_at: source.updated_at.rfc3339(),
            counts,
        }
    }
}
