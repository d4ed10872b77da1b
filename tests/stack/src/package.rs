//! Builds the functions and lays them out as the template's `CodeUri` expects.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

/// The functions of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Takes events.
    CapiIngest,
    /// Sends them to Meta.
    CapiDispatch,
    /// Takes conversions and keeps people.
    TrackConversion,
    /// Takes Meta's announcements of leads.
    LeadgenWebhook,
    /// Reads leads, compares them with Meta's, tells of them.
    LeadWorker,
    /// Writes exports and calls tenants' webhooks.
    JobWorker,
    /// Everything people manage.
    AdminApi,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::CapiIngest,
        Self::CapiDispatch,
        Self::TrackConversion,
        Self::LeadgenWebhook,
        Self::LeadWorker,
        Self::JobWorker,
        Self::AdminApi,
    ];

    /// Its package, its directory under `functions/` and `target/lambda/`, and the end of its deployed name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CapiIngest => "capi-ingest",
            Self::CapiDispatch => "capi-dispatch",
            Self::TrackConversion => "track-conversion",
            Self::LeadgenWebhook => "leadgen-webhook",
            Self::LeadWorker => "lead-worker",
            Self::JobWorker => "job-worker",
            Self::AdminApi => "admin-api",
        }
    }
}

/// Name of the simulator's binary.
pub(crate) const SIMULATOR: &str = "graph-sim";

/// Compiles every binary in the dev profile, with the features that `make build` compiles them with, so that neither
/// compiles again what the other has compiled; cargo's progress is shown.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(workspace.root());
    command.args(["build", "--workspace", "--locked", "--bins", "--examples"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().context("running cargo")?;
    ensure!(status.success(), "cargo build failed");
    Ok(())
}

/// Copies the functions without their debug information, which is past the size that Lambda unpacks, to
/// `target/lambda/<function>/bootstrap`.
pub(crate) fn lay_out(workspace: &Workspace) -> anyhow::Result<()> {
    for function in Function::ALL {
        let binary = workspace.target_dir().join("debug").join(function.name());
        let directory = workspace.root().join("target/lambda").join(function.name());
        fs::create_dir_all(&directory)?;
        strip(&binary, &directory.join("bootstrap"))?;
    }
    Ok(())
}

fn strip(from: &Path, to: &Path) -> anyhow::Result<()> {
    // Written beside and renamed, so that a running stack never sees half a file.
    let partial = to.with_extension("partial");
    let output = Command::new("strip").arg("-S").arg("-o").arg(&partial).arg(from).output();
    let output = output.context("running strip (it comes with the C compiler)")?;
    ensure!(output.status.success(), "strip {}: {}", from.display(), String::from_utf8_lossy(&output.stderr));
    fs::rename(&partial, to)?;
    Ok(())
}
