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
