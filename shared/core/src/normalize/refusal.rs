//! Why a value is not sent, and what a caller is told about it: stable codes, never the value itself.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// Why a value has no normal form. The value is left out; the rest of the event is not harmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing is left of it. The hash of nothing is never sent.
    #[error("nothing is left of the value after normalising")]
    Empty,
    /// 32 hexadecimal digits: Meta matches SHA-256 only.
    #[error("an MD5 hash; Meta matches SHA-256 only")]
    Md5,
    /// Longer than [`super::MAX_VALUE_BYTES`].
    #[error("longer than the limit")]
    TooLong,
    /// Not a JSON text (or a whole number, where a number makes sense).
    #[error("not a text")]
    WrongType,
    /// No e-mail address.
    #[error("not an e-mail address")]
    Email,
    /// No phone number of 7 to 15 digits, or one with letters in it.
    #[error("not a phone number")]
    Phone,
    /// No letters of a city's name.
    #[error("not a city")]
    City,
    /// No letters of a state's name, or no state of the country named beside it.
    #[error("not a state")]
    State,
    /// No postal code, or not one of the country named beside it.
    #[error("not a postal code")]
    Zip,
    /// Neither an ISO 3166-1 code nor the name of a country.
    #[error("not a country")]
    Country,
    /// Meta knows `m` and `f` only.
    #[error("neither m nor f")]
    Gender,
    /// No date, or one that can be read in two ways.
    #[error("not an unambiguous date")]
    Date,
    /// `_fbp` is not `fb.<digits>.<digits>.<number>` with or without an appendix.
    #[error("not a valid fbp")]
    Fbp,
    /// `_fbc` is not `fb.<digits>.<digits>.<fbclid>` with or without an appendix.
    #[error("not a valid fbc")]
    Fbc,
    /// A click id is visible ASCII without dots.
    #[error("not a valid fbclid")]
    Fbclid,
    /// Neither IPv4 nor IPv6.
    #[error("not an IP address")]
    Ip,
    /// A private, loopback, link-local or otherwise unroutable address says nothing of the person.
    #[error("not a public IP address")]
    PrivateIp,
    /// A lead id has 15 to 17 digits; Meta rejects the whole event for another.
    #[error("not a lead id")]
    LeadId,
    /// An identifier that travels in clear holds control characters.
    #[error("not an identifier")]
    Identifier,
    /// A key that travels in clear holds what looks like an e-mail address.
    #[error("personal data in a key that is not hashed")]
    PersonalData,
}

impl Refusal {
    /// The stable code that callers see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Md5 => "md5_refused",
            Self::TooLong => "too_long",
            Self::WrongType => "wrong_type",
            Self::Email => "not_an_email",
            Self::Phone => "not_a_phone_number",
            Self::City => "not_a_city",
            Self::State => "not_a_state",
            Self::Zip => "not_a_postal_code",
            Self::Country => "not_a_country",
            Self::Gender => "not_m_or_f",
            Self::Date => "not_an_unambiguous_date",
            Self::Fbp => "malformed_fbp",
            Self::Fbc => "malformed_fbc",
            Self::Fbclid => "malformed_fbclid",
            Self::Ip => "not_an_ip_address",
            Self::PrivateIp => "private_ip_address",
            Self::LeadId => "not_a_lead_id",
            Self::Identifier => "not_an_identifier",
            Self::PersonalData => "personal_data_in_clear",
        }
    }
}

/// What a caller is told about one key of its user data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningCode {
    /// A value was left out.
    Refused(Refusal),
    /// More values than [`super::MAX_VALUES_PER_KEY`] (or than one, for keys of one value); the further ones
    /// were left out.
    TooManyValues,
    /// Meta has no such key; it was left out.
    UnknownKey,
    /// The value is sent, cut to its limit.
    Truncated,
    /// The phone number is sent as it is, though its country is not known, so it will hardly match.
    NoCountryCode,
}

impl WarningCode {
    /// The stable code that callers see.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::TooManyValues => "too_many_values",
            Self::UnknownKey => "unknown_key",
            Self::Truncated => "truncated",
            Self::NoCountryCode => "no_country_code",
        }
    }
}

impl From<Refusal> for WarningCode {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Serialize for WarningCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// One remark on an event's user data: `{"field": "user_data.phone", "code": "not_a_phone_number"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The key as the caller wrote it, after `user_data.`.
    pub field: Cow<'static, str>,
    /// What is to be said about it.
    pub code: WarningCode,
}
