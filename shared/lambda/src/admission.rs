//! Who may post, and for which source.

use std::sync::Arc;

use adrelay_core::cache::{CONFIG_TTL_MS, TtlCache};
use adrelay_core::config::{Scope, Source};
use adrelay_core::ids::{SourceId, TenantId};
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;

use crate::auth::{AuthError, Authenticator};
use crate::problem::Problem;
use crate::telemetry;

/// Sources that one process remembers.
const CACHED_SOURCES: usize = 1_000;

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Its key does not do.
    Key(AuthError),
    /// Its key is of a source that is gone.
    SourceUnknown,
}

impl From<AuthError> for Denied {
    fn from(error: AuthError) -> Self {
        Self::Key(error)
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Key(error) => error.into(),
            Denied::SourceUnknown => Self::new(403, "source_unknown", "The source of this key is gone."),
        }
    }
}

/// Finds keys and sources, and remembers them for at most a minute.
pub struct Admission<D, C> {
    keys: Authenticator<D, C>,
    clock: C,
    sources: TtlCache<(TenantId, SourceId), Option<Source>>,
}

impl<D: KeyDirectory, C: Clock + Clone> Admission<D, C> {
    /// Over a directory of keys and sources.
    pub fn new(directory: D, clock: C) -> Self {
        Self {
            keys: Authenticator::new(directory, clock.clone()),
            clock,
            sources: TtlCache::new(CONFIG_TTL_MS, CACHED_SOURCES),
        }
    }

    /// The tenant of a key of this scope, as [`Self::source`] will find it.
    ///
    /// # Errors
    /// See [`Denied`]; never [`Denied::SourceUnknown`].
    pub async fn tenant(&self, key: Option<&str>, scope: Scope) -> Result<TenantId, Denied> {
        let principal = self.keys.with_scope(key, &[scope]).await?;
        principal.tenant.clone().ok_or_else(|| AuthError::WrongScope.into())
    }

    /// The source that a key of this scope is bound to. Exactly this scope: an admin key posts no events, for it has no
    /// source to post them for.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn source(&self, key: Option<&str>, scope: Scope) -> Result<Arc<Option<Source>>, Denied> {
        let principal = self.keys.with_scope(key, &[scope]).await?;
        let (Some(tenant), Some(id)) = (&principal.tenant, &principal.source) else {
            return Err(AuthError::WrongScope.into());
        };
        telemetry::tenant(tenant);
        let name = (tenant.clone(), id.clone());
        let found = match self.sources.get(&name, self.clock.now()) {
            Some(found) => found,
            None => match self.keys.directory().source(tenant, id).await {
                Ok(found) => self.sources.put(name, found, self.clock.now()),
                Err(error) => {
                    tracing::error!(%error, %tenant, source = %id, "the source can't be read");
                    return Err(AuthError::Unavailable.into());
                }
            },
        };
        if found.is_some() { Ok(found) } else { Err(Denied::SourceUnknown) }
    }
}

#[cfg(test)]
mod tests {
    use adrelay_core::auth::key_sha256;
    use adrelay_core::config::ApiKey;
    use adrelay_core::ids::KeyId;
    use adrelay_core::time::UnixMillis;
    use fakes::{MemoryConfig, On, VirtualClock};

    use super::*;

    const KEY: &str = "adr_ingest_k";

    fn shop() -> Source {
        let (tenant, id) = (TenantId::parse("acme").unwrap(), SourceId::parse("shop").unwrap());
        Source::new(tenant, id, "Shop".to_owned(), UnixMillis(0))
    }

    fn api_key(text: &str, scope: Scope, bound: bool) -> ApiKey {
        ApiKey {
            tenant_id: shop().tenant_id,
            id: KeyId::parse("key_1").unwrap(),
            sha256: key_sha256(text),
            scope,
            source_id: bound.then(|| shop().id),
            name: "server".to_owned(),
            created_at: UnixMillis(0),
            revoked_at: None,
        }
    }

    fn rig() -> (MemoryConfig, VirtualClock, Admission<MemoryConfig, VirtualClock>) {
        let (config, clock) = (MemoryConfig::default(), VirtualClock::at(UnixMillis(0)));
        config.add_key(api_key(KEY, Scope::Ingest, true));
        config.add_source(shop());
        (config.clone(), clock.clone(), Admission::new(config, clock))
    }

    async fn name(admission: &Admission<MemoryConfig, VirtualClock>) -> Result<String, Denied> {
        let source = admission.source(Some(KEY), Scope::Ingest).await?;
        Ok(source.as_ref().as_ref().unwrap().name.clone())
    }

    #[tokio::test]
    async fn a_key_of_the_scope_opens_its_source_and_its_tenant() {
        let (config, _, admission) = rig();
        let source = admission.source(Some(KEY), Scope::Ingest).await.unwrap();
        assert_eq!(*source, Some(shop()));
        assert_eq!(admission.tenant(Some(KEY), Scope::Ingest).await, Ok(shop().tenant_id));
        config.add_key(api_key("adr_admin_k", Scope::Admin, false));
        config.add_key(api_key("adr_ingest_unbound", Scope::Ingest, false));
        for (key, scope, why) in [
            (None, Scope::Ingest, AuthError::Missing),
            (Some("adr_ingest_other"), Scope::Ingest, AuthError::Unknown),
            (Some(KEY), Scope::Public, AuthError::WrongScope),
            (Some("adr_admin_k"), Scope::Ingest, AuthError::WrongScope),
            (Some("adr_admin_k"), Scope::Admin, AuthError::WrongScope),
            (Some("adr_ingest_unbound"), Scope::Ingest, AuthError::WrongScope),
        ] {
            assert_eq!(admission.source(key, scope).await, Err(Denied::Key(why)), "{key:?} {scope:?}");
        }
        let wrong = Denied::Key(AuthError::WrongScope);
        assert_eq!(admission.tenant(Some(KEY), Scope::Public).await, Err(wrong));
    }

    #[tokio::test]
    async fn a_source_is_remembered_for_a_minute_whether_or_not_it_is_there() {
        let (config, clock, admission) = rig();
        config.add_key(api_key("adr_ingest_lost", Scope::Ingest, true));
        assert_eq!(name(&admission).await.unwrap(), "Shop");
        config.add_source(Source { name: "Store".to_owned(), ..shop() });
        clock.advance_ms(CONFIG_TTL_MS - 1);
        assert_eq!(name(&admission).await.unwrap(), "Shop");
        clock.advance_ms(1);
        assert_eq!(name(&admission).await.unwrap(), "Store");
        assert_eq!(config.faults().calls("source"), 2);
        let gone = SourceId::parse("gone").unwrap();
        config.add_key(ApiKey { source_id: Some(gone), ..api_key("adr_ingest_gone", Scope::Ingest, true) });
        for _ in 0..2 {
            let denied = admission.source(Some("adr_ingest_gone"), Scope::Ingest).await;
            assert_eq!(denied, Err(Denied::SourceUnknown));
        }
        assert_eq!(config.faults().calls("source"), 3);
    }

    #[tokio::test]
    async fn a_source_that_cannot_be_read_is_unavailable_and_not_remembered() {
        let (config, _, admission) = rig();
        config.faults().set_down("source", true);
        assert_eq!(name(&admission).await, Err(Denied::Key(AuthError::Unavailable)));
        config.faults().set_down("source", false);
        assert_eq!(name(&admission).await.unwrap(), "Shop");
    }

    #[tokio::test]
    #[should_panic(expected = "unlisted: a source is older than a minute")]
    async fn a_source_holds_for_a_minute_from_when_it_was_asked_for() {
        let (config, clock, admission) = rig();
        config.faults().take_ms("source", On::Nth(1), &clock, 10_000);
        assert_eq!(name(&admission).await.unwrap(), "Shop");
        config.add_source(Source { name: "Store".to_owned(), ..shop() });
        clock.advance_to(UnixMillis(CONFIG_TTL_MS - 1));
        assert_eq!(name(&admission).await.unwrap(), "Shop");
        clock.advance_to(UnixMillis(CONFIG_TTL_MS));
        assert_eq!(name(&admission).await.unwrap(), "Store", "unlisted: a source is older than a minute");
    }

    #[test]
    fn every_denial_has_its_status_and_code() {
        let gone = Problem::from(Denied::SourceUnknown);
        assert_eq!((gone.status, gone.code), (403, "source_unknown"));
        let missing = Problem::from(Denied::from(AuthError::Missing));
        assert_eq!((missing.status, missing.code), (401, "key_missing"));
    }
}
