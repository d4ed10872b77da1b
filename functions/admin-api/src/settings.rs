//! What the function is told by its environment.

use adrelay_lambda::env::{ConfigError, Env};

/// Read once, at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `CONFIG_TABLE`: what people configure.
    pub config_table: String,
    /// `EVENTS_TABLE`: receipts.
    pub events_table: String,
    /// `PEOPLE_TABLE`: people.
    pub people_table: String,
    /// `LEADS_TABLE`: leads and their forms.
    pub leads_table: String,
    /// `JOBS_TABLE`: jobs, and calls of tenants' webhooks.
    pub jobs_table: String,
    /// `EXPORTS_BUCKET`: what jobs wrote.
    pub exports_bucket: String,
    /// What is turned on.
    pub switches: Switches,
    /// `CAPI_EVENTS_QUEUE_URL`: where releases go.
    pub queue_url: String,
    /// `LEADS_QUEUE_URL`: where work of lead-worker goes.
    pub leads_queue_url: String,
    /// `JOBS_QUEUE_URL`: where work of job-worker goes.
    pub jobs_queue_url: String,
    /// Names of the secrets.
    pub secret_ids: SecretIds,
    /// `GRAPH_BASE_URL`, default `https://graph.facebook.com`.
    pub graph_base_url: String,
    /// `GRAPH_VERSION`, default `v26.0`.
    pub graph_version: String,
    /// `GRAPH_CONNECT_TIMEOUT_MS`, default 3000.
    pub graph_connect_timeout_ms: u64,
    /// `GRAPH_TOTAL_TIMEOUT_MS`, default 20000.
    pub graph_total_timeout_ms: u64,
}

/// What is turned on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Switches {
    /// `SHARED_PERSON_TABLE_ENABLED`, default `false`: whether `/people` does anything.
    pub people: bool,
    /// `LEADGEN_ENABLED`, default `false`: whether what is about leads does anything.
    pub leads: bool,
    /// `OUTSIDE_LOOPBACK_ALLOWED`, default `false`: whether a tenant's webhook may be on this machine. For the local stack.
    pub loopback: bool,
}

/// ARNs of the secrets that the function reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretIds {
    /// `ADMIN_KEY_SECRET`: the root key's hash.
    pub admin_key: String,
    /// `KEYRING_TOKENS_SECRET`: what tokens are sealed with.
    pub keyring_tokens: String,
    /// `META_APP_SECRET`: our Meta app.
    pub meta_app: String,
    /// `KEYRING_PII_SECRET`: what personal data is sealed with.
    pub keyring_pii: String,
    /// `LOOKUP_KEY_SECRET`: what identity links are made with.
    pub lookup_key: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let base_url = env.optional("GRAPH_BASE_URL");
        Ok(Self {
            config_table: env.required("CONFIG_TABLE")?,
            events_table: env.required("EVENTS_TABLE")?,
            people_table: env.required("PEOPLE_TABLE")?,
            leads_table: env.required("LEADS_TABLE")?,
            jobs_table: env.required("JOBS_TABLE")?,
            exports_bucket: env.required("EXPORTS_BUCKET")?,
            switches: Switches {
                people: env.flag("SHARED_PERSON_TABLE_ENABLED")?,
                leads: env.flag("LEADGEN_ENABLED")?,
                loopback: env.flag("OUTSIDE_LOOPBACK_ALLOWED")?,
            },
            queue_url: env.required("CAPI_EVENTS_QUEUE_URL")?,
            leads_queue_url: env.required("LEADS_QUEUE_URL")?,
            jobs_queue_url: env.required("JOBS_QUEUE_URL")?,
            secret_ids: SecretIds {
                admin_key: env.required("ADMIN_KEY_SECRET")?,
                keyring_tokens: env.required("KEYRING_TOKENS_SECRET")?,
                meta_app: env.required("META_APP_SECRET")?,
                keyring_pii: env.required("KEYRING_PII_SECRET")?,
                lookup_key: env.required("LOOKUP_KEY_SECRET")?,
            },
            graph_base_url: base_url.unwrap_or_else(|| "https://graph.facebook.com".to_owned()),
            graph_version: env.optional("GRAPH_VERSION").unwrap_or_else(|| "v26.0".to_owned()),
            graph_connect_timeout_ms: env.number("GRAPH_CONNECT_TIMEOUT_MS", 3_000, 100..=30_000)?,
            graph_total_timeout_ms: env.number("GRAPH_TOTAL_TIMEOUT_MS", 20_000, 100..=60_000)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let named = [
            ("CONFIG_TABLE", "c"),
            ("EVENTS_TABLE", "e"),
            ("PEOPLE_TABLE", "p"),
            ("LEADS_TABLE", "l"),
            ("JOBS_TABLE", "j"),
            ("EXPORTS_BUCKET", "b"),
        ];
        let error = Settings::read(&Env::from_pairs(named)).unwrap_err();
        assert_eq!(error, ConfigError::Missing("CAPI_EVENTS_QUEUE_URL"));
    }
}
