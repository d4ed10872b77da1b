//! Whether the functions' roles are what the functions use: the log of their calls against their policies.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use self::compare::{Finding, Grant, compare};
use self::exceptions::EXCEPTIONS;
use crate::package::Function;
use crate::running::Stack;

mod compare;
mod exceptions;

pub use compare::{Call, Right};

/// Directory of the log of calls in a stack's directory.
const CALLS: &str = "calls";

/// Where the functions of the stack in `directory` note their calls.
pub(crate) fn call_log_in(directory: &Path) -> PathBuf {
    directory.join(CALLS)
}

/// What a comparison has found.
#[derive(Debug)]
pub struct PermissionsReport {
    granted: usize,
    used: usize,
    excepted: usize,
    findings: Vec<Finding>,
}

impl PermissionsReport {
    /// Whether each right is used, and each that is used is granted.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl std::fmt::Display for PermissionsReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (granted, used, excepted) = (self.granted, self.used, self.excepted);
        write!(f, "permissions: {granted} rights granted, {used} of them used, {excepted} excepted")?;
        for finding in &self.findings {
            f.write_char('\n')?;
            write!(f, "  {finding}")?;
        }
        Ok(())
    }
}

impl Stack {
    /// Every right that the functions have asked for so far, once a process.
    ///
    /// # Errors
    /// When the log can't be read or has a line that is no call.
    pub fn calls(&self) -> anyhow::Result<Vec<Call>> {
        let directory = Path::new(&self.env().ministack_log).with_file_name(CALLS);
        let mut calls = Vec::new();
        for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            for line in text.lines() {
                calls.push(self.call(line).with_context(|| format!("{}: {line}", path.display()))?);
            }
        }
        Ok(calls)
    }

    fn call(&self, line: &str) -> anyhow::Result<Call> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, action, resource, outcome] = fields[..] else { anyhow::bail!("not four fields") };
        let named = Function::ALL.into_iter().find(|function| self.deployed_name(*function) == name);
        let function = named.context("no function of this deployment")?.name();
        ensure!(matches!(outcome, "allowed" | "refused"), "no outcome");
        Ok(Call { right: Right::new(function, action, resource), refused: outcome == "refused" })
    }

    /// Compares what every role grants with what its function has used so far; to be asked after the whole suite.
    ///
    /// # Errors
    /// When the log or a role can't be read.
    pub async fn permissions(&self) -> anyhow::Result<PermissionsReport> {
        let mut grants = Vec::new();
        for function in Function::ALL {
            let policy = self.role_policy(function).await?;
            grants.extend(Grant::all_of(function.name(), &policy)?);
        }
        let calls = self.calls()?;
        let used: BTreeSet<&Right> =
            calls.iter().filter(|call| !call.refused).map(|call| &call.right).collect();
        let rights: BTreeSet<&Right> = grants.iter().map(|grant| &grant.right).collect();
        let excepted =
            rights.iter().filter(|right| EXCEPTIONS.iter().any(|exception| exception.is_for(right)));
        Ok(PermissionsReport {
            granted: rights.len(),
            used: rights.intersection(&used).count(),
            excepted: excepted.count(),
            findings: compare(&grants, &calls, &EXCEPTIONS),
        })
    }
}
