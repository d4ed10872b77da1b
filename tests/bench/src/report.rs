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
    let mut text = format!("{:<42}{:>10}{:>10}  {:<18}\n", "what", "measured", "budget", "unit");
    for check in checks {
        let Check { what, measured, budget, unit, detail, kept } = check;
        let mark = if *kept { "  " } else { "✗ " };
        // Writing into a String can't fail.
        let _ = writeln!(text, "{mark}{what:<40}{measured:>10.2}{budget:>10.2}  {unit:<18}{detail}");
    }
    text.push('\n');
    let rows = [
        ("capi-ingest, 1 event", measured.single.function),
        ("floor, 1 event", measured.single.floor),
        ("capi-ingest, 1,000 events", measured.bulk.function),
        ("floor, 1,000 events", measured.bulk.floor),
        ("capi-dispatch, 1 event", measured.dispatch_alone.work),
        ("capi-dispatch, 50 events", measured.dispatch_batch.work),
        ("track-conversion, known person", measured.conversions.known.work),
        ("track-conversion, new person", measured.conversions.new.work),
    ];
    let _ = writeln!(text, "{:<42}{:>10}{:>10}", "warm invocation", "CPU ms", "wall ms");
    for (what, work) in rows {
        let _ = writeln!(text, "  {what:<40}{:>10.2}{:>10.2}", ms(work.cpu), ms(work.wall));
    }
    text.push('\n');
    let events = [("1/request", &measured.cost_single), ("25/request", &measured.cost_25)];
    text.push_str(&costs("$ a million events", &events));
    text.push('\n');
    let (known, new) = (&measured.conversions.cost_known, &measured.conversions.cost_new);
    let conversions = [
        ("known", &known.tracked),
        ("+dispatch", &known.dispatched),
        ("new", &new.tracked),
        ("+dispatch", &new.dispatched),
    ];
    text.push_str(&costs("$ a million conversions, by person", &conversions));
    text
}

/// Costs side by side.
fn costs(title: &str, columns: &[(&str, &Cost)]) -> String {
    let mut text = format!("{title:<42}");
    for (column, _) in columns {
        let _ = write!(text, "{column:>11}");
    }
    let parts = columns.iter().map(|(_, cost)| parts(cost)).collect::<Vec<_>>();
    for (nth, what) in PARTS.iter().enumerate() {
        let _ = write!(text, "\n  {what:<40}");
        for parts in &parts {
            let _ = write!(text, "{:>11.3}", parts[nth]);
        }
    }
    text.push('\n');
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
            "track-conversion, known person": work(measured.conversions.known.work),
            "track-conversion, new person": work(measured.conversions.new.work),
        },
        "peak_bytes": {
            "capi-ingest, 1 event": measured.single.peak_bytes,
            "capi-ingest, 1,000 events": measured.bulk.peak_bytes,
            "capi-dispatch, 50 events": measured.dispatch_batch.peak_bytes,
            "track-conversion, 1 conversion": measured.conversions.peak_bytes,
        },
        "write_units_per_conversion": {
            "known person": measured.conversions.known.write_units_by_kind,
            "new person": measured.conversions.new.write_units_by_kind,
        },
        "dollars_per_million_events": {
            "1 event a request": measured.cost_single,
            "25 events a request": measured.cost_25,
        },
        "dollars_per_million_conversions": {
            "known person": measured.conversions.cost_known,
            "new person": measured.conversions.cost_new,
        },
    });
    let directory = path.parent().context("the report needs a directory")?;
    std::fs::create_dir_all(directory)?;
    let text = serde_json::to_string_pretty(&json)?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn by_binary(values: [Value; Binary::COUNT]) -> Value {
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

const PARTS: [&str; 9] = [
    "HTTP API",
    "Lambda, requests",
    "Lambda, duration",
    "SQS",
    "DynamoDB, writes",
    "DynamoDB, reads",
    "total",
    "beside it: logs",
    "beside it: 90 days of storage",
];

fn parts(cost: &Cost) -> [f64; PARTS.len()] {
    [
        cost.http_api,
        cost.lambda_requests,
        cost.lambda_duration,
        cost.sqs,
        cost.dynamodb_writes,
        cost.dynamodb_reads,
        cost.total,
        cost.logs,
        cost.storage,
    ]
}
