//! What the function is told by its environment.

use adrelay_lambda::env::{ConfigError, Env};

/// Read once, at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `LEADGEN_ENABLED`, default `false`: whether deliveries are taken. The handshake works in any case.
    pub enabled: bool,
    /// `LEADS_QUEUE_URL`: where announced leads go.
    pub queue_url: String,
    /// `META_APP_SECRET`: ARN of `{"app_id","app_secret","verify_token"}`.
    pub meta_app: String,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            enabled: env.flag("LEADGEN_ENABLED")?,
            queue_url: env.required("LEADS_QUEUE_URL")?,
            meta_app: env.required("META_APP_SECRET")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_off_where_the_template_says_nothing() {
        let env = Env::from_pairs([("LEADS_QUEUE_URL", "q"), ("META_APP_SECRET", "s")]);
        assert!(!Settings::read(&env).unwrap().enabled);
    }

    #[test]
    fn a_missing_queue_or_secret_is_named() {
        let error = |pairs| Settings::read(&Env::from_pairs(pairs)).unwrap_err().to_string();
        assert_eq!(error([("META_APP_SECRET", "s")]), "LEADS_QUEUE_URL is not set");
        assert_eq!(error([("LEADS_QUEUE_URL", "q")]), "META_APP_SECRET is not set");
    }
}
