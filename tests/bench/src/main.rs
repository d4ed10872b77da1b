#![doc = include_str!("../README.md")]

mod binaries;
mod budgets;
mod conversions;
mod cost;
mod item_size;
mod measure;
mod payloads;
mod prices;
mod process;
mod report;
mod runtime_api;
mod stub;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use crate::binaries::{Binaries, Binary, Weight};
use crate::budgets::{Measured, checks};
use crate::cost::Cost;
use crate::measure::Bench;

/// Measures the functions' release binaries against their budgets. Ends with 1 where one is broken.
#[derive(Parser)]
struct Arguments {
    /// Measure the binaries that are there.
    #[arg(long)]
    no_build: bool,
    /// How often each binary is started.
    #[arg(long, default_value_t = 21, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Where the report goes [default: bench/report.json in the target directory].
    #[arg(long)]
    report: Option<PathBuf>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let binaries = Binaries::beside_me()?;
    if !arguments.no_build {
        println!("building the functions as they are deployed (some minutes the first time)");
        binaries.build()?;
    }
    let path = arguments.report.unwrap_or_else(|| binaries.target().join("bench/report.json"));
    let measured = measure(Bench::new(binaries).await?, usize::from(arguments.rounds)).await?;
    let checks = checks(&measured);
    println!("{}", report::table(&checks, &measured));
    report::write(&path, &checks, &measured)?;
    println!("written to {}", path.display());
    let broken = checks.iter().filter(|check| !check.kept).count();
    if broken > 0 {
        println!("{broken} of {} budgets broken", checks.len());
        return Ok(ExitCode::FAILURE);
    }
    println!("all {} budgets kept", checks.len());
    Ok(ExitCode::SUCCESS)
}

async fn measure(bench: Bench, rounds: usize) -> anyhow::Result<Measured> {
    let mut weights = [Weight::default(); Binary::COUNT];
    for binary in Binary::ALL {
        weights[binary.index()] = bench.binaries.weigh(binary)?;
    }
    Ok(Measured {
        weights,
        starts: bench.starts(rounds).await.context("measuring starts")?,
        single: bench.single().await.context("measuring single events")?,
        bulk: bench.bulk().await.context("measuring large requests")?,
        dispatch_batch: bench.dispatch(50).await.context("measuring dispatch of batches")?,
        dispatch_alone: bench.dispatch(1).await.context("measuring dispatch of lone events")?,
        conversions: bench.conversions().await.context("measuring conversions")?,
        cost_single: Cost::of(&bench.usage(1).await.context("counting single events")?),
        cost_25: Cost::of(&bench.usage(25).await.context("counting requests of 25 events")?),
    })
}
