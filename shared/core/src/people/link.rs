//! Identity links: keyed hashes, so that a dump of the table tells no address, nor lets one be guessed.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Sha256;

use super::identity::Identifier;
use crate::ids::TenantId;
use crate::seal::Secret;

/// An identifier's keyed hash: 64 lowercase hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LinkHash(Box<str>);

impl LinkHash {
    /// Reads the digits, as a store kept them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(digit)).then(|| Self(text.into()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for LinkHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a keyed hash"))
    }
}

/// The secret `lookup-key`. It is not rotated but by hashing every identifier anew.
pub struct LookupKey(Hmac<Sha256>);

/// The secret is not `{"key": "<base64 of 32 bytes>"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lookup key malformed")]
pub struct LookupKeyError;

const KEY_BYTES: usize = 32;

impl LookupKey {
    /// Reads the secret's JSON.
    ///
    /// # Errors
    /// [`LookupKeyError`] where it is malformed.
    pub fn parse(secret: &Secret) -> Result<Self, LookupKeyError> {
        use base64::Engine as _;
        #[derive(Deserialize)]
        struct Stored {
            key: String,
        }
        let stored: Stored = serde_json::from_str(secret.expose()).map_err(|_| LookupKeyError)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(stored.key);
        let bytes = zeroize::Zeroizing::new(bytes.map_err(|_| LookupKeyError)?);
        if bytes.len() != KEY_BYTES {
            return Err(LookupKeyError);
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| LookupKeyError)
    }

    /// The link of an identifier in a tenant.
    #[must_use]
    pub fn link(&self, tenant: &TenantId, identifier: &Identifier) -> LinkHash {
        let (kind, provider, value) = identifier.parts();
        self.hash([tenant.as_str(), kind, provider, value])
    }

    /// The keyed hash of a text by which a tenant finds leads: trimmed, lower case, white space as one space. Nothing but
    /// the very text finds it again.
    #[must_use]
    pub fn text(&self, tenant: &TenantId, text: &str) -> LinkHash {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        self.hash([tenant.as_str(), "text", "", &words.join(" ")])
    }

    fn hash(&self, parts: [&str; 4]) -> LinkHash {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        LinkHash(hex::encode(mac.finalize().into_bytes()).into())
    }
}

impl std::fmt::Debug for LookupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LookupKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::identity::{ExternalId, Provider};
    use super::*;

    fn key(byte: u8) -> LookupKey {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
        LookupKey::parse(&Secret::new(format!(r#"{{"key":"{key}"}}"#))).unwrap()
    }

    fn external(provider: &str, id: &str) -> Identifier {
        Identifier::External(ExternalId { provider: Provider::parse(provider).unwrap(), id: id.to_owned() })
    }

    #[test]
    fn a_link_depends_on_key_tenant_provider_and_id() {
        let (acme, other) = (TenantId::parse("acme").unwrap(), TenantId::parse("other").unwrap());
        let link = key(1).link(&acme, &external("stripe", "cus_1"));
        assert_eq!(link, key(1).link(&acme, &external("stripe", "cus_1")));
        assert_eq!(link.as_str().len(), 64);
        for different in [
            key(2).link(&acme, &external("stripe", "cus_1")),
            key(1).link(&other, &external("stripe", "cus_1")),
            key(1).link(&acme, &external("posthog", "cus_1")),
            key(1).link(&acme, &external("stripe", "cus_2")),
            key(1).link(&acme, &external("stripec", "us_1")),
        ] {
            assert_ne!(link, different);
        }
    }

    #[test]
    fn a_text_is_found_whatever_its_case_and_spaces() {
        let acme = TenantId::parse("acme").unwrap();
        let hash = key(1).text(&acme, "Jane  DOE ");
        assert_eq!(hash, key(1).text(&acme, "jane doe"));
        assert_ne!(hash, key(1).text(&acme, "janedoe"));
        assert_ne!(hash, key(1).text(&TenantId::parse("other").unwrap(), "jane doe"));
    }

    #[test]
    fn a_short_key_is_refused() {
        for bad in ["", "{}", r#"{"key":""}"#, r#"{"key":"AAAA"}"#] {
            assert!(LookupKey::parse(&Secret::new(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
