//! What an invocation did, as metrics and a log line.

use adrelay_core::jobs::Report;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::metrics::{Metric, emit};

/// Writes the line and the metrics of one batch.
pub(crate) fn tell(
    now: UnixMillis,
    received: usize,
    unreadable: usize,
    received_again: usize,
    report: &Report,
) {
    emit(now.0, &metrics(report), &[]);
    tracing::info!(
        received,
        unreadable,
        received_again,
        delivered = report.delivered,
        retried = report.retried,
        dead = report.dead,
        needless = report.needless,
        rows = report.rows,
        jobs_done = report.jobs_done,
        jobs_failed = report.jobs_failed,
        resent = report.resent,
        "batch done"
    );
    if report.unreadable > 0 {
        tracing::error!(count = report.unreadable, "leads of an export do not open; their rows say so");
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one invocation are far below 2^52")]
fn metrics(report: &Report) -> Vec<(Metric, f64)> {
    let counts = [
        (Metric::WebhooksDelivered, report.delivered),
        (Metric::WebhooksRetried, report.retried),
        (Metric::WebhooksDead, report.dead),
        (Metric::RowsExported, report.rows),
        (Metric::JobsFailed, report.jobs_failed),
        (Metric::Panics, report.panics),
    ];
    // A zero says nothing, and each metric of a line costs.
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(metric, count)| (metric, count as f64)).collect()
}
