//! From a key's text to a principal.

use std::sync::Arc;

use adrelay_core::auth::{Principal, constant_time_eq, key_sha256, looks_like_key};
use adrelay_core::cache::{CONFIG_TTL_MS, TtlCache};
use adrelay_core::config::Scope;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;

use crate::problem::Problem;

/// Keys that one process remembers.
const CACHED_KEYS: usize = 10_000;

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthError {
    /// It brings no key.
    Missing,
    /// Nobody has this key.
    Unknown,
    /// The key was revoked.
    Revoked,
    /// The key is not for this.
    WrongScope,
    /// The directory of keys does not answer.
    Unavailable,
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::new(401, "key_missing", "Send a key: Authorization: Bearer adr_…"),
            AuthError::Unknown => Self::new(401, "key_unknown", "Nobody has this key."),
            AuthError::Revoked => Self::new(401, "key_revoked", "This key was revoked."),
            AuthError::WrongScope => Self::new(403, "scope_insufficient", "This key is not for this."),
            AuthError::Unavailable => Self::unavailable(),
        }
    }
}

#[derive(Debug)]
enum Found {
    Principal(Arc<Principal>),
    Revoked,
    Nobody,
}

/// Looks keys up, and remembers them for at most a minute.
pub struct Authenticator<D, C> {
    directory: D,
    clock: C,
    cache: TtlCache<String, Found>,
}

impl<D: KeyDirectory, C: Clock> Authenticator<D, C> {
    /// An authenticator over a directory of keys.
    pub fn new(directory: D, clock: C) -> Self {
        Self { directory, clock, cache: TtlCache::new(CONFIG_TTL_MS, CACHED_KEYS) }
    }

    /// The directory it looks into.
    pub fn directory(&self) -> &D {
        &self.directory
    }

    /// Who has this key.
    ///
    /// # Errors
    /// See [`AuthError`]; never [`AuthError::WrongScope`].
    pub async fn principal(&self, key: Option<&str>) -> Result<Arc<Principal>, AuthError> {
        let key = key.ok_or(AuthError::Missing)?;
        if !looks_like_key(key) {
            return Err(AuthError::Unknown);
        }
        let sha256 = key_sha256(key);
        let found = match self.cache.get(&sha256, self.clock.now()) {
            Some(found) => found,
            None => self.look_up(sha256).await?,
        };
        match &*found {
            Found::Principal(principal) => Ok(Arc::clone(principal)),
            Found::Revoked => Err(AuthError::Revoked),
            Found::Nobody => Err(AuthError::Unknown),
        }
    }

    /// Who has this key, where its scope is one of `scopes`.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn with_scope(
        &self,
        key: Option<&str>,
        scopes: &[Scope],
    ) -> Result<Arc<Principal>, AuthError> {
        let principal = self.principal(key).await?;
        if scopes.contains(&principal.scope) { Ok(principal) } else { Err(AuthError::WrongScope) }
    }

    async fn look_up(&self, sha256: String) -> Result<Arc<Found>, AuthError> {
        let found = match self.directory.key_by_sha256(&sha256).await {
            Ok(Some(key)) if key.revoked_at.is_some() => Found::Revoked,
            Ok(Some(key)) => Found::Principal(Arc::new(Principal::from(&key))),
            Ok(None) => Found::Nobody,
            Err(error) => {
                tracing::error!(%error, "keys can't be looked up");
                return Err(AuthError::Unavailable);
            }
        };
        Ok(self.cache.put(sha256, found, self.clock.now()))
    }
}

/// The template's first key, known by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKey {
    sha256: String,
}

impl RootKey {
    /// Reads the secret `{"sha256": "<64 hexadecimal digits>"}`.
    #[must_use]
    pub fn parse(secret: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(secret).ok()?;
        let sha256 = value["sha256"].as_str()?.to_ascii_lowercase();
        (sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit())).then_some(Self { sha256 })
    }

    /// Whether `key` is the root key.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        constant_time_eq(&self.sha256, &key_sha256(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_key_is_known_by_its_hash() {
        let root = RootKey::parse(&format!(r#"{{"sha256":"{}"}}"#, key_sha256("adr_admin_x"))).unwrap();
        assert!(root.matches("adr_admin_x"));
        assert!(!root.matches("adr_admin_y"));
        for bad in ["", "{}", r#"{"sha256":""}"#, r#"{"sha256":"zz"}"#] {
            assert_eq!(RootKey::parse(bad), None);
        }
    }
}
