//! The budgets, and whether they are kept.

use std::time::Duration;

use serde::Serialize;

use crate::binaries::{Binary, Weight};
use crate::conversions::{Conversions, Tracked};
use crate::cost::Cost;
use crate::measure::{Compared, Dispatched, Starts};

const MIB: f64 = 1024.0 * 1024.0;
const MB: f64 = 1e6;

/// All that was measured.
pub(crate) struct Measured {
    pub(crate) starts: Starts,
    pub(crate) single: Compared,
    pub(crate) bulk: Compared,
    pub(crate) dispatch_alone: Dispatched,
    pub(crate) dispatch_batch: Dispatched,
    pub(crate) conversions: Conversions,
    /// In the order of [`Binary::ALL`].
    pub(crate) weights: [Weight; Binary::COUNT],
    pub(crate) cost_single: Cost,
    pub(crate) cost_25: Cost,
}

/// A budget beside what was measured.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    pub(crate) what: &'static str,
    pub(crate) measured: f64,
    pub(crate) budget: f64,
    pub(crate) unit: &'static str,
    /// What the number was made of.
    pub(crate) detail: String,
    pub(crate) kept: bool,
}

fn check(what: &'static str, measured: f64, budget: f64, unit: &'static str, detail: String) -> Check {
    // A measurement that failed to be a number keeps no budget.
    Check { what, measured, budget, unit, detail, kept: measured <= budget }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn times(what: &'static str, ratio: f64, budget: f64, function: Duration, floor: Duration) -> Check {
    let detail = format!("{:.2} ms, floor {:.2} ms", ms(function), ms(floor));
    check(what, ratio, budget, "× floor", detail)
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn size(what: &'static str, bytes: u64, budget: f64, unit: (&'static str, f64)) -> Check {
    check(what, bytes as f64 / unit.1, budget, unit.0, format!("{bytes} bytes"))
}

/// From being spawned to the first request for an invocation.
fn start(what: &'static str, measured: &Measured, binary: Binary, budget: f64) -> Check {
    let Starts { medians, ratios } = &measured.starts;
    let (at, floor) = (binary.index(), Binary::Floor.index());
    times(what, ratios[at], budget, medians[at], medians[floor])
}

/// As it is, and as Lambda gets it.
fn sizes([raw, zipped]: [&'static str; 2], measured: &Measured, binary: Binary) -> [Check; 2] {
    let weight = measured.weights[binary.index()];
    [size(raw, weight.raw, 10.0, ("MB", MB)), size(zipped, weight.zipped, 4.5, ("MB", MB))]
}

/// Compares with the budgets of the design.
pub(crate) fn checks(measured: &Measured) -> Vec<Check> {
    let mut checks = of_events(measured);
    checks.extend(of_conversions(measured));
    checks.extend(of_leads(measured));
    checks
}

fn of_events(measured: &Measured) -> Vec<Check> {
    let (single, bulk) = (&measured.single, &measured.bulk);
    let cpu = |what, compared: &Compared, budget| {
        let mut check = times(what, compared.cpu_ratio, budget, compared.function.cpu, compared.floor.cpu);
        let own = ms(compared.floor_with_requests.cpu);
        check.detail = format!("{} ({own:.2} ms with the request's bytes)", check.detail);
        check
    };
    let units = |what, dispatched: &Dispatched, budget| {
        check(what, dispatched.write_units_per_event, budget, "WRU an event", String::new())
    };
    let dollars = |what, cost: &Cost, budget| {
        let beside = format!("and logs ${:.2}, 90 days of storage ${:.2}", cost.logs, cost.storage);
        check(what, cost.total, budget, "$ a million", beside)
    };
    let [ingest_raw, ingest_zipped] =
        sizes(["capi-ingest: binary", "capi-ingest: binary, zipped"], measured, Binary::Ingest);
    let [dispatch_raw, dispatch_zipped] =
        sizes(["capi-dispatch: binary", "capi-dispatch: binary, zipped"], measured, Binary::Dispatch);
    vec![
        start("capi-ingest: spawn to first /next", measured, Binary::Ingest, 1.5),
        start("capi-dispatch: spawn to first /next", measured, Binary::Dispatch, 2.5),
        cpu("capi-ingest: warm, 1 event, CPU", single, 1.5),
        cpu("capi-ingest: warm, 1,000 events, CPU", bulk, 2.0),
        size("capi-ingest: peak memory, 1 event", single.peak_bytes, 32.0, ("MiB", MIB)),
        size("capi-ingest: peak memory, 1,000 events", bulk.peak_bytes, 64.0, ("MiB", MIB)),
        ingest_raw,
        ingest_zipped,
        dispatch_raw,
        dispatch_zipped,
        units("capi-dispatch: writes, batches of 50", &measured.dispatch_batch, 1.1),
        units("capi-dispatch: writes, events alone", &measured.dispatch_alone, 2.1),
        dollars("cost: 1 event a request", &measured.cost_single, 2.60),
        dollars("cost: 25 events a request", &measured.cost_25, 1.00),
    ]
}

fn of_conversions(measured: &Measured) -> Vec<Check> {
    let conversions = &measured.conversions;
    let units = |what, tracked: &Tracked| {
        let of_kind = |(kind, units): (&String, &f64)| format!("{kind} {units:.2}");
        let kinds: Vec<String> = tracked.write_units_by_kind.iter().map(of_kind).collect();
        check(what, tracked.write_units, 6.0, "WRU a conversion", kinds.join(", "))
    };
    let [raw, zipped] =
        sizes(["track-conversion: binary", "track-conversion: binary, zipped"], measured, Binary::Track);
    vec![
        start("track-conversion: spawn to first /next", measured, Binary::Track, 1.5),
        size("track-conversion: peak memory", conversions.peak_bytes, 32.0, ("MiB", MIB)),
        raw,
        zipped,
        units("track-conversion: writes, known person", &conversions.known),
        units("track-conversion: writes, new person", &conversions.new),
    ]
}

/// leadgen-webhook needs a queue and a secret alone, the workers all that capi-dispatch needs and more.
fn of_leads(measured: &Measured) -> Vec<Check> {
    let mut checks = vec![
        start("leadgen-webhook: spawn to first /next", measured, Binary::LeadgenWebhook, 1.5),
        start("lead-worker: spawn to first /next", measured, Binary::LeadWorker, 2.5),
        start("job-worker: spawn to first /next", measured, Binary::JobWorker, 2.5),
    ];
    for (names, binary) in [
        (["leadgen-webhook: binary", "leadgen-webhook: binary, zipped"], Binary::LeadgenWebhook),
        (["lead-worker: binary", "lead-worker: binary, zipped"], Binary::LeadWorker),
        (["job-worker: binary", "job-worker: binary, zipped"], Binary::JobWorker),
    ] {
        checks.extend(sizes(names, measured, binary));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_kept_up_to_its_bound() {
        let kept = |measured| check("x", measured, 1.5, "× floor", String::new()).kept;
        assert!(kept(1.5));
        assert!(!kept(1.51));
        assert!(!kept(f64::NAN), "nothing was measured");
    }
}
