//! Builds the functions and lays them out as the template's `CodeUri` expects.

use std::fs;
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

/// Copies the functions without their symbols and debug information, which are past the size that Lambda unpacks and take
/// SAM long to zip, to `target/lambda/<function>/bootstrap`.
pub(crate) fn lay_out(workspace: &Workspace) -> anyhow::Result<()> {
    let mut started = Vec::new();
    for function in Function::ALL {
        let binary = workspace.target_dir().join("debug").join(function.name());
        let directory = workspace.root().join("target/lambda").join(function.name());
        fs::create_dir_all(&directory)?;
        // Written beside and renamed, so that a running stack never sees half a file.
        let partial = directory.join("bootstrap.partial");
        let mut strip = Command::new("strip");
        strip.arg("-o").arg(&partial).arg(&binary).stderr(Stdio::piped());
        let strip = strip.spawn().context("running strip (it comes with the C compiler)")?;
        started.push((strip, binary, partial, directory.join("bootstrap")));
    }
    for (strip, binary, partial, bootstrap) in started {
        let output = strip.wait_with_output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "strip {}: {error}", binary.display());
        fs::rename(&partial, &bootstrap)?;
    }
    Ok(())
}
