//! API keys: `adr_<scope>_<random>`, shown once, found by their SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::{ApiKey, Scope};
use crate::ids::{KeyId, SourceId, TenantId};
use crate::seal::Secret;

/// Bytes of randomness in a key: 256 bits.
pub const KEY_RANDOM_BYTES: usize = 32;

const MAX_KEY_BYTES: usize = 128;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant; absent for the root key, which must name one in what it creates.
    pub tenant: Option<TenantId>,
    /// The source that an `ingest` or `public` key is bound to.
    pub source: Option<SourceId>,
    /// What it may do.
    pub scope: Scope,
    /// The key's public name; absent for the root key.
    pub key_id: Option<KeyId>,
    /// The key's name for people: the "who" in histories.
    pub name: String,
}

impl Principal {
    /// The root key's holder.
    #[must_use]
    pub fn root() -> Self {
        Self { tenant: None, source: None, scope: Scope::Admin, key_id: None, name: "root".to_owned() }
    }
}

impl From<&ApiKey> for Principal {
    fn from(key: &ApiKey) -> Self {
        Self {
            tenant: Some(key.tenant_id.clone()),
            source: key.source_id.clone(),
            scope: key.scope,
            key_id: Some(key.id.clone()),
            name: key.name.clone(),
        }
    }
}

/// Makes a key's text from fresh randomness.
#[must_use]
pub fn new_key(scope: Scope, random: [u8; KEY_RANDOM_BYTES]) -> Secret {
    Secret::new(format!("adr_{}_{}", scope.as_str(), URL_SAFE_NO_PAD.encode(random)))
}

/// SHA-256 of a key's text in lowercase hex, by which it is stored and found.
#[must_use]
pub fn key_sha256(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// Whether `text` could be a key at all. Spares a look-up for what can't.
#[must_use]
pub fn looks_like_key(text: &str) -> bool {
    text.len() <= MAX_KEY_BYTES
        && text.starts_with("adr_")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// The key in an `Authorization: Bearer …` header's value.
#[must_use]
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}

/// Compares two texts in a time that does not depend on where they differ.
#[must_use]
pub fn constant_time_eq(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_scope_and_carries_256_bits() {
        let key = new_key(Scope::Ingest, [255; 32]);
        assert_eq!(key.expose(), "adr_ingest___________________________________________8");
        assert!(looks_like_key(key.expose()));
        assert_ne!(key_sha256(key.expose()), key_sha256(new_key(Scope::Ingest, [254; 32]).expose()));
    }

    #[test]
    fn the_bearer_scheme_is_case_insensitive_and_required() {
        assert_eq!(bearer("Bearer adr_x"), Some("adr_x"));
        assert_eq!(bearer("bearer  adr_x "), Some("adr_x"));
        for bad in ["adr_x", "Basic adr_x", "Bearer ", ""] {
            assert_eq!(bearer(bad), None, "{bad:?}");
        }
    }
}
