//! What a post says of the person it is about, normalised.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::person::Profile;
use crate::normalize::{Country, Email, PhoneE164, Sha256Hex};

/// External ids in one identity.
pub const MAX_EXTERNAL_IDS: usize = 8;

/// Bytes of an external id.
pub const MAX_EXTERNAL_ID_BYTES: usize = 256;

/// Bytes of a name, city and the like.
const MAX_TEXT_BYTES: usize = 256;

/// Who gave out an external id: 1 to 64 of `a-z 0-9 - _ .`, e.g. `stripe`, `supabase_auth`, or a product's own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Provider(String);

impl Provider {
    /// Reads a provider's name; upper case becomes lower.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let good = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
        good.then_some(Self(text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Provider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a provider"))
    }
}

/// A person's id in another system.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ExternalId {
    /// Whose id it is.
    pub provider: Provider,
    /// The id, as it came but for white space around it; may be an address.
    pub id: String,
}

/// One thing that points to a person. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// SHA-256 of a normalised e-mail address.
    Email(Sha256Hex),
    /// SHA-256 of a phone's digits.
    Phone(Sha256Hex),
    /// An id in another system.
    External(ExternalId),
}

impl Identifier {
    /// Kind, provider and value, as links are made of.
    pub(super) fn parts(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Email(hash) => ("em", "", hash.as_str()),
            Self::Phone(hash) => ("ph", "", hash.as_str()),
            Self::External(external) => ("id", external.provider.as_str(), &external.id),
        }
    }

    /// Its kind for people and logs: `email`, `phone`, `external_id`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Phone(_) => "phone",
            Self::External(_) => "external_id",
        }
    }
}

impl std::fmt::Debug for Identifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identifier({})", self.kind())
    }
}

impl std::fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExternalId({})", self.provider.as_str())
    }
}

/// Why part of an identity was refused: its field and a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityError {
    /// `email`, `phone`, `external_id`, …
    pub field: String,
    /// `not_an_email`, `not_a_phone_number`, `not_a_text`, `too_long`, `provider_invalid`, `unknown_field`, …
    pub code: &'static str,
}

/// The person that a post is about: identifiers by rank, and what else it says of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// E-mails first, then phones, then external ids.
    pub identifiers: Vec<Identifier>,
    /// The same in clear, for the sealed profile.
    pub profile: Profile,
}

impl Identity {
    /// Reads `{"email", "phone", "external_id", "provider"?, "external_ids": {provider: id}, "first_name", "last_name",
    /// "city", "state", "zip", "country", "date_of_birth", "gender"}`. E-mails and phones may be texts or arrays, in
    /// clear or as SHA-256. `home` is the provider of a bare `external_id`: the product that posts it.
    ///
    /// What can't be read is left out and told; the rest stands.
    #[must_use]
    pub fn read(
        object: &Map<String, Value>,
        home: &Provider,
        default_country: Option<Country>,
    ) -> (Self, Vec<IdentityError>) {
        let mut reader = Reader { identity: Self::default(), errors: Vec::new() };
        let country =
            object.get("country").and_then(Value::as_str).and_then(|text| Country::parse(text).ok());
        for (field, value) in object {
            match field.as_str() {
                "email" | "em" => reader.each(field, value, Reader::email),
                "phone" | "ph" => reader.each(field, value, |reader, field, text| {
                    reader.phone(field, text, country.or(default_country));
                }),
                "external_id" => {
                    let provider = match object.get("provider") {
                        Some(value) => value.as_str().and_then(Provider::parse),
                        None => Some(home.clone()),
                    };
                    reader.each(field, value, |reader, field, text| {
                        reader.external(field, provider.as_ref(), text);
                    });
                }
                "external_ids" => reader.external_ids(value),
                "provider" => {}
                _ => reader.attribute(field, value),
            }
        }
        reader.identity.identifiers.sort_by_key(|identifier| match identifier {
            Identifier::Email(_) => 0,
            Identifier::Phone(_) => 1,
            Identifier::External(_) => 2,
        });
        (reader.identity, reader.errors)
    }

    /// The same with those identifiers alone that `keep` keeps, and all else that it says.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Identifier) -> bool) -> Self {
        let mut profile = self.profile.clone();
        profile.retain(&keep);
        Self { identifiers: self.identifiers.iter().filter(|one| keep(one)).cloned().collect(), profile }
    }

    /// Whether a person can be created from it: one identifier is enough.
    #[must_use]
    pub fn suffices(&self) -> bool {
        !self.identifiers.is_empty()
    }
}

struct Reader {
    identity: Identity,
    errors: Vec<IdentityError>,
}

impl Reader {
    fn refuse(&mut self, field: &str, code: &'static str) {
        // A value that was posted as a key must not get into answers and logs.
        let nameable =
            field.len() <= 40 && field.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'));
        let field = if nameable { format!("identity.{field}") } else { "identity".to_owned() };
        if self.errors.len() < 16 {
            self.errors.push(IdentityError { field, code });
        }
    }

    fn each(&mut self, field: &str, value: &Value, mut read: impl FnMut(&mut Self, &str, &str)) {
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        for value in values.iter().take(super::person::MAX_VALUES) {
            match value {
                Value::String(text) => read(self, field, text),
                Value::Number(number) => read(self, field, &number.to_string()),
                Value::Null => {}
                _ => self.refuse(field, "not_a_text"),
            }
        }
    }

    fn add(&mut self, identifier: Identifier) -> bool {
        let fresh = !self.identity.identifiers.contains(&identifier);
        if fresh {
            self.identity.identifiers.push(identifier);
        }
        fresh
    }

    fn email(&mut self, field: &str, text: &str) {
        let normal = match Sha256Hex::already(text) {
            Ok(Some(hash)) => Ok((hash, hash.as_str().to_owned())),
            _ => Email::parse(text).and_then(|email| {
                Sha256Hex::of(email.as_str()).map(|hash| (hash, email.as_str().to_owned()))
            }),
        };
        match normal {
            Ok((hash, email)) => {
                if self.add(Identifier::Email(hash)) {
                    self.identity.profile.emails.push(email);
                }
            }
            Err(_) => self.refuse(field, "not_an_email"),
        }
    }

    fn phone(&mut self, field: &str, text: &str, country: Option<Country>) {
        let normal = match Sha256Hex::already(text) {
            Ok(Some(hash)) => Ok((hash, hash.as_str().to_owned())),
            _ => PhoneE164::parse(text, country).and_then(|phone| {
                Sha256Hex::of(phone.as_str()).map(|hash| (hash, format!("+{}", phone.as_str())))
            }),
        };
        match normal {
            Ok((hash, phone)) => {
                if self.add(Identifier::Phone(hash)) {
                    self.identity.profile.phones.push(phone);
                }
            }
            Err(_) => self.refuse(field, "not_a_phone_number"),
        }
    }

    fn external_ids(&mut self, value: &Value) {
        let Some(ids) = value.as_object() else { return self.refuse("external_ids", "not_an_object") };
        for (provider, value) in ids {
            let provider = Provider::parse(provider);
            self.each("external_ids", value, |reader, field, text| {
                reader.external(field, provider.as_ref(), text);
            });
        }
    }

    fn external(&mut self, field: &str, provider: Option<&Provider>, text: &str) {
        let Some(provider) = provider else { return self.refuse("provider", "provider_invalid") };
        let id = text.trim();
        let count = self.identity.profile.external_ids.len();
        if id.is_empty() || id.chars().any(char::is_control) {
            self.refuse(field, "external_id_invalid");
        } else if id.len() > MAX_EXTERNAL_ID_BYTES {
            self.refuse(field, "too_long");
        } else if count >= MAX_EXTERNAL_IDS {
            self.refuse(field, "too_many_values");
        } else {
            let external = ExternalId { provider: provider.clone(), id: id.to_owned() };
            if self.add(Identifier::External(external.clone())) {
                self.identity.profile.external_ids.push(external);
            }
        }
    }

    fn attribute(&mut self, field: &str, value: &Value) {
        let profile = &mut self.identity.profile;
        let place = match field {
            "first_name" => &mut profile.first_name,
            "last_name" => &mut profile.last_name,
            "city" => &mut profile.city,
            "state" => &mut profile.state,
            "zip" => &mut profile.zip,
            "country" => &mut profile.country,
            "date_of_birth" => &mut profile.date_of_birth,
            "gender" => &mut profile.gender,
            _ => return self.refuse(field, "unknown_field"),
        };
        match value {
            Value::Null => {}
            Value::String(text) if text.len() > MAX_TEXT_BYTES => self.refuse(field, "too_long"),
            Value::String(text) if text.trim().is_empty() => {}
            Value::String(text) => *place = Some(text.trim().to_owned()),
            Value::Number(number) if field == "zip" => *place = Some(number.to_string()),
            _ => self.refuse(field, "not_a_text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(identity: &Value) -> (Identity, Vec<(String, &'static str)>) {
        let home = Provider::parse("shop").unwrap();
        let (identity, errors) =
            Identity::read(identity.as_object().unwrap(), &home, Country::parse("us").ok());
        (identity, errors.into_iter().map(|error| (error.field, error.code)).collect())
    }

    #[test]
    fn identifiers_come_by_rank_and_normalised() {
        let (identity, errors) =
            read(&json!({"external_id": " u1 ", "phone": "(650) 555-1212", "email": " Jane@Example.com",
            "external_ids": {"Stripe": "cus_1"}, "first_name": "Jane"}));
        assert!(errors.is_empty(), "{errors:?}");
        let kinds: Vec<&str> = identity.identifiers.iter().map(Identifier::kind).collect();
        assert_eq!(kinds, ["email", "phone", "external_id", "external_id"]);
        assert_eq!(identity.profile.emails, ["jane@example.com"]);
        assert_eq!(identity.profile.phones, ["+16505551212"]);
        let providers: Vec<&str> =
            identity.profile.external_ids.iter().map(|id| id.provider.as_str()).collect();
        assert_eq!(providers, ["shop", "stripe"]);
    }

    #[test]
    fn a_hashed_email_is_the_same_identifier_as_the_address() {
        let hash = Sha256Hex::of("jane@example.com").unwrap();
        let (clear, _) = read(&json!({"email": "jane@example.com"}));
        let (hashed, _) = read(&json!({"email": hash.as_str()}));
        assert_eq!(clear.identifiers, hashed.identifiers);
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_stands() {
        let (identity, errors) =
            read(&json!({"email": "nobody", "phone": ["+16505551212", {}], "jane@example.com": 1,
            "external_ids": {"no such provider": "1"}, "first_name": 7}));
        assert_eq!(identity.identifiers.len(), 1);
        let mut errors = errors;
        errors.sort();
        assert_eq!(
            errors,
            [
                ("identity".to_owned(), "unknown_field"),
                ("identity.email".to_owned(), "not_an_email"),
                ("identity.first_name".to_owned(), "not_a_text"),
                ("identity.phone".to_owned(), "not_a_text"),
                ("identity.provider".to_owned(), "provider_invalid"),
            ]
        );
        assert!(!read(&json!({"first_name": "Jane"})).0.suffices());
    }
}
