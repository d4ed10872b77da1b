//! What the function is told by its environment.

use adrelay_core::jobs::{self, PART_BYTES};
use adrelay_core::retry::Backoff;
use adrelay_lambda::env::{ConfigError, Env};

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// Read once, at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `CONFIG_TABLE`: tenants' webhooks.
    pub config_table: String,
    /// `LEADS_TABLE`.
    pub leads_table: String,
    /// `JOBS_TABLE`: jobs and deliveries.
    pub jobs_table: String,
    /// `JOBS_QUEUE_URL`: where what goes on later is sent.
    pub jobs_queue_url: String,
    /// `EXPORTS_BUCKET`.
    pub exports_bucket: String,
    /// `OUTSIDE_LOOPBACK_ALLOWED`, default `false`: whether receivers may be on this machine; only in the local stack.
    pub loopback_allowed: bool,
    /// `KEYRING_TOKENS_SECRET`, `KEYRING_PII_SECRET` (ARNs), `RESEND_DELAY_MIN_S`, default 10, `RESEND_DELAY_MAX_S`,
    /// default 900, `WEBHOOK_TRIES_MAX`, default 12.
    pub jobs: jobs::Settings,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let tries = env.number("WEBHOOK_TRIES_MAX", 12, 1..=50)?;
        Ok(Self {
            config_table: env.required("CONFIG_TABLE")?,
            leads_table: env.required("LEADS_TABLE")?,
            jobs_table: env.required("JOBS_TABLE")?,
            jobs_queue_url: env.required("JOBS_QUEUE_URL")?,
            exports_bucket: env.required("EXPORTS_BUCKET")?,
            loopback_allowed: env.flag("OUTSIDE_LOOPBACK_ALLOWED")?,
            jobs: jobs::Settings {
                keyring_tokens: env.required("KEYRING_TOKENS_SECRET")?,
                keyring_pii: env.required("KEYRING_PII_SECRET")?,
                resend_s: Backoff {
                    base_ms: env.number("RESEND_DELAY_MIN_S", 10, 0..=MAX_DELAY_S)?,
                    max_ms: env.number("RESEND_DELAY_MAX_S", 900, 0..=MAX_DELAY_S)?,
                },
                webhook_tries_max: u32::try_from(tries).unwrap_or(12),
                part_bytes: PART_BYTES,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(tries: &str) -> Env {
        Env::from_pairs([
            ("CONFIG_TABLE", "c"),
            ("LEADS_TABLE", "l"),
            ("JOBS_TABLE", "j"),
            ("JOBS_QUEUE_URL", "q"),
            ("EXPORTS_BUCKET", "b"),
            ("KEYRING_TOKENS_SECRET", "t"),
            ("KEYRING_PII_SECRET", "p"),
            ("WEBHOOK_TRIES_MAX", tries),
        ])
    }

    #[test]
    fn defaults_hold_where_the_template_sets_nothing() {
        let settings = Settings::read(&env("")).unwrap();
        assert!(!settings.loopback_allowed);
        assert_eq!(settings.jobs.webhook_tries_max, 12);
        assert_eq!(settings.jobs.resend_s, Backoff { base_ms: 10, max_ms: 900 });
    }

    #[test]
    fn what_is_missing_or_out_of_bounds_is_named() {
        let error = Settings::read(&Env::from_pairs([("CONFIG_TABLE", "c")])).unwrap_err();
        assert_eq!(error.to_string(), "LEADS_TABLE is not set");
        let error = Settings::read(&env("51")).unwrap_err();
        assert_eq!(error.to_string(), "WEBHOOK_TRIES_MAX must be a number from 1 to 50");
    }
}
