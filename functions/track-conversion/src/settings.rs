//! What the function is told by its environment.

use adrelay_core::conversion;
use adrelay_lambda::env::{ConfigError, Env};

/// Read once, at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `CONVERSION_TRACKING_ENABLED`, default `false`: whether anything is taken at all.
    pub enabled: bool,
    /// `CONFIG_TABLE`: keys, sources, rules.
    pub config_table: String,
    /// `PEOPLE_TABLE`: people, conversions, holds.
    pub people_table: String,
    /// `CAPI_EVENTS_QUEUE_URL`: where events go.
    pub queue_url: String,
    /// `META_CAPI_FORWARD_ENABLED` and `SHARED_PERSON_TABLE_ENABLED`, default `false`; `KEYRING_PII_SECRET` and
    /// `LOOKUP_KEY_SECRET`: ARNs.
    pub tracking: conversion::Settings,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            enabled: env.flag("CONVERSION_TRACKING_ENABLED")?,
            config_table: env.required("CONFIG_TABLE")?,
            people_table: env.required("PEOPLE_TABLE")?,
            queue_url: env.required("CAPI_EVENTS_QUEUE_URL")?,
            tracking: conversion::Settings {
                forward: env.flag("META_CAPI_FORWARD_ENABLED")?,
                people: env.flag("SHARED_PERSON_TABLE_ENABLED")?,
                keyring_pii: env.required("KEYRING_PII_SECRET")?,
                lookup_key: env.required("LOOKUP_KEY_SECRET")?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_off_where_the_template_says_nothing() {
        let env = Env::from_pairs([
            ("CONFIG_TABLE", "c"),
            ("PEOPLE_TABLE", "p"),
            ("CAPI_EVENTS_QUEUE_URL", "q"),
            ("KEYRING_PII_SECRET", "k"),
            ("LOOKUP_KEY_SECRET", "l"),
        ]);
        let settings = Settings::read(&env).unwrap();
        assert!(!settings.enabled && !settings.tracking.forward && !settings.tracking.people);
    }

    #[test]
    fn a_missing_table_is_named() {
        let error = Settings::read(&Env::from_pairs([("CONFIG_TABLE", "c")])).unwrap_err();
        assert_eq!(error.to_string(), "PEOPLE_TABLE is not set");
    }
}
