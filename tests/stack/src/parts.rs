//! The parts of a stack: how each is started, and when it is ready.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep};

use crate::aws::plain_client;
use crate::environment::{AWS_KEY, AWS_REGION};
use crate::keeper::Keeper;
use crate::package::{Function, SIMULATOR};
use crate::permissions::call_log_in;
use crate::processes::{Part, free_port};
use crate::workspace::Workspace;

/// Name of the local AWS and of its program.
pub(crate) const MINISTACK: &str = "ministack";
const MINISTACK_LIMIT: Duration = Duration::from_mins(1);
const SIMULATOR_LIMIT: Duration = Duration::from_secs(20);
const HEALTH_LIMIT: Duration = Duration::from_mins(1);
const HEALTH_POLL: Duration = Duration::from_millis(200);
const PROBE_LIMIT: Duration = Duration::from_secs(15);
/// Tries to find a port that nobody takes between the look and the start.
const PORT_TRIES: u32 = 3;

pub(crate) async fn start_simulator(
    workspace: &Workspace,
    directory: &Path,
    keeper: &mut Keeper,
) -> anyhow::Result<(Part, String)> {
    let mut command = Command::new(workspace.target_dir().join("debug").join(SIMULATOR));
    command.args(["--port", "0"]);
    let part = Part::start(SIMULATOR, command, &directory.join("graph-sim.log"), keeper)?;
    let url = part.ready(SIMULATOR_LIMIT, async |log| announced_url(log)).await?;
    Ok((part, url))
}

/// The URL in the first whole line of a log that is one.
fn announced_url(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let whole_lines = &text[..=text.rfind('\n')?];
    whole_lines.lines().find_map(|line| {
        let start = line.find("http://127.0.0.1:")?;
        let url = line[start..].split([' ', '"', '\'']).next()?;
        Some(url.trim_end_matches('/').to_owned())
    })
}

pub(crate) async fn start_ministack(
    workspace: &Workspace,
    directory: &Path,
    keeper: &mut Keeper,
) -> anyhow::Result<(Part, String)> {
    let program = workspace.python_tool("ministack", MINISTACK)?;
    let log = directory.join("ministack.log");
    let http = plain_client(PROBE_LIMIT)?;
    let mut failure = None;
    for _ in 0..PORT_TRIES {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        let command = ministack_command(&program, directory, port, &endpoint);
        let ministack = Part::start(MINISTACK, command, &log, keeper)?;
        let health = format!("{endpoint}/_ministack/health");
        let ready = ministack.ready(MINISTACK_LIMIT, async |_| {
            http.get(&health).send().await.ok().filter(|answer| answer.status().is_success()).map(drop)
        });
        match ready.await {
            Ok(()) => return Ok((ministack, endpoint)),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.context("MiniStack was never started")?)
}

fn ministack_command(program: &Path, directory: &Path, port: u16, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    // Functions inherit this environment, so a developer's shell must not be in it.
    command.env_clear();
    for kept in ["PATH", "HOME", "LANG"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("AUTH", "true")
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", AWS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", AWS_KEY)
        .env("MINISTACK_REGION", AWS_REGION)
        .env("TMPDIR", directory.join("tmp"))
        // The functions note in there which rights they use; see `permissions`.
        .env("AWS_CALL_LOG_DIR", call_log_in(directory))
        // Both would listen on fixed ports.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0");
    command
}

/// Asks each function something that it answers only once it has started and can read what it needs.
pub(crate) async fn wait_until_healthy(adrelay_url: &str) -> anyhow::Result<()> {
    let http = plain_client(PROBE_LIMIT)?;
    let unsigned =
        |path: &str| http.post(format!("{adrelay_url}{path}")).header("content-type", "application/json");
    let deadline = Instant::now() + HEALTH_LIMIT;
    for (function, request, expected) in [
        (Function::AdminApi, http.get(format!("{adrelay_url}/api/v1/openapi.json")), 200),
        (Function::CapiIngest, unsigned("/api/v1/meta/event").body("{}"), 401),
        (Function::CapiDispatch, unsigned("/api/v1/meta/event/sync").body("{}"), 401),
        (Function::TrackConversion, unsigned("/api/v1/conversions").body("{}"), 401),
        (Function::LeadgenWebhook, unsigned("/webhooks/leadgen").body("{}"), 401),
    ] {
        loop {
            let request = request.try_clone().context("a health probe has a plain body")?;
            let answer = match request.send().await {
                Ok(answer) if answer.status().as_u16() == expected => break,
                Ok(answer) => format!("{} {}", answer.status(), answer.text().await.unwrap_or_default()),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                bail!("{} never answered {expected}: {answer}", function.name());
            }
            sleep(HEALTH_POLL).await;
        }
    }
    Ok(())
}
