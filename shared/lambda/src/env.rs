//! Configuration from the environment: read once, at start, into one typed struct per function.

use std::collections::HashMap;
use std::ops::RangeInclusive;

/// A variable that is missing or malformed. It names the variable and the rule, never the value: that could be a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set, or empty.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It does not follow its rule.
    #[error("{name} must be {rule}")]
    Malformed {
        /// The variable.
        name: &'static str,
        /// What it should have been.
        rule: String,
    },
}

impl ConfigError {
    /// A malformed variable.
    #[must_use]
    pub fn malformed(name: &'static str, rule: impl Into<String>) -> Self {
        Self::Malformed { name, rule: rule.into() }
    }
}

/// Where configuration comes from: the process's environment, or a map in tests. An empty value counts as not set,
/// as CloudFormation can't leave a variable out by condition alone.
#[derive(Debug, Clone, Default)]
pub struct Env(Option<HashMap<String, String>>);

impl Env {
    /// The environment of this process.
    #[must_use]
    pub fn process() -> Self {
        Self(None)
    }

    /// These variables and no others.
    #[must_use]
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(Some(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// A variable that may be absent.
    #[must_use]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        let value = match &self.0 {
            Some(pairs) => pairs.get(name).cloned(),
            None => std::env::var(name).ok(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    /// A gate: `true` or `false`; absent is `false`.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`] for any other text: a misspelt gate must not pass for a closed one.
    pub fn flag(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.optional(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ConfigError::malformed(name, "true or false")),
        }
    }

    /// A whole number within `range`; absent is `default`.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`].
    pub fn number(
        &self,
        name: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            ConfigError::malformed(name, format!("a number from {} to {}", range.start(), range.end()))
        })
    }

    /// `LOG_LEVEL`; absent is `info`.
    ///
    /// # Errors
    /// [`ConfigError::Malformed`].
    pub fn log_level(&self) -> Result<LogLevel, ConfigError> {
        match self.optional("LOG_LEVEL").as_deref() {
            Some("error") => Ok(LogLevel::Error),
            Some("warn") => Ok(LogLevel::Warn),
            None | Some("info") => Ok(LogLevel::Info),
            Some("debug") => Ok(LogLevel::Debug),
            Some(_) => Err(ConfigError::malformed("LOG_LEVEL", "error, warn, info or debug")),
        }
    }
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// What needs a person.
    Error,
    /// What may need one.
    Warn,
    /// One line or two per invocation.
    #[default]
    Info,
    /// For finding faults.
    Debug,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let env = Env::from_pairs([("EMPTY", "")]);
        assert_eq!(env.required("EMPTY").unwrap_err().to_string(), "EMPTY is not set");
        assert_eq!(env.required("ABSENT").unwrap_err().to_string(), "ABSENT is not set");
    }

    #[test]
    fn a_gate_is_true_or_false_and_nothing_else() {
        let env = Env::from_pairs([("ON", "true"), ("OFF", "false"), ("ODD", "True")]);
        assert_eq!(env.flag("ON"), Ok(true));
        assert_eq!(env.flag("OFF"), Ok(false));
        assert_eq!(env.flag("ABSENT"), Ok(false));
        assert_eq!(env.flag("ODD").unwrap_err().to_string(), "ODD must be true or false");
    }

    #[test]
    fn a_number_has_bounds() {
        let env = Env::from_pairs([("N", "900"), ("BAD", "9x"), ("BIG", "901")]);
        assert_eq!(env.number("N", 10, 1..=900), Ok(900));
        assert_eq!(env.number("ABSENT", 10, 1..=900), Ok(10));
        for name in ["BAD", "BIG"] {
            let error = env.number(name, 10, 1..=900).unwrap_err();
            assert_eq!(error.to_string(), format!("{name} must be a number from 1 to 900"));
        }
    }

    #[test]
    fn an_error_never_shows_the_value() {
        let env = Env::from_pairs([("LOG_LEVEL", "hush")]);
        assert!(!env.log_level().unwrap_err().to_string().contains("hush"));
    }
}
