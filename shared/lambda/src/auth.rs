//! From a key's text to a principal.

use std::sync::Arc;

use adrelay_core::auth::{Principal, constant_time_eq, key_sha256, looks_like_key};
use adrelay_core::cache::{CONFIG_TTL_MS, TtlCache};
use adrelay_core::config::Scope;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::time::UnixMillis;

use crate::problem::Problem;

/// Keys that one process remembers.
const CACHED_KEYS: usize = 10_000;

/// Texts that are nobody's key and that one process remembers. Apart from the keys, so that guesses don't crowd them
/// out.
const CACHED_GUESSES: usize = 1_000;

/// How long a text stays nobody's key, in milliseconds: short, as it may be a key made just now.
const GUESS_TTL_MS: i64 = 5_000;

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
}

/// Looks keys up, and remembers them for at most a minute.
pub struct Authenticator<D, C> {
    directory: D,
    clock: C,
    cache: TtlCache<String, Found>,
    guesses: TtlCache<String, ()>,
}

impl<D: KeyDirectory, C: Clock> Authenticator<D, C> {
    /// An authenticator over a directory of keys.
    pub fn new(directory: D, clock: C) -> Self {
        Self {
            directory,
            clock,
            cache: TtlCache::new(CONFIG_TTL_MS, CACHED_KEYS),
            guesses: TtlCache::new(GUESS_TTL_MS, CACHED_GUESSES),
        }
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
        let now = self.clock.now();
        let found = match self.cache.get(&sha256, now) {
            Some(found) => found,
            None if self.guesses.get(&sha256, now).is_some() => return Err(AuthError::Unknown),
            None => self.look_up(sha256, now).await?,
        };
        match &*found {
            Found::Principal(principal) => Ok(Arc::clone(principal)),
            Found::Revoked => Err(AuthError::Revoked),
        }
    }

    /// Who has this key, where its scope is one of `scopes`.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn with_scope(&self, key: Option<&str>, scopes: &[Scope]) -> Result<Arc<Principal>, AuthError> {
        let principal = self.principal(key).await?;
        if scopes.contains(&principal.scope) { Ok(principal) } else { Err(AuthError::WrongScope) }
    }

    /// Looks a key up. It counts as read at `now`, before the look-up: what changes meanwhile must hold in a minute.
    async fn look_up(&self, sha256: String, now: UnixMillis) -> Result<Arc<Found>, AuthError> {
        let found = match self.directory.key_by_sha256(&sha256).await {
            Ok(Some(key)) if key.revoked_at.is_some() => Found::Revoked,
            Ok(Some(key)) => Found::Principal(Arc::new(Principal::from(&key))),
            Ok(None) => {
                self.guesses.put(sha256, (), now);
                return Err(AuthError::Unknown);
            }
            Err(error) => {
                tracing::error!(%error, "keys can't be looked up");
                return Err(AuthError::Unavailable);
            }
        };
        Ok(self.cache.put(sha256, found, now))
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
    use adrelay_core::config::ApiKey;
    use adrelay_core::ids::{KeyId, SourceId, TenantId};
    use fakes::{MemoryConfig, On, VirtualClock};

    use super::*;

    const KEY: &str = "adr_ingest_k";

    fn api_key(revoked_at: Option<UnixMillis>) -> ApiKey {
        ApiKey {
            tenant_id: TenantId::parse("acme").unwrap(),
            id: KeyId::parse("key_1").unwrap(),
            sha256: key_sha256(KEY),
            scope: Scope::Ingest,
            source_id: Some(SourceId::parse("shop").unwrap()),
            name: "server".to_owned(),
            created_at: UnixMillis(0),
            revoked_at,
        }
    }

    fn rig() -> (MemoryConfig, VirtualClock, Authenticator<MemoryConfig, VirtualClock>) {
        let (config, clock) = (MemoryConfig::default(), VirtualClock::at(UnixMillis(0)));
        (config.clone(), clock.clone(), Authenticator::new(config, clock))
    }

    #[tokio::test]
    async fn a_key_is_its_principal_where_the_scope_fits() {
        let (config, _, auth) = rig();
        config.add_key(api_key(None));
        let principal = auth.with_scope(Some(KEY), &[Scope::Ingest]).await.unwrap();
        assert_eq!(principal.tenant.as_ref().map(TenantId::as_str), Some("acme"));
        assert_eq!(auth.with_scope(Some(KEY), &[Scope::Admin]).await, Err(AuthError::WrongScope));
        assert_eq!(auth.principal(None).await, Err(AuthError::Missing));
    }

    #[tokio::test]
    async fn a_revoked_key_is_refused_within_a_minute() {
        let (config, clock, auth) = rig();
        config.add_key(api_key(None));
        assert!(auth.principal(Some(KEY)).await.is_ok());
        config.add_key(api_key(Some(UnixMillis(1))));
        clock.advance_ms(CONFIG_TTL_MS);
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Revoked));
    }

    #[tokio::test]
    async fn a_new_key_works_seconds_after_it_was_guessed() {
        let (config, clock, auth) = rig();
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unknown));
        config.add_key(api_key(None));
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unknown), "remembered");
        clock.advance_ms(GUESS_TTL_MS);
        assert!(auth.principal(Some(KEY)).await.is_ok());
    }

    #[tokio::test]
    async fn while_keys_cannot_be_looked_up_known_ones_still_work() {
        let (config, clock, auth) = rig();
        config.add_key(api_key(None));
        auth.principal(Some(KEY)).await.unwrap();
        config.set_down(true);
        clock.advance_ms(CONFIG_TTL_MS - 1);
        assert!(auth.principal(Some(KEY)).await.is_ok());
        clock.advance_ms(1);
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unavailable));
        assert_eq!(auth.principal(Some("no key")).await, Err(AuthError::Unknown), "never looked up");
    }

    #[tokio::test]
    async fn a_key_holds_for_a_minute_from_when_it_was_asked_for() {
        let (config, clock, auth) = rig();
        config.add_key(api_key(None));
        config.faults().take_ms("key_by_sha256", On::Nth(1), &clock, 10_000);
        assert!(auth.principal(Some(KEY)).await.is_ok());
        // Revoked while its answer was on the way.
        config.add_key(api_key(Some(UnixMillis(5_001))));
        clock.advance_to(UnixMillis(CONFIG_TTL_MS - 1));
        assert!(auth.principal(Some(KEY)).await.is_ok());
        clock.advance_to(UnixMillis(CONFIG_TTL_MS));
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Revoked));
        assert_eq!(config.faults().calls("key_by_sha256"), 2);
    }

    #[tokio::test]
    async fn a_guess_is_nobodys_key_from_when_it_was_asked_for() {
        let (config, clock, auth) = rig();
        config.faults().take_ms("key_by_sha256", On::Nth(1), &clock, 4_000);
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unknown));
        config.add_key(api_key(None));
        clock.advance_to(UnixMillis(GUESS_TTL_MS - 1));
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unknown), "remembered");
        clock.advance_to(UnixMillis(GUESS_TTL_MS));
        assert!(auth.principal(Some(KEY)).await.is_ok());
    }

    #[tokio::test]
    async fn guesses_do_not_crowd_out_keys() {
        let (config, _, auth) = rig();
        config.add_key(api_key(None));
        assert!(auth.principal(Some(KEY)).await.is_ok());
        for nth in 0..=CACHED_KEYS {
            assert_eq!(auth.principal(Some(&format!("adr_ingest_{nth}"))).await, Err(AuthError::Unknown));
        }
        config.set_down(true);
        assert!(auth.principal(Some(KEY)).await.is_ok());
    }

    #[tokio::test]
    async fn a_failed_look_up_is_not_remembered() {
        let (config, _, auth) = rig();
        config.add_key(api_key(None));
        config.set_down(true);
        assert_eq!(auth.principal(Some(KEY)).await, Err(AuthError::Unavailable));
        config.set_down(false);
        assert!(auth.principal(Some(KEY)).await.is_ok());
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        let problem = |error| Problem::from(error);
        let shown = [
            (AuthError::Missing, 401, "key_missing"),
            (AuthError::Unknown, 401, "key_unknown"),
            (AuthError::Revoked, 401, "key_revoked"),
            (AuthError::WrongScope, 403, "scope_insufficient"),
            (AuthError::Unavailable, 503, "unavailable"),
        ];
        for (error, status, code) in shown {
            assert_eq!((problem(error).status, problem(error).code), (status, code));
        }
    }

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
