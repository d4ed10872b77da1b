//! Starts the long-lived parts, each in a process group of its own with its output in a file.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::time::{Instant, sleep};

use crate::keeper::Keeper;

const POLL: Duration = Duration::from_millis(50);

/// A part of the stack that runs until it is ended.
#[derive(Debug)]
pub(crate) struct Part {
    name: &'static str,
    group: u32,
    /// Reaps the process: a zombie would look alive to whoever ends its group.
    end: JoinHandle<io::Result<ExitStatus>>,
    log: PathBuf,
}

impl Part {
    /// Starts `command` with its output in `log`, and has `keeper` end it.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: &Path,
        keeper: &mut Keeper,
    ) -> anyhow::Result<Self> {
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let group = child.id();
        keeper.end_group(group)?;
        Ok(Self { name, group, end: thread::spawn(move || child.wait()), log: log.to_owned() })
    }

    /// The process group, which is the id of its first process.
    pub(crate) fn group(&self) -> u32 {
        self.group
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until `probe` gives something, at most `limit`.
    ///
    /// # Errors
    /// When the part ends first or the limit passes; the message holds the end of its log.
    pub(crate) async fn ready<T>(
        &self,
        limit: Duration,
        mut probe: impl AsyncFnMut(&Path) -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = probe(&self.log).await {
                return Ok(found);
            }
            if self.end.is_finished() {
                bail!("{} ended at once:\n{}", self.name, log_tail(&self.log));
            }
            if Instant::now() > deadline {
                bail!("{} was not ready within {limit:?}:\n{}", self.name, log_tail(&self.log));
            }
            sleep(POLL).await;
        }
    }
}

/// A port that nothing listens on at this moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The last lines of a log, for an error message.
pub(crate) fn log_tail(log: &Path) -> String {
    const LINES: usize = 30;
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Ends a process group: SIGTERM, and SIGKILL for what is left after a second.
pub(crate) async fn end_group(group: u32) -> anyhow::Result<()> {
    const GRACE: Duration = Duration::from_secs(1);
    let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) else {
        bail!("{group} is no process group");
    };
    if kill_process_group(group, Signal::TERM).is_err() {
        return Ok(());
    }
    let deadline = Instant::now() + GRACE;
    while test_kill_process_group(group).is_ok() {
        if Instant::now() > deadline {
            // It may have ended between the question and this.
            let _ = kill_process_group(group, Signal::KILL);
            return Ok(());
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Whether the first process of `group` is alive and its command line has `marker` in it: process ids are
/// given out again, and a stale list must never end a stranger.
pub(crate) fn is_ours(group: u32, marker: &str) -> bool {
    commands().is_ok_and(|all| all.iter().any(|(pid, command)| *pid == group && command.contains(marker)))
}

/// Every process's id and command line, as far as they may be seen.
pub(crate) fn commands() -> anyhow::Result<Vec<(u32, String)>> {
    let proc = Path::new("/proc");
    // A bare Linux has no ps, a Mac has no /proc.
    if proc.join("self/cmdline").exists() { commands_of_proc(proc) } else { commands_of_ps() }
}

fn commands_of_proc(proc: &Path) -> anyhow::Result<Vec<(u32, String)>> {
    let mut commands = Vec::new();
    for entry in fs::read_dir(proc).context("reading /proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended since the directory was read.
        if let Ok(arguments) = fs::read(entry.path().join("cmdline")) {
            commands.push((pid, String::from_utf8_lossy(&arguments).replace('\0', " ")));
        }
    }
    Ok(commands)
}

fn commands_of_ps() -> anyhow::Result<Vec<(u32, String)>> {
    let output =
        Command::new("ps").args(["-A", "-ww", "-o", "pid=,command="]).output().context("running ps")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter_map(|line| {
            let (pid, command) = line.trim_start().split_once(' ')?;
            Some((pid.parse().ok()?, command.trim_start().to_owned()))
        })
        .collect())
}

/// Kills a process with SIGKILL; gives whether it was still there.
pub(crate) fn kill(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}
