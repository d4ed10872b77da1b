//! What the function is told by its environment.

use adrelay_lambda::env::{ConfigError, Env};

/// Most proxies that may stand before the API.
const MAX_TRUSTED_HOPS: u64 = 8;

/// Read once, at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `META_CAPI_INGEST_ENABLED`, default `false`: whether events are taken at all.
    pub enabled: bool,
    /// `TRUSTED_PROXY_HOPS`, default 0: entries of `X-Forwarded-For` that our own proxies wrote.
    pub trusted_hops: usize,
    /// `CONFIG_TABLE`: where keys and sources are.
    pub config_table: String,
    /// `CAPI_EVENTS_QUEUE_URL`: where events go.
    pub queue_url: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let hops = env.number("TRUSTED_PROXY_HOPS", 0, 0..=MAX_TRUSTED_HOPS)?;
        Ok(Self {
            enabled: env.flag("META_CAPI_INGEST_ENABLED")?,
            trusted_hops: usize::try_from(hops).unwrap_or_default(),
            config_table: env.required("CONFIG_TABLE")?,
            queue_url: env.required("CAPI_EVENTS_QUEUE_URL")?,
        })
    }
}
