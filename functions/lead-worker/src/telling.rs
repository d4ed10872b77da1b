//! What an invocation did, as metrics and a log line.

use adrelay_core::leads::Report;
use adrelay_core::leads::reconcile::{FormReport, Tick};
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
        found_by_poll = report.found_by_poll,
        runs_ended = report.forms.len(),
        looks_failed = report.looks_failed,
        "batch done"
    );
    if report.given_up > 0 {
        tracing::error!(count = report.given_up, "leads can't be read and are given up");
    }
    if report.attention > 0 {
        tracing::error!(count = report.attention, "a page's token needs attention");
    }
    for form in report.forms.iter().filter(|form| form.stored < form.at_meta) {
        let (tenant, page, form_id) = (&form.tenant, &form.page, &form.form);
        let (at_meta, stored) = (form.at_meta, form.stored);
        tracing::error!(%tenant, %page, form = %form_id, at_meta, stored, "a form's leads are incomplete");
    }
}

/// Writes the line and the metrics of one tick.
pub(crate) fn tell_tick(now: UnixMillis, report: &Report, tick: Tick) {
    emit(now.0, &metrics(report), &[]);
    tracing::info!(
        swept = report.swept,
        left = report.unswept,
        feedback_queued = report.feedback_queued,
        feedback_skipped = report.feedback_skipped,
        pages_queued = tick.pages,
        "tick done"
    );
    if tick.cut {
        tracing::error!("not every page could be queued to be looked at");
    }
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
        (Metric::LeadsFoundByPoll, report.found_by_poll),
        (Metric::LeadPagesUnsubscribed, report.unsubscribed),
        (Metric::NeedsAttention, report.attention),
        (Metric::Panics, report.panics),
    ];
    // A zero says nothing, and each metric of a line costs.
    let told = counts.into_iter().filter(|(_, count)| *count > 0);
    let mut values: Vec<(Metric, f64)> = told.map(|(metric, count)| (metric, count as f64)).collect();
    let lowest = report.forms.iter().filter_map(FormReport::completeness_percent).reduce(f64::min);
    values.extend(lowest.map(|percent| (Metric::LeadCompleteness, percent)));
    let by_webhook: u64 = report.forms.iter().map(|form| form.by_webhook).sum();
    let stored: u64 = report.forms.iter().map(|form| form.by_webhook + form.by_poll).sum();
    if stored > 0 {
        values.push((Metric::LeadWebhookShare, 100.0 * by_webhook as f64 / stored as f64));
    }
    values
}

#[cfg(test)]
mod tests {
    use adrelay_core::ids::{FormId, PageId, TenantId};

    use super::*;

    fn form(at_meta: u64, stored: u64, by_webhook: u64) -> FormReport {
        FormReport {
            tenant: TenantId::parse("acme").unwrap(),
            page: PageId::parse("1").unwrap(),
            form: FormId::parse("2").unwrap(),
            at_meta,
            stored,
            unreadable: 0,
            found: 0,
            by_webhook,
            by_poll: stored - by_webhook,
        }
    }

    #[test]
    fn completeness_is_the_lowest_of_the_forms_and_the_share_is_of_all_together() {
        let forms = vec![form(10, 10, 4), form(10, 8, 5), form(0, 0, 0)];
        let report = Report { forms, ..Report::default() };
        let values: Vec<(&str, f64)> =
            metrics(&report).into_iter().map(|(metric, value)| (metric.name(), value)).collect();
        assert_eq!(values, [("LeadCompleteness", 80.0), ("LeadWebhookShare", 50.0)]);
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(metrics(&Report::default()), []);
    }
}
