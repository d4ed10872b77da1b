//! The comparison itself: what is granted, what is used, and what neither explains.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, ensure};
use serde_json::Value;

/// One action of one function on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The function's name, e.g. `admin-api`.
    pub function: String,
    /// As in a policy, e.g. `dynamodb:GetItem`.
    pub action: String,
    /// The last part of the resource's ARN, e.g. `table/adrelay-config`.
    pub resource: String,
}

impl Right {
    /// `function` does `action` to `resource`.
    #[must_use]
    pub fn new(function: &str, action: &str, resource: &str) -> Self {
        Self { function: function.to_owned(), action: action.to_owned(), resource: resource.to_owned() }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} on {}", self.function, self.action, self.resource)
    }
}

/// A right that a function has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The right.
    pub right: Right,
    /// Whether IAM refused it.
    pub refused: bool,
}

/// A right that a role grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) right: Right,
    pub(super) sid: String,
}

impl Grant {
    /// Every action on every resource of a policy whose resources are resolved.
    pub(super) fn all_of(function: &str, policy: &Value) -> anyhow::Result<Vec<Self>> {
        let mut grants = Vec::new();
        for statement in policy["Statement"].as_array().context("no statements")? {
            let sid =
                statement["Sid"].as_str().with_context(|| format!("{function}: no Sid: {statement}"))?;
            ensure!(statement["Effect"] == "Allow", "{function}.{sid} does not allow");
            let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            ensure!(!actions.is_empty() && !resources.is_empty(), "{function}.{sid} allows nothing");
            for action in actions {
                for arn in &resources {
                    // A resource that is no ARN stays as it is, and is never used.
                    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
                    let right = Right::new(function, action, resource);
                    grants.push(Self { right, sid: sid.to_owned() });
                }
            }
        }
        Ok(grants)
    }
}

/// A text, or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}

/// A right that no call shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exception {
    /// One function, or every one.
    pub(super) function: Option<&'static str>,
    pub(super) action: &'static str,
    /// Why it is granted all the same.
    pub(super) reason: &'static str,
}

impl Exception {
    pub(super) fn is_for(&self, right: &Right) -> bool {
        self.action == right.action && self.function.is_none_or(|function| function == right.function)
    }
}

/// What is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// A role grants what its function never did.
    NeverUsed(Grant),
    /// A function has asked for what its role does not grant.
    NotGranted(Right),
    /// Two statements grant the same.
    GrantedTwice(Right, String, String),
    /// An exception that excepts nothing.
    NeedlessException(Exception),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverUsed(Grant { right, sid }) => write!(f, "granted and never used: {right} ({sid})"),
            Self::NotGranted(right) => write!(f, "used and not granted: {right}"),
            Self::GrantedTwice(right, one, other) => write!(f, "granted twice: {right} ({one}, {other})"),
            Self::NeedlessException(Exception { function, action, reason }) => {
                let function = function.unwrap_or("every function");
                write!(f, "an exception that nothing needs: {function}: {action} ({reason})")
            }
        }
    }
}

/// Compares both ways. Calls that were refused show no use, but that a function wants the right.
pub(super) fn compare(grants: &[Grant], calls: &[Call], exceptions: &[Exception]) -> Vec<Finding> {
    let wanted: BTreeSet<&Right> = calls.iter().map(|call| &call.right).collect();
    let used: BTreeSet<&Right> = calls.iter().filter(|call| !call.refused).map(|call| &call.right).collect();
    let mut findings = Vec::new();
    let mut needed: BTreeSet<usize> = BTreeSet::new();
    let mut granted: BTreeMap<&Right, &str> = BTreeMap::new();
    for grant in grants {
        if let Some(other) = granted.insert(&grant.right, &grant.sid) {
            findings.push(Finding::GrantedTwice(grant.right.clone(), other.to_owned(), grant.sid.clone()));
            continue;
        }
        if used.contains(&grant.right) {
            continue;
        }
        match exceptions.iter().position(|exception| exception.is_for(&grant.right)) {
            Some(at) => drop(needed.insert(at)),
            None => findings.push(Finding::NeverUsed(grant.clone())),
        }
    }
    let not_granted = wanted.iter().filter(|right| !granted.contains_key(**right));
    findings.extend(not_granted.map(|right| Finding::NotGranted((*right).clone())));
    let needless = exceptions.iter().enumerate().filter(|(at, _)| !needed.contains(at));
    findings.extend(needless.map(|(_, exception)| Finding::NeedlessException(*exception)));
    findings
}

#[cfg(test)]
mod tests;
