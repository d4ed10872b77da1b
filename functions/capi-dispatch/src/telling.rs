//! What an invocation did, as metrics and a log line.

use adrelay_core::dispatch::Report;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::metrics::{Metric, emit};

/// Writes the line and the metrics of one batch.
pub(crate) fn tell(
    now: UnixMillis,
    received: usize,
    unreadable: &[String],
    failed: &[usize],
    report: &Report,
) {
    emit(now.0, &metrics(report), &[]);
    tracing::info!(
        received,
        unreadable = unreadable.len(),
        received_again = failed.len(),
        sent = report.sent,
        rejected = report.rejected,
        expired = report.expired,
        skipped = report.skipped,
        erased = report.erased,
        repeats = report.repeats,
        resent = report.resent,
        parked = report.parked,
        released = report.released,
        calls_ok = report.calls_ok,
        calls_refused = report.calls_refused,
        calls_failed = report.calls_failed,
        calls_limited = report.calls_limited,
        "batch done"
    );
    if report.attention > 0 {
        tracing::error!(count = report.attention, "a pixel or connection needs attention");
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of one invocation are far below 2^52")]
fn metrics(report: &Report) -> Vec<(Metric, f64)> {
    let counts = [
        (Metric::EventsSent, report.sent),
        (Metric::EventsRejected, report.rejected),
        (Metric::EventsExpired, report.expired),
        (Metric::EventsSkipped, report.skipped),
        (Metric::EventsErased, report.erased),
        (Metric::EventsRepeated, report.repeats),
        (Metric::EventsResent, report.resent),
        (Metric::EventsParked, report.parked),
        (Metric::EventsReleased, report.released),
        (Metric::ReceiptsFailed, report.receipts_failed),
        (Metric::GraphCallsOk, report.calls_ok),
        (Metric::GraphCallsRefused, report.calls_refused),
        (Metric::GraphCallsFailed, report.calls_failed),
        (Metric::GraphCallsLimited, report.calls_limited),
        (Metric::BatchSize, report.batch_size_max),
        (Metric::QueuedToSentMs, report.latency_max_ms),
        (Metric::NeedsAttention, report.attention),
        (Metric::Panics, report.panics),
    ];
    // A zero says nothing, and each metric of a line costs.
    let mut values: Vec<(Metric, f64)> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(metric, count)| (metric, count as f64))
        .collect();
    if let Some(seconds) = report.seconds_to_deadline_min {
        values.push((Metric::SecondsToDeadline, seconds as f64));
    }
    if report.sent > 0 {
        values.push((Metric::MatchKeyCoverage, 100.0 * report.matchable as f64 / report.sent as f64));
    }
    values
}
