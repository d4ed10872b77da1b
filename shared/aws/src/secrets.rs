//! Secrets, cached: re-read after their time, or when an authentication failed with them; served stale where Secrets
//! Manager refuses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use adrelay_core::ports::StoreError;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

/// How long a secret is used without reading it anew, in milliseconds: 5 minutes.
const TTL_MS: i64 = 300_000;

/// A secret is not read anew more often than this, in milliseconds: once a minute.
const REFRESH_MS: i64 = 60_000;

#[derive(Debug, Clone)]
struct Cached {
    secret: Secret,
    read_at: UnixMillis,
    tried_at: UnixMillis,
}

/// Secrets Manager behind a cache. Clones share it.
#[derive(Debug, Clone)]
pub struct SecretsManager<C> {
    client: Client,
    clock: C,
    cache: Arc<Mutex<HashMap<String, Cached>>>,
}

impl<C: Clock> SecretsManager<C> {
    /// An empty cache before Secrets Manager.
    pub fn new(client: Client, clock: C) -> Self {
        Self { client, clock, cache: Arc::default() }
    }

    fn cached(&self, id: &str) -> Option<Cached> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn put(&self, id: &str, cached: Cached) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), cached);
    }

    async fn read(&self, id: &str, stale: Option<Cached>) -> Result<Secret, StoreError> {
        let now = self.clock.now();
        let read = self.client.get_secret_value().secret_id(id).send().await;
        let code = match read {
            Ok(answer) => match answer.secret_string {
                Some(text) => {
                    let secret = Secret::new(text);
                    self.put(id, Cached { secret: secret.clone(), read_at: now, tried_at: now });
                    return Ok(secret);
                }
                None => "the secret is empty".to_owned(),
            },
            Err(error) => error.code().unwrap_or("no answer").to_owned(),
        };
        match stale {
            Some(cached) => {
                tracing::warn!(code, "a secret can't be read; the cached one is used");
                self.put(id, Cached { tried_at: now, ..cached.clone() });
                Ok(cached.secret)
            }
            None => Err(StoreError::Unavailable(code)),
        }
    }
}

impl<C: Clock> Secrets for SecretsManager<C> {
    async fn secret(&self, id: &str) -> Result<Secret, StoreError> {
        let now = self.clock.now();
        match self.cached(id) {
            Some(cached)
                if now.ms_since(cached.read_at) < TTL_MS || now.ms_since(cached.tried_at) < REFRESH_MS =>
            {
                Ok(cached.secret)
            }
            other => self.read(id, other).await,
        }
    }

    async fn refresh(&self, id: &str) -> Result<Secret, StoreError> {
        let now = self.clock.now();
        match self.cached(id) {
            Some(cached) if now.ms_since(cached.tried_at) < REFRESH_MS => Ok(cached.secret),
            other => self.read(id, other).await,
        }
    }
}
