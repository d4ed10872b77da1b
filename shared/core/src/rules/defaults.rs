//! The rules that are shipped, as data: a tenant loads them and then owns them.

use serde_json::Value;

use super::model::Rule;
use super::parse::parse;
use super::reader::RuleError;

const RULES: &str = include_str!("defaults.json");

/// The shipped rules. What they are stands in `docs/rules.md`.
///
/// # Errors
/// Never: a test reads them.
pub fn default_rules() -> Result<Vec<Rule>, Vec<RuleError>> {
    parse(&serde_json::from_str(RULES).unwrap_or(Value::Null))
}
