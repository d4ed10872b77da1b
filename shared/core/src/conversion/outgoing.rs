//! The events that Meta gets of a conversion, as JSON that [`crate::event::prepare`] normalises and hashes.

use serde_json::{Map, Value, json};

use super::request::ConversionBody;
use crate::ids::{EventId, EventName, LeadId, PersonId};
use crate::people::{Consent, Profile, Whole};
use crate::time::UnixMillis;

/// External ids beside the person's own that go out with an event: Meta takes 16 values a key, and the person and its
/// parts need room.
const MAX_EXTERNAL_IDS: usize = 12;

/// Ids of parts that go out with an event.
const MAX_PARTS: usize = 4;

/// All that is known of the person of an event.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    user_data: Map<String, Value>,
}

impl Known {
    /// What a person's parts know together, with what the conversion itself says before it.
    pub(super) fn of(whole: &Whole, body: &ConversionBody, now: UnixMillis) -> Self {
        let mut known = Self::of_profile(&whole.profile, body);
        for (key, value) in [
            ("fbp", whole.fbp(now)),
            ("fbc", whole.fbc(now)),
            ("client_ip_address", whole.ip(now)),
            ("client_user_agent", whole.agent(now)),
        ] {
            known.complete(key, value);
        }
        known.person(&whole.id, &whole.parts);
        known
    }

    /// What the conversion itself says.
    pub(super) fn of_call(profile: &Profile, person: Option<&PersonId>, body: &ConversionBody) -> Self {
        let mut known = Self::of_profile(profile, body);
        if let Some(person) = person {
            known.person(person, &[]);
        }
        known
    }

    fn of_profile(profile: &Profile, body: &ConversionBody) -> Self {
        let mut known = Self::default();
        known.list("email", profile.emails.iter().cloned());
        known.list("phone", profile.phones.iter().cloned());
        let newest = profile.external_ids.iter().rev().take(MAX_EXTERNAL_IDS);
        known.list("external_id", newest.map(|external| external.id.clone()));
        for (key, value) in [
            ("first_name", &profile.first_name),
            ("last_name", &profile.last_name),
            ("city", &profile.city),
            ("state", &profile.state),
            ("zip", &profile.zip),
            ("country", &profile.country),
            ("date_of_birth", &profile.date_of_birth),
            ("gender", &profile.gender),
            ("fbp", &body.visit.fbp),
            ("fbc", &body.visit.fbc),
            ("client_ip_address", &body.visit.ip),
            ("client_user_agent", &body.visit.agent),
        ] {
            known.complete(key, value.as_deref());
        }
        known.complete("lead_id", body.lead_id.as_ref().map(LeadId::as_str));
        known
    }

    fn list(&mut self, key: &str, values: impl Iterator<Item = String>) {
        let values: Vec<Value> = values.map(Value::String).collect();
        if !values.is_empty() {
            self.user_data.insert(key.to_owned(), Value::Array(values));
        }
    }

    fn complete(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value
            && !self.user_data.contains_key(key)
        {
            self.user_data.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    }

    /// The parts' ids stay known to Meta after a merge.
    fn person(&mut self, id: &PersonId, parts: &[PersonId]) {
        let ids = std::iter::once(id).chain(parts.iter().filter(|part| *part != id).take(MAX_PARTS - 1));
        self.list("person_id", ids.map(ToString::to_string));
    }

    fn has(&self, key: &str) -> bool {
        self.user_data.contains_key(key)
    }
}

/// One event to be.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) event_name: &'a EventName,
    pub(super) event_id: &'a EventId,
    pub(super) at_s: i64,
    pub(super) body: &'a ConversionBody,
    pub(super) known: &'a Known,
    pub(super) custom_data: &'a Map<String, Value>,
    pub(super) consent: Option<Consent>,
}

impl Outgoing<'_> {
    /// The event's JSON, in clear.
    pub(super) fn json(&self) -> String {
        let Self { body, known, .. } = self;
        // Meta refuses events of websites without a user agent.
        let on_page = body.visit.url.is_some() && known.has("client_user_agent");
        let derived = if on_page { "website" } else { "system_generated" };
        let mut event = json!({
            "event_name": self.event_name,
            "event_id": self.event_id,
            "event_time": self.at_s,
            "action_source": body.action_source.as_deref().unwrap_or(derived),
            "user_data": known.user_data,
            "consent": match self.consent {
                Some(Consent::Granted) => "granted",
                Some(Consent::Denied) => "denied",
                None => "unknown",
            },
        });
        if let Some(url) = &body.visit.url {
            event["event_source_url"] = json!(url);
        }
        if let Some(code) = &body.test_event_code {
            event["test_event_code"] = json!(code);
        }
        if !self.custom_data.is_empty() {
            event["custom_data"] = Value::Object(self.custom_data.clone());
        }
        event.to_string()
    }
}

/// What goes out with a conversion that no rule translates: its worth and its product. Metadata is ours: it may hold
/// anything.
#[must_use]
pub fn plain_custom_data(body: &ConversionBody, product: &str) -> Map<String, Value> {
    let mut data = Map::new();
    if let Some(value) = &body.value {
        data.insert("value".to_owned(), Value::Number(value.clone()));
    }
    if let Some(currency) = body.currency {
        data.insert("currency".to_owned(), json!(currency));
    }
    data.insert("source_product".to_owned(), json!(product));
    data
}
