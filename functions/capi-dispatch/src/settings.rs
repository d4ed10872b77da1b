//! What the function is told by its environment.

use std::time::Duration;

use adrelay_core::dispatch;
use adrelay_core::retry::Backoff;
use adrelay_lambda::env::{ConfigError, Env};

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// Read once, at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `META_CAPI_INGEST_ENABLED`, default `false`: whether the synchronous endpoint takes events.
    pub enabled: bool,
    /// `CONFIG_TABLE`.
    pub config_table: String,
    /// `EVENTS_TABLE`.
    pub events_table: String,
    /// `CAPI_EVENTS_QUEUE_URL`: where unsent events go.
    pub queue_url: String,
    /// `KEYRING_TOKENS_SECRET`: ARN of the keys that seal tokens.
    pub keyring_secret: String,
    /// `META_APP_SECRET`: ARN of our own app's secret.
    pub meta_app_secret: String,
    /// `GRAPH_BASE_URL`, default `https://graph.facebook.com`.
    pub graph_base_url: String,
    /// `GRAPH_VERSION`, default `v26.0`.
    pub graph_version: String,
    /// `GRAPH_CONNECT_TIMEOUT_MS`, default 3000.
    pub graph_connect_timeout: Duration,
    /// `GRAPH_TOTAL_TIMEOUT_MS`, default 20000.
    pub graph_total_timeout: Duration,
    /// `RETRY_*`, `RESEND_DELAY_*`, `PROBE_DELAY_*`.
    pub dispatch: dispatch::Settings,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let total_ms = env.number("GRAPH_TOTAL_TIMEOUT_MS", 20_000, 100..=120_000)?;
        let backoff = |min, min_default, max, max_default, limit| {
            let base_ms = env.number(min, min_default, 0..=limit)?;
            let max_ms = env.number(max, max_default, 0..=limit)?;
            Ok::<_, ConfigError>(Backoff { base_ms, max_ms })
        };
        Ok(Self {
            enabled: env.flag("META_CAPI_INGEST_ENABLED")?,
            config_table: env.required("CONFIG_TABLE")?,
            events_table: env.required("EVENTS_TABLE")?,
            queue_url: env.required("CAPI_EVENTS_QUEUE_URL")?,
            keyring_secret: env.required("KEYRING_TOKENS_SECRET")?,
            meta_app_secret: env.required("META_APP_SECRET")?,
            graph_base_url: env
                .optional("GRAPH_BASE_URL")
                .unwrap_or_else(|| "https://graph.facebook.com".to_owned()),
            graph_version: env.optional("GRAPH_VERSION").unwrap_or_else(|| "v26.0".to_owned()),
            graph_connect_timeout: Duration::from_millis(env.number(
                "GRAPH_CONNECT_TIMEOUT_MS",
                3_000,
                50..=60_000,
            )?),
            graph_total_timeout: Duration::from_millis(total_ms),
            dispatch: dispatch::Settings {
                retry: backoff("RETRY_BASE_MS", 200, "RETRY_MAX_MS", 2_000, 60_000)?,
                resend_s: backoff("RESEND_DELAY_MIN_S", 10, "RESEND_DELAY_MAX_S", 900, MAX_DELAY_S)?,
                probe_s: backoff("PROBE_DELAY_MIN_S", 30, "PROBE_DELAY_MAX_S", 900, MAX_DELAY_S)?,
                call_timeout_ms: i64::try_from(total_ms).unwrap_or(20_000),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_where_the_template_sets_nothing() {
        let env = Env::from_pairs([
            ("CONFIG_TABLE", "c"),
            ("EVENTS_TABLE", "e"),
            ("CAPI_EVENTS_QUEUE_URL", "q"),
            ("KEYRING_TOKENS_SECRET", "k"),
            ("META_APP_SECRET", "m"),
        ]);
        let settings = Settings::read(&env).unwrap();
        assert!(!settings.enabled);
        assert_eq!(settings.graph_version, "v26.0");
        assert_eq!(settings.dispatch.resend_s, Backoff { base_ms: 10, max_ms: 900 });
    }

    #[test]
    fn a_missing_table_is_named() {
        let error = Settings::read(&Env::from_pairs([("CONFIG_TABLE", "c")])).unwrap_err();
        assert_eq!(error.to_string(), "EVENTS_TABLE is not set");
    }
}
