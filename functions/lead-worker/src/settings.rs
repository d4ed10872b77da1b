//! What the function is told by its environment.

use std::time::Duration;

use adrelay_core::leads;
use adrelay_core::retry::Backoff;
use adrelay_lambda::env::{ConfigError, Env};

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// Before a sweep takes what its writer has not told, in milliseconds.
const OUTBOX_DUE_MS: i64 = 60_000;

/// Read once, at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `LEADGEN_ENABLED`, default `false`: whether anything is done at all.
    pub enabled: bool,
    /// `CONFIG_TABLE`: pages, connections, sources, rules.
    pub config_table: String,
    /// `PEOPLE_TABLE`: people, conversions, holds.
    pub people_table: String,
    /// `LEADS_TABLE`: leads, forms, the outbox.
    pub leads_table: String,
    /// `JOBS_TABLE`: jobs that ask for a look through forms.
    pub jobs_table: String,
    /// `LEADS_QUEUE_URL`: where leads that can't be read yet, and what is to be looked at, go.
    pub leads_queue_url: String,
    /// `JOBS_QUEUE_URL`: where calls of tenants' webhooks go.
    pub jobs_queue_url: String,
    /// `CAPI_EVENTS_QUEUE_URL`: where events for Meta go.
    pub events_queue_url: String,
    /// `EVENT_BUS_NAME`: where others in the account hear of leads.
    pub event_bus: String,
    /// `KEYRING_TOKENS_SECRET`: ARN of the keys that seal tokens.
    pub keyring_tokens: String,
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
    /// `META_CAPI_FORWARD_ENABLED` and `SHARED_PERSON_TABLE_ENABLED`, default `false`; `KEYRING_PII_SECRET` and
    /// `LOOKUP_KEY_SECRET`: ARNs; `RESEND_DELAY_MIN_S`, default 10, and `RESEND_DELAY_MAX_S`, default 900;
    /// `RECONCILE_INTERVAL_S`, default 900.
    pub leads: leads::Settings,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let connect_ms = env.number("GRAPH_CONNECT_TIMEOUT_MS", 3_000, 50..=60_000)?;
        let total_ms = env.number("GRAPH_TOTAL_TIMEOUT_MS", 20_000, 100..=120_000)?;
        let interval_s = env.number("RECONCILE_INTERVAL_S", 900, 60..=86_400)?;
        Ok(Self {
            enabled: env.flag("LEADGEN_ENABLED")?,
            config_table: env.required("CONFIG_TABLE")?,
            people_table: env.required("PEOPLE_TABLE")?,
            leads_table: env.required("LEADS_TABLE")?,
            jobs_table: env.required("JOBS_TABLE")?,
            leads_queue_url: env.required("LEADS_QUEUE_URL")?,
            jobs_queue_url: env.required("JOBS_QUEUE_URL")?,
            events_queue_url: env.required("CAPI_EVENTS_QUEUE_URL")?,
            event_bus: env.required("EVENT_BUS_NAME")?,
            keyring_tokens: env.required("KEYRING_TOKENS_SECRET")?,
            meta_app_secret: env.required("META_APP_SECRET")?,
            graph_base_url: env
                .optional("GRAPH_BASE_URL")
                .unwrap_or_else(|| "https://graph.facebook.com".to_owned()),
            graph_version: env.optional("GRAPH_VERSION").unwrap_or_else(|| "v26.0".to_owned()),
            graph_connect_timeout: Duration::from_millis(connect_ms),
            graph_total_timeout: Duration::from_millis(total_ms),
            leads: leads::Settings {
                forward: env.flag("META_CAPI_FORWARD_ENABLED")?,
                people: env.flag("SHARED_PERSON_TABLE_ENABLED")?,
                keyring_pii: env.required("KEYRING_PII_SECRET")?,
                lookup_key: env.required("LOOKUP_KEY_SECRET")?,
                resend_s: Backoff {
                    base_ms: env.number("RESEND_DELAY_MIN_S", 10, 0..=MAX_DELAY_S)?,
                    max_ms: env.number("RESEND_DELAY_MAX_S", 900, 0..=MAX_DELAY_S)?,
                },
                reconcile_interval_s: i64::try_from(interval_s).unwrap_or(900),
                outbox_due_ms: OUTBOX_DUE_MS,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [&str; 12] = [
        "CONFIG_TABLE",
        "PEOPLE_TABLE",
        "LEADS_TABLE",
        "JOBS_TABLE",
        "LEADS_QUEUE_URL",
        "JOBS_QUEUE_URL",
        "CAPI_EVENTS_QUEUE_URL",
        "EVENT_BUS_NAME",
        "KEYRING_TOKENS_SECRET",
        "META_APP_SECRET",
        "KEYRING_PII_SECRET",
        "LOOKUP_KEY_SECRET",
    ];

    #[test]
    fn everything_is_off_where_the_template_says_nothing() {
        let settings = Settings::read(&Env::from_pairs(REQUIRED.map(|name| (name, "x")))).unwrap();
        assert!(!settings.enabled && !settings.leads.forward && !settings.leads.people);
        assert_eq!(settings.leads.resend_s, Backoff { base_ms: 10, max_ms: 900 });
        assert_eq!(settings.leads.reconcile_interval_s, 900);
    }

    #[test]
    fn whatever_is_missing_is_named() {
        for missing in REQUIRED {
            let given = REQUIRED.map(|name| (if name == missing { "SOMETHING_ELSE" } else { name }, "x"));
            let error = Settings::read(&Env::from_pairs(given)).unwrap_err();
            assert_eq!(error.to_string(), format!("{missing} is not set"));
        }
    }

    #[test]
    fn an_interval_out_of_bounds_is_refused() {
        let mut pairs = [("RECONCILE_INTERVAL_S", "59"); REQUIRED.len() + 1];
        pairs[1..].copy_from_slice(&REQUIRED.map(|name| (name, "x")));
        assert!(Settings::read(&Env::from_pairs(pairs)).is_err());
    }
}
