//! The simulator as a program: prints its URL on stdout, logs JSON on stderr, ends on Ctrl-C and SIGTERM.

use std::io::Write;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Parser;
use graph_sim::{Sim, SimConfig};
use tokio::signal::unix::{SignalKind, signal};

/// A simulator of Meta's Graph API: the Conversions API, tokens, versions, faults.
#[derive(Debug, Parser)]
#[command(name = "graph-sim", version)]
struct Options {
    /// Port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    tracing_subscriber::fmt().json().with_writer(std::io::stderr).init();
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since_epoch| since_epoch.as_secs());
    let config = SimConfig { host: options.host, port: options.port, seed, ..SimConfig::default() };
    let sim =
        Sim::start(config).with_context(|| format!("cannot listen on {}:{}", options.host, options.port))?;
    writeln!(std::io::stdout(), "{}", sim.base_url()).context("printing the URL")?;
    tracing::info!(base_url = sim.base_url(), "ready");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sim.stop();
    tracing::info!("stopped");
    Ok(())
}
