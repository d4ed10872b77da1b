//! Identifiers as types: once made they are well formed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

/// Why a text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct IdError {
    /// What was wanted, e.g. `pixel id`.
    pub kind: &'static str,
    /// The rule that the text broke, for people.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// Parses `text`.
            ///
            /// # Errors
            /// [`IdError`] where the text breaks the rule named in the type's documentation.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err(IdError { kind: $kind, rule: $rule }) }
            }

            /// The text of the identifier.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn slug(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn digits(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

text_id!(
    /// A tenant: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    TenantId, "tenant id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// A source of events within a tenant: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    SourceId, "source id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// A connection to Meta within a tenant: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    ConnectionId, "connection id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// An API key's public name, never the key itself: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    KeyId, "key id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// A Meta dataset (pixel) id: 1 to 20 decimal digits. Meta's ids are decimal text in JSON.
    PixelId, "pixel id", "1 to 20 digits", |t| digits(t, 20)
);
text_id!(
    /// A lead's id at Meta (`leadgen_id`): 1 to 20 decimal digits, more than a double can hold.
    LeadId, "lead id", "1 to 20 digits", |t| digits(t, 20)
);
text_id!(
    /// A lead form's id at Meta: 1 to 20 decimal digits.
    FormId, "form id", "1 to 20 digits", |t| digits(t, 20)
);
text_id!(
    /// A Facebook page's id: 1 to 20 decimal digits.
    PageId, "page id", "1 to 20 digits", |t| digits(t, 20)
);
text_id!(
    /// An ad's, ad set's or campaign's id at Meta: 1 to 20 decimal digits.
    AdObjectId, "ad object id", "1 to 20 digits", |t| digits(t, 20)
);
text_id!(
    /// A job within its tenant: 1 to 64 of `A-Z a-z 0-9 - _ .`. Made by us, from randomness alone.
    JobId, "job id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// The id that deduplicates an event: 1 to 256 bytes without control characters.
    EventId, "event id", "1 to 256 bytes, no control characters",
    |t| (1..=256).contains(&t.len()) && !t.chars().any(char::is_control)
);
text_id!(
    /// Meta's name of an event, standard or custom: 1 to 100 bytes without control characters, not blank at either end.
    EventName, "event name", "1 to 100 bytes, no control characters",
    |t| (1..=100).contains(&t.len()) && t.trim() == t && !t.chars().any(char::is_control)
);
text_id!(
    /// Names one queue message through all its journeys: made once at ingest and kept when it is sent anew.
    MessageId, "message id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// One human in a tenant: 1 to 64 of `A-Z a-z 0-9 - _ .`. Made by us, from randomness alone.
    PersonId, "person id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);
text_id!(
    /// Names a conversion within its tenant: 22 characters of base64url, see [`ConversionKey::of`].
    ConversionKey, "conversion key", "22 characters of base64url",
    |t| t.len() == 22 && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
);
text_id!(
    /// A rule within its tenant's set: 1 to 64 of `A-Z a-z 0-9 - _ .`.
    RuleId, "rule id", "1 to 64 of A-Z a-z 0-9 - _ .", |t| slug(t, 64)
);

impl ConversionKey {
    /// The key of a source's event: 128 bits of SHA-256 over source, event name and event id, so that a repeated
    /// post is the same conversion, whoever it says it is about.
    #[must_use]
    pub fn of(source: &SourceId, event_name: &EventName, event_id: &EventId) -> Self {
        let mut hash = Sha256::new();
        for part in [source.as_str(), event_name.as_str(), event_id.as_str()] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(URL_SAFE_NO_PAD.encode(&hash.finalize()[..16]).into())
    }
}

/// Makes an identifier from 12 random bytes: `prefix_` and 24 hexadecimal digits.
#[must_use]
pub fn random_text_id(prefix: &str, random: [u8; 12]) -> String {
    format!("{prefix}_{}", hex::encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_id_is_decimal_text() {
        assert!(PixelId::parse("1234567890123456").is_ok());
        for bad in ["", "12a", "123456789012345678901", "-1", " 1", "١٢"] {
            assert!(PixelId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_event_id_takes_any_text_but_control_characters() {
        assert!(EventId::parse("order 42/é").is_ok());
        assert!(EventId::parse("a\0b").is_err());
        assert!(EventId::parse(&"x".repeat(257)).is_err());
    }

    #[test]
    fn a_conversion_is_named_by_source_name_and_id() {
        let key = |source, name, id| {
            let (source, name) = (SourceId::parse(source).unwrap(), EventName::parse(name).unwrap());
            ConversionKey::of(&source, &name, &EventId::parse(id).unwrap())
        };
        let one = key("shop", "Lead", "1");
        assert_eq!(ConversionKey::parse(one.as_str()), Ok(one.clone()));
        assert_eq!(one, key("shop", "Lead", "1"));
        for other in [key("shop", "Lead", "2"), key("shop", "Lea", "d1"), key("blog", "Lead", "1")] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn an_identifier_is_checked_when_it_is_read_from_json() {
        assert!(serde_json::from_str::<TenantId>("\"acme\"").is_ok());
        assert!(serde_json::from_str::<TenantId>("\"a#b\"").is_err());
        assert_eq!(serde_json::from_str::<EventId>(r#""a\u0041""#).unwrap().as_str(), "aA");
    }
}
