//! The report: a table for people, a file for machines.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::binaries::{Binary, Weight};
use crate::budgets::{Check, Measured};
use crate::cost::Cost;
use crate::measure::Work;

/// The table.
pub(crate) fn table(checks: &[Check], measured: &Measured) -> String {
    let mut text = format!("{:<42}{:>10}{:>10}  {:<14}\n", "what", "measured", "budget", "unit");
    for check in checks {
        let Check { what, measured, budget, unit, detail, kept } = check;
        let mark = if *kept { "  " } else { "✗ " };
        // Writing into a String can't fail.
        let _ = writeln!(text, "{mark}{what:<40}{measured:>10.2}{budget:>10.2}  {unit:<14}{detail}");
    }
    text.push('\n');
    let rows = [
        ("capi-ingest, 1 event", measured.single.function),
        ("floor, 1 event", measured.single.floor),
        ("capi-ingest, 1,000 events", measured.bulk.function),
        ("floor, 1,000 events", measured.bulk.floor),
        ("capi-dispatch, 1 event", measured.dispatch_alone.work),
        ("capi-dispatch, 50 events", measured.dispatch_batch.work),
    ];
    let _ = writeln!(text, "{:<42}{:>10}{:>10}", "warm invocation", "CPU ms", "wall ms");
    for (what, work) in rows {
        let _ = writeln!(text, "  {what:<40}{:>10.2}{:>10.2}", ms(work.cpu), ms(work.wall));
    }
    text.push('\n');
    let _ = writeln!(text, "{:<42}{:>10}{:>10}", "$ a million events", "1/request", "25/request");
    for ((what, single), (_, of_25)) in parts(&measured.cost_single).iter().zip(parts(&measured.cost_25)) {
        let _ = writeln!(text, "  {what:<40}{single:>10.3}{of_25:>10.3}");
    }
    text
}

/// Writes the file.
pub(crate) fn write(path: &Path, checks: &[Check], measured: &Measured) -> anyhow::Result<()> {
    let json = json!({
        "kept": checks.iter().all(|check| check.kept),
        "checks": checks,
        "start_ms": by_binary(measured.starts.medians.map(|start| json!(ms(start)))),
        "binary_bytes": by_binary(measured.weights.map(weight)),
        "warm": {
            "capi-ingest, 1 event": work(measured.single.function),
            "floor, 1 event": work(measured.single.floor),
            "capi-ingest, 1,000 events": work(measured.bulk.function),
            "floor, 1,000 events": work(measured.bulk.floor),
            "capi-dispatch, 1 event": work(measured.dispatch_alone.work),
            "capi-dispatch, 50 events": work(measured.dispatch_batch.work),
        },
        "peak_bytes": {
            "capi-ingest, 1 event": measured.single.peak_bytes,
            "capi-ingest, 1,000 events": measured.bulk.peak_bytes,
            "capi-dispatch, 50 events": measured.dispatch_batch.peak_bytes,
        },
        "dollars_per_million_events": {
            "1 event a request": measured.cost_single,
            "25 events a request": measured.cost_25,
        },
    });
    let directory = path.parent().context("the report needs a directory")?;
    std::fs::create_dir_all(directory)?;
    let text = serde_json::to_string_pretty(&json)?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn by_binary(values: [Value; 3]) -> Value {
    Binary::ALL.into_iter().map(|binary| binary.name().to_owned()).zip(values).collect()
}

fn weight(weight: Weight) -> Value {
    json!({"raw": weight.raw, "zipped": weight.zipped})
}

fn work(work: Work) -> Value {
    json!({"cpu_ms": ms(work.cpu), "wall_ms": ms(work.wall)})
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn parts(cost: &Cost) -> [(&'static str, f64); 9] {
    [
        ("HTTP API", cost.http_api),
        ("Lambda, requests", cost.lambda_requests),
        ("Lambda, duration", cost.lambda_duration),
        ("SQS", cost.sqs),
        ("DynamoDB, writes", cost.dynamodb_writes),
        ("DynamoDB, reads", cost.dynamodb_reads),
        ("total", cost.total),
        ("beside it: logs", cost.logs),
        ("beside it: receipts for 90 days", cost.storage),
    ]
}
