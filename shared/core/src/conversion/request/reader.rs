//! The fields of a posted conversion, one by one.

use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::{MAX_METADATA_BYTES, MAX_METADATA_DEPTH, MAX_METADATA_KEYS, RequestContext, home_provider};
use crate::config::Source;
use crate::conversion::note::{Code, Note};
use crate::event::limits::MAX_AHEAD_S;
use crate::event::{ActionSource, is_test_event_code, max_age_s};
use crate::ids::{EventId, EventName, PersonId};
use crate::money::{Currency, Money};
use crate::normalize::Country;
use crate::people::{Consent, Identity};
use crate::ports::clock::Entropy;

/// Reads an object, and gathers what is wrong with it.
pub(super) struct Reader<'a> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) errors: Vec<Note>,
    pub(super) warnings: Vec<Note>,
}

impl<'a> Reader<'a> {
    pub(super) fn refuse(&mut self, field: &str, code: Code) {
        self.errors.push(Note::new(field, code));
    }

    pub(super) fn warn(&mut self, field: &str, code: Code) {
        self.warnings.push(Note::new(field, code));
    }

    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &str) -> Option<&'a str> {
        let text = self.get(field)?.as_str();
        if text.is_none() {
            self.refuse(field, Code::NotAText);
        }
        text
    }

    pub(super) fn unknown_fields(&mut self, known: &[&str]) {
        let unknown = self.object.keys().filter(|key| !known.contains(&key.as_str())).take(8);
        for key in unknown.cloned().collect::<Vec<_>>() {
            // A value that was posted as a key must not get into answers and logs.
            let plain = key.len() <= 40 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            self.warn(if plain { &key } else { "" }, Code::UnknownField);
        }
    }

    pub(super) fn product(&mut self, source: &Source) {
        if self.text("product").is_some_and(|product| product != source.id.as_str()) {
            self.refuse("product", Code::ProductMismatch);
        }
    }

    pub(super) fn event_name(&mut self) -> Option<EventName> {
        if self.get("event_name").is_none() {
            self.refuse("event_name", Code::EventNameMissing);
        }
        let name = EventName::parse(self.text("event_name")?).ok();
        if name.is_none() {
            self.refuse("event_name", Code::EventNameInvalid);
        }
        name
    }

    pub(super) fn whom(&mut self, source: &Source) -> (Option<PersonId>, Identity) {
        let person = self.text("person_id").map(PersonId::parse);
        if matches!(person, Some(Err(_))) {
            self.refuse("person_id", Code::PersonIdInvalid);
        }
        let Some(identity) = self.get("identity") else {
            if self.get("person_id").is_none() {
                self.refuse("identity", Code::PersonMissing);
            }
            return (person.and_then(Result::ok), Identity::default());
        };
        let (Some(object), Some(home)) = (identity.as_object(), home_provider(source)) else {
            self.refuse("identity", Code::NotAnObject);
            return (None, Identity::default());
        };
        let country = source.default_country.as_deref().and_then(|code| Country::parse(code).ok());
        let (identity, problems) = Identity::read(object, &home, country);
        self.warnings.extend(problems.into_iter().map(|problem| Note {
            field: problem.field,
            code: problem.code,
            message: "can't be read as part of an identity; left out",
        }));
        if !identity.suffices() && self.get("person_id").is_none() {
            self.refuse("identity", Code::IdentityInsufficient);
        }
        (person.and_then(Result::ok), identity)
    }

    pub(super) fn worth(&mut self) -> (Option<Number>, Option<Money>, Option<Currency>) {
        let currency = self.text("currency").map(Currency::parse);
        if currency == Some(None) {
            self.refuse("currency", Code::CurrencyUnknown);
        }
        let currency = currency.flatten();
        let Some(value) = self.get("value") else { return (None, None, currency) };
        let Value::Number(number) = value else {
            self.refuse("value", Code::ValueInvalid);
            return (None, None, currency);
        };
        let Some(known) = currency else {
            self.refuse("currency", Code::CurrencyMissing);
            return (None, None, None);
        };
        let money = Money::parse(&number.to_string(), known);
        if money.is_none() {
            self.refuse("value", Code::ValueInvalid);
        }
        (Some(number.clone()), money, currency)
    }

    pub(super) fn event_time(&mut self, now_s: i64, physical_store: bool) -> Option<i64> {
        let Some(value) = self.get("event_time") else { return Some(now_s) };
        // Seconds of eleven digits would be in the year 5138: what is meant are milliseconds.
        let Some(at_s) = value.as_i64().filter(|at_s| *at_s < 100_000_000_000) else {
            self.refuse("event_time", Code::EventTimeInvalid);
            return None;
        };
        if now_s.saturating_sub(at_s) > max_age_s(physical_store) {
            self.refuse("event_time", Code::EventTimeTooOld);
        } else if at_s > now_s + MAX_AHEAD_S {
            self.refuse("event_time", Code::EventTimeInFuture);
        }
        Some(at_s.min(now_s))
    }

    pub(super) fn action_source(&mut self) -> Option<String> {
        let text = self.text("action_source")?;
        if ActionSource::parse(text).is_none() {
            self.refuse("action_source", Code::ActionSourceUnknown);
        }
        Some(text.to_owned())
    }

    pub(super) fn test_event_code(&mut self) -> Option<String> {
        let code = self.text("test_event_code")?;
        if !is_test_event_code(code) {
            self.refuse("test_event_code", Code::TestEventCodeInvalid);
        }
        Some(code.to_owned())
    }

    pub(super) fn consent(&mut self) -> Option<Consent> {
        match self.get("consent")? {
            Value::Bool(true) => Some(Consent::Granted),
            Value::Bool(false) => Some(Consent::Denied),
            Value::String(text) if text == "granted" => Some(Consent::Granted),
            Value::String(text) if text == "denied" => Some(Consent::Denied),
            Value::String(text) if text == "unknown" => None,
            _ => {
                self.refuse("consent", Code::ConsentInvalid);
                None
            }
        }
    }

    pub(super) fn metadata(&mut self) -> Map<String, Value> {
        let Some(value) = self.get("metadata") else { return Map::new() };
        let Some(object) = value.as_object() else {
            self.refuse("metadata", Code::NotAnObject);
            return Map::new();
        };
        let bytes = serde_json::to_string(object).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_METADATA_BYTES
            || object.len() > MAX_METADATA_KEYS
            || deeper_than(value, MAX_METADATA_DEPTH)
        {
            self.refuse("metadata", Code::TooLarge);
        }
        object.clone()
    }

    pub(super) fn event_id(
        &mut self,
        context: &RequestContext<'_>,
        name: Option<&EventName>,
        entropy: &impl Entropy,
    ) -> Option<EventId> {
        let given = match self.get("event_id") {
            None => return self.derived_id(context, name, entropy),
            Some(Value::String(text)) => EventId::parse(text).ok(),
            Some(Value::Number(number)) => EventId::parse(&number.to_string()).ok(),
            Some(_) => None,
        };
        if given.is_none() {
            self.refuse("event_id", Code::EventIdInvalid);
        }
        given
    }

    /// In this order: the `Idempotency-Key`, the body where it carries its own time, else a random one.
    fn derived_id(
        &self,
        context: &RequestContext<'_>,
        name: Option<&EventName>,
        entropy: &impl Entropy,
    ) -> Option<EventId> {
        let mut hash = Sha256::new();
        let body = self.get("event_time").and_then(|_| serde_json::to_string(self.object).ok());
        let (kind, origin) = match (context.idempotency, &body) {
            (Some(key), _) => ("idempotency key", key),
            (None, Some(body)) => ("body", body.as_str()),
            (None, None) => return EventId::parse(&hex::encode(entropy.array::<16>())).ok(),
        };
        let source = context.source;
        for part in [
            "adrelay conversion id 1",
            source.tenant_id.as_str(),
            source.id.as_str(),
            name?.as_str(),
            kind,
            origin,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        EventId::parse(hex::encode(hash.finalize()).get(..32)?).ok()
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(entries) => levels == 0 || entries.values().any(|value| deeper_than(value, levels - 1)),
        _ => false,
    }
}
