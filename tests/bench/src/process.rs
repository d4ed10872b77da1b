//! A function as a process: started as Lambda starts it, and measured through `/proc`.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::runtime_api::{Answered, RuntimeApi};

/// Environment variables of a function.
pub(crate) type Variables = Vec<(&'static str, String)>;

/// A running function.
pub(crate) struct Function {
    child: Child,
    api: RuntimeApi,
    logged: Arc<AtomicU64>,
    /// From spawning the process to its first request for an invocation.
    pub(crate) start: Duration,
}

impl Function {
    /// Starts the binary and waits until it asks for its first invocation.
    pub(crate) async fn start(binary: &Path, variables: &Variables) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::start().await?;
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let spawned_at = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {}", binary.display()))?;
        let logged = Arc::default();
        count_log(child.stdout.take(), &logged);
        count_log(child.stderr.take(), &logged);
        let asked_at = api.asked().await.with_context(|| format!("starting {}", binary.display()))?;
        Ok(Self { child, api, logged, start: asked_at.duration_since(spawned_at) })
    }

    /// One invocation.
    pub(crate) async fn invoke(&mut self, payload: Bytes) -> anyhow::Result<Answered> {
        self.api.invoke(payload).await
    }

    /// The processor time that all of its threads have used.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()?))? {
            let stat = std::fs::read_to_string(thread?.path().join("schedstat"));
            let stat = stat.context("no schedstat: the benchmark needs Linux")?;
            let on_cpu = stat.split(' ').next().context("schedstat is empty")?;
            nanoseconds += on_cpu.parse::<u64>().context("schedstat")?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The most memory it has ever had resident, in bytes.
    pub(crate) fn peak_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM")?;
        Ok(kib * 1024)
    }

    /// Bytes of log lines so far.
    pub(crate) fn logged_bytes(&self) -> u64 {
        self.logged.load(Ordering::Relaxed)
    }

    /// Ends the process.
    pub(crate) async fn end(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("ending a function")
    }

    fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the function has ended")
    }
}

fn count_log(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, logged: &Arc<AtomicU64>) {
    let Some(pipe) = pipe else { return };
    let logged = Arc::clone(logged);
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            logged.fetch_add(line.len() as u64, Ordering::Relaxed);
        }
    });
}
