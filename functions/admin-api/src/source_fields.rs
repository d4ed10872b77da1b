//! The fields of a source that people write.

use adrelay_core::config::{ConsentPolicy, Source, default_consent_hold_hours, default_hold_minutes};
use adrelay_core::ids::{EventName, PixelId, SourceId, TenantId};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;

use crate::fields::{Change, Fields, vouched};
use crate::rules;

const MAX_NAME: usize = 200;
const MAX_PLAN: usize = 100;
const MAX_DISPLAY_NAME: usize = 100;
const MAX_PIXELS: usize = 20;
const MAX_FLAGS: usize = 20;
const MAX_ORIGINS: usize = 20;
const MAX_PUBLIC_EVENT_NAMES: usize = 50;
const MAX_HOLD_EVENT_NAMES: usize = 50;

/// Six days: Meta takes events up to 7 days old, and sending takes its time.
const MAX_CONSENT_HOLD_HOURS: u16 = 144;

/// Beyond this an event is late for optimisation, and its visitor gone.
const MAX_HOLD_MINUTES: u16 = 15;

const CONSENT_POLICIES: &[(&str, ConsentPolicy)] = &[
    ("require", ConsentPolicy::Require),
    ("assume", ConsentPolicy::Assume),
    ("limited_data_use", ConsentPolicy::LimitedDataUse),
];

/// What a POST or PATCH says of a source. For a list, `null` empties it.
#[derive(Debug, Clone)]
pub(crate) struct SourceFields {
    name: Option<String>,
    /// The pixels that it names; they have to be looked up.
    pub(crate) pixel_ids: Option<Vec<PixelId>>,
    default_country: Change<String>,
    flags: Change<Vec<String>>,
    plan: Change<String>,
    consent_policy: Change<ConsentPolicy>,
    consent_hold_hours: Change<u16>,
    hold_event_names: Change<Vec<EventName>>,
    hold_minutes: Change<u16>,
    allowed_origins: Change<Vec<String>>,
    public_event_names: Change<Vec<EventName>>,
    ad_account_id: Change<String>,
    page_id: Change<String>,
    display_name: Change<String>,
    photo_url: Change<String>,
    profile_url: Change<String>,
}

impl SourceFields {
    /// The fields of a PATCH.
    pub(crate) fn changed(fields: &mut Fields) -> Self {
        let name = fields.replace("name", rules::text(MAX_NAME));
        let pixel_ids = fields.replace("pixel_ids", rules::list(MAX_PIXELS, rules::id::<PixelId>));
        Self::others(fields, name, pixel_ids)
    }

    /// The fields of a POST beside tenant and id.
    pub(crate) fn of_new(fields: &mut Fields) -> Self {
        let name = fields.required("name", rules::text(MAX_NAME));
        let pixel_ids = fields.required("pixel_ids", rules::list(MAX_PIXELS, rules::id::<PixelId>));
        Self::others(fields, name, pixel_ids)
    }

    fn others(fields: &mut Fields, name: Option<String>, pixel_ids: Option<Vec<PixelId>>) -> Self {
        Self {
            name,
            pixel_ids,
            default_country: fields.change("default_country", rules::country),
            flags: fields.change("flags", rules::list(MAX_FLAGS, rules::flag)),
            plan: fields.change("plan", rules::text(MAX_PLAN)),
            consent_policy: fields.change("consent_policy", rules::word(CONSENT_POLICIES)),
            consent_hold_hours: fields.change("consent_hold_hours", rules::whole(1..=MAX_CONSENT_HOLD_HOURS)),
            hold_event_names: fields
                .change("hold_event_names", rules::list(MAX_HOLD_EVENT_NAMES, rules::id::<EventName>)),
            hold_minutes: fields.change("hold_minutes", rules::whole(1..=MAX_HOLD_MINUTES)),
            allowed_origins: fields.change("allowed_origins", rules::list(MAX_ORIGINS, rules::origin)),
            public_event_names: fields
                .change("public_event_names", rules::list(MAX_PUBLIC_EVENT_NAMES, rules::id::<EventName>)),
            ad_account_id: fields.change("ad_account_id", rules::ad_account),
            page_id: fields.change("page_id", rules::meta_id),
            display_name: fields.change("display_name", rules::text(MAX_DISPLAY_NAME)),
            photo_url: fields.change("photo_url", rules::https_url),
            profile_url: fields.change("profile_url", rules::https_url),
        }
    }

    /// A new source.
    ///
    /// # Errors
    /// Where a required field was not vouched for.
    pub(crate) fn create(
        mut self,
        tenant_id: TenantId,
        id: SourceId,
        now: UnixMillis,
    ) -> Result<Source, Problem> {
        let mut source = Source::new(tenant_id, id, vouched(self.name.take())?, now);
        source.pixel_ids = vouched(self.pixel_ids.take())?;
        self.apply(&mut source, now);
        Ok(source)
    }

    /// Carries out what they say.
    pub(crate) fn apply(self, source: &mut Source, now: UnixMillis) {
        if let Some(name) = self.name {
            source.name = name;
        }
        if let Some(pixel_ids) = self.pixel_ids {
            source.pixel_ids = pixel_ids;
        }
        self.default_country.apply(&mut source.default_country);
        if let Some(flags) = self.flags.or_default() {
            source.flags = flags.into_iter().collect();
        }
        self.plan.apply(&mut source.plan);
        if let Some(policy) = self.consent_policy.or_default() {
            source.consent_policy = policy;
        }
        match self.consent_hold_hours {
            Change::Keep => {}
            Change::Clear => source.consent_hold_hours = default_consent_hold_hours(),
            Change::Set(hours) => source.consent_hold_hours = hours,
        }
        if let Some(names) = self.hold_event_names.or_default() {
            source.hold_event_names = names;
        }
        match self.hold_minutes {
            Change::Keep => {}
            Change::Clear => source.hold_minutes = default_hold_minutes(),
            Change::Set(minutes) => source.hold_minutes = minutes,
        }
        if let Some(origins) = self.allowed_origins.or_default() {
            source.allowed_origins = origins;
        }
        if let Some(names) = self.public_event_names.or_default() {
            source.public_event_names = names;
        }
        self.ad_account_id.apply(&mut source.ad_account_id);
        self.page_id.apply(&mut source.page_id);
        self.display_name.apply(&mut source.display_name);
        self.photo_url.apply(&mut source.photo_url);
        self.profile_url.apply(&mut source.profile_url);
        source.updated_at = now;
    }
}
