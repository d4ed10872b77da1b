//! What an invocation did, as metrics and a log line.

use adrelay_core::leads::Report;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::metrics::{Metric, emit};

/// Writes the line and the metrics of one batch.
pub(crate) fn tell_batch(
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
        announced = report.announced,
        unowned = report.unowned,
        stored = report.stored,
        repeated = report.repeated,
        deferred = report.deferred,
        given_up = report.given_up,
        "batch done"
    );
    if report.given_up > 0 {
        tracing::error!(count = report.given_up, "leads can't be read and are given up");
    }
}

/// Writes the line and the metrics of one sweep.
pub(crate) fn tell_sweep(now: UnixMillis, report: &Report) {
    emit(now.0, &metrics(report), &[]);
    tracing::info!(
        swept = report.swept,
        left = report.unswept,
        feedback_queued = report.feedback_queued,
        feedback_skipped = report.feedback_skipped,
        "outbox swept"
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of one invocation are far below 2^52")]
fn metrics(report: &Report) -> Vec<(Metric, f64)> {
    let counts = [
        (Metric::LeadsUnowned, report.unowned),
        (Metric::LeadsStored, report.stored),
        (Metric::LeadsRepeated, report.repeated),
        (Metric::LeadsDeferred, report.deferred),
        (Metric::LeadsGivenUp, report.given_up),
        (Metric::LeadFeedbackQueued, report.feedback_queued),
        (Metric::LeadFeedbackSkipped, report.feedback_skipped),
        (Metric::LeadOutboxSwept, report.swept),
        (Metric::NeedsAttention, report.attention),
        (Metric::Panics, report.panics),
    ];
    // A zero says nothing, and each metric of a line costs.
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(metric, count)| (metric, count as f64)).collect()
}
