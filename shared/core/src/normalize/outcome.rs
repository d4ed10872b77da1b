//! From what a caller posted to what Meta gets, with a remark on everything that was left out or changed.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::click::{click, fbc, fbclid, fbp};
use super::hashed::{HashedUserData, Value};
use super::input::{Field, UserDataInput};
use super::key::{Key, Slot, Surroundings};
use super::network::{MAX_USER_AGENT_BYTES, identifier, ip_address, lead_id, user_agent};
use super::phone::PhoneE164;
use super::{Country, MAX_VALUE_BYTES, Refusal, Sha256Hex, Warning, WarningCode};
use crate::time::UnixMillis;

/// What normalising needs to know beside the user data itself.
#[derive(Clone, Copy)]
pub struct UserDataContext<'a> {
    /// The present.
    pub now: UnixMillis,
    /// When the event happened, unix seconds: when a click id of this event was seen.
    pub event_time: Option<i64>,
    /// The source's country: completes national phone numbers where the user data names no country.
    pub default_country: Option<Country>,
    /// The address to send where the user data has none: the visitor's, never that of a caller's server.
    pub client_ip: Option<&'a str>,
    /// The user agent to send where the user data has none: the visitor's.
    pub client_user_agent: Option<&'a str>,
    /// The click id to use where the user data has none, e.g. from [`super::fbclid_in_url`] of the event's
    /// URL.
    pub fbclid: Option<&'a str>,
}

impl UserDataContext<'_> {
    /// Nothing is known but the present.
    #[must_use]
    pub const fn at(now: UnixMillis) -> Self {
        Self {
            now,
            event_time: None,
            default_country: None,
            client_ip: None,
            client_user_agent: None,
            fbclid: None,
        }
    }

    /// The present year in UTC.
    fn year(&self) -> i32 {
        let present = time::OffsetDateTime::from_unix_timestamp(self.now.secs());
        present.map_or(9999, time::OffsetDateTime::year)
    }

    /// When a click id of the event was seen first, as far as is known: at the event, never in the future.
    fn observed_ms(&self) -> i64 {
        self.event_time.map_or(self.now.0, |secs| UnixMillis::from_secs(secs).0.min(self.now.0))
    }
}

/// User data ready to send, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDataOutcome {
    /// What Meta gets.
    pub user_data: HashedUserData,
    /// What was left out or changed, ≤ 64; never a value.
    pub warnings: Vec<Warning>,
}

/// Why a JSON value is no user data at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserDataError {
    /// It is a text, number, array or boolean.
    #[error("user_data is not an object")]
    NotAnObject,
    /// It is no readable JSON: half a surrogate pair, a number out of range.
    #[error("user_data is not readable JSON")]
    Unreadable,
}

/// Normalises and hashes the user data of one event.
///
/// # Errors
/// [`UserDataError`]. Bad values inside are warnings, not errors.
pub fn user_data(json: &RawValue, context: &UserDataContext<'_>) -> Result<UserDataOutcome, UserDataError> {
    let input: UserDataInput<'_> = serde_json::from_str(json.get())
        .map_err(|e| if e.is_data() { UserDataError::NotAnObject } else { UserDataError::Unreadable })?;
    Ok(input.normalize(context))
}

impl UserDataInput<'_> {
    /// Normalises and hashes.
    #[must_use]
    pub fn normalize(mut self, context: &UserDataContext<'_>) -> UserDataOutcome {
        let fields = std::mem::take(&mut self.fields);
        let mut work = Work {
            around: Surroundings {
                country: fields.iter().find_map(posted_country),
                default_country: context.default_country,
                year: context.year(),
            },
            input: self,
            user_data: HashedUserData::default(),
            fbc: None,
            fbclid: None,
        };
        for field in &fields {
            if let Err(refusal) = work.take(field) {
                work.input.warn(Cow::Borrowed(field.name), refusal.into());
            }
        }
        work.fill_in(context);
        work.user_data.sort();
        UserDataOutcome { user_data: work.user_data, warnings: work.input.warnings }
    }
}

fn posted_country(field: &Field<'_>) -> Option<Country> {
    let is_country = field.slot == Slot::Key(Key::Country) && field.value.len() <= MAX_VALUE_BYTES;
    is_country.then(|| Country::parse(&field.value).ok())?
}

struct Work<'a> {
    around: Surroundings,
    input: UserDataInput<'a>,
    user_data: HashedUserData,
    fbc: Option<String>,
    fbclid: Option<String>,
}

impl Work<'_> {
    fn take(&mut self, field: &Field<'_>) -> Result<(), Refusal> {
        let value = field.value.as_ref();
        let key = match field.slot {
            Slot::Key(key) => key,
            Slot::Fbclid => {
                let id = fbclid(value)?.to_owned();
                let first = self.fbclid.get_or_insert_with(|| id.clone());
                let room = *first == id;
                self.say_if_full(room, field);
                return Ok(());
            }
        };
        if value.len() > MAX_VALUE_BYTES && key != Key::ClientUserAgent {
            return Err(Refusal::TooLong);
        }
        let value = match key {
            Key::Ph => self.phone(field)?,
            Key::Fbc => {
                let cookie = fbc(value)?.to_owned();
                let first = self.fbc.get_or_insert_with(|| cookie.clone());
                let room = *first == cookie;
                self.say_if_full(room, field);
                return Ok(());
            }
            Key::ClientUserAgent => {
                if value.trim().len() > MAX_USER_AGENT_BYTES {
                    self.input.warn(Cow::Borrowed(field.name), WarningCode::Truncated);
                }
                Value::Text(user_agent(value)?.to_owned())
            }
            Key::ClientIpAddress => Value::Text(ip_address(value)?.to_string()),
            Key::Fbp => Value::Text(fbp(value)?.to_owned()),
            Key::LeadId => Value::Text(lead_id(value)?.to_owned()),
            key if key.is_hashed() => Value::Hash(key.hash(value, &self.around)?),
            _ => Value::Text(identifier(value)?.to_owned()),
        };
        let room = self.user_data.push(key, value);
        self.say_if_full(room, field);
        Ok(())
    }

    /// A phone number may be sent though its country is not known: that is worth a remark.
    fn phone(&mut self, field: &Field<'_>) -> Result<Value, Refusal> {
        if let Some(hash) = Sha256Hex::already(&field.value)? {
            return Ok(Value::Hash(hash));
        }
        let number = PhoneE164::parse(&field.value, self.around.country.or(self.around.default_country))?;
        if !number.country_known() {
            self.input.warn(Cow::Borrowed(field.name), WarningCode::NoCountryCode);
        }
        Sha256Hex::of(number.as_str()).map(Value::Hash)
    }

    fn say_if_full(&mut self, room: bool, field: &Field<'_>) {
        if !room {
            self.input.warn(Cow::Borrowed(field.name), WarningCode::TooManyValues);
        }
    }

    /// What the request itself tells where the caller told nothing. It makes no warnings: the caller did not
    /// post it.
    fn fill_in(&mut self, context: &UserDataContext<'_>) {
        let id = self.fbclid.as_deref().or_else(|| context.fbclid.and_then(|id| fbclid(id).ok()));
        if let Some(fbc) = click(self.fbc.as_deref(), id, context.observed_ms()) {
            self.user_data.push(Key::Fbc, Value::Text(fbc));
        }
        if let Some(Ok(ip)) = context.client_ip.map(ip_address) {
            self.user_data.push(Key::ClientIpAddress, Value::Text(ip.to_string()));
        }
        if let Some(Ok(agent)) = context.client_user_agent.map(user_agent) {
            self.user_data.push(Key::ClientUserAgent, Value::Text(agent.to_owned()));
        }
    }
}
