//! Writing what became of events: the day's index first, then the receipts.

use std::collections::BTreeMap;

use super::batch::Item;
use super::report::Report;
use super::{Dispatcher, Ports};
use crate::ids::{EventId, EventName, SourceId};
use crate::ports::clock::Entropy as _;
use crate::ports::meta::MetaError;
use crate::ports::receipts::ReceiptWriter as _;
use crate::receipt::{BatchIndexEntry, Outcome, Status, Trust};
use crate::time::UnixMillis;

/// What became of one item.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    pub(super) status: Status,
    pub(super) reason: Option<String>,
    pub(super) error: Option<MetaError>,
    pub(super) fbtrace_id: Option<String>,
    pub(super) next_try_at: Option<UnixMillis>,
}

impl Fate {
    pub(super) fn sent(fbtrace_id: Option<String>) -> Self {
        Self { status: Status::Sent, reason: None, error: None, fbtrace_id, next_try_at: None }
    }

    pub(super) fn rejected(error: MetaError) -> Self {
        let reason = match error.subcode {
            Some(subcode) => format!("meta_{}_{subcode}", error.code),
            None => format!("meta_{}", error.code),
        };
        let fbtrace_id = error.fbtrace_id.clone();
        Self {
            status: Status::Rejected,
            reason: Some(reason),
            error: Some(error),
            fbtrace_id,
            next_try_at: None,
        }
    }

    pub(super) fn plain(status: Status, reason: &str) -> Self {
        Self { status, reason: Some(reason.to_owned()), error: None, fbtrace_id: None, next_try_at: None }
    }
}

impl<P: Ports> Dispatcher<P> {
    /// Writes the fates of items. Gives back the items whose receipts could not be written: the caller sends them
    /// anew, which at worst shows Meta an event twice, and Meta deduplicates.
    pub(super) async fn settle(&self, report: &mut Report, fates: Vec<(Item, Fate)>) -> Vec<Item> {
        if fates.is_empty() {
            return Vec::new();
        }
        let at = self.now();
        if self.ports.events().index(&self.index_lines(&fates, at)).await.is_err() {
            report.receipts_failed += fates.len() as u64;
            return fates.into_iter().map(|(item, _)| item).collect();
        }
        let outcomes: Vec<Outcome> = fates.iter().map(|(item, fate)| outcome(item, fate, at)).collect();
        let written = self.ports.events().record(&outcomes).await;
        let mut lost = Vec::new();
        for ((item, fate), written) in fates.into_iter().zip(written) {
            if written.is_err() {
                report.receipts_failed += 1;
                lost.push(item);
            } else {
                count(report, &item, fate.status, at);
            }
        }
        lost
    }

    fn index_lines(&self, fates: &[(Item, Fate)], at: UnixMillis) -> Vec<BatchIndexEntry> {
        type Line<'a> = (&'a SourceId, &'static str, Trust);
        let mut lines: BTreeMap<Line<'_>, (Status, Rollup<'_>)> = BTreeMap::new();
        for (item, fate) in fates {
            let line = (&item.source, fate.status.as_str(), item.key.trust);
            let (_, rollup) = lines.entry(line).or_insert_with(|| (fate.status, Rollup::default()));
            rollup.add(item);
        }
        let Some((first, _)) = fates.first() else { return Vec::new() };
        lines
            .into_iter()
            .map(|((source, _, trust), (status, Rollup { names, count, keys }))| BatchIndexEntry {
                tenant: first.key.tenant.clone(),
                source: source.clone(),
                status,
                at,
                batch: hex::encode(self.ports.entropy().array::<6>()),
                pixel_id: first.key.pixel_id.clone(),
                trust,
                events: names.into_iter().map(|(name, ids)| (name.clone(), ids)).collect(),
                count,
                keys: keys.into_iter().map(|(key, count)| (key.into(), count)).collect(),
            })
            .collect()
    }
}

/// What a line says of its events.
#[derive(Default)]
struct Rollup<'a> {
    names: BTreeMap<&'a EventName, Vec<EventId>>,
    count: u64,
    keys: BTreeMap<&'a str, u64>,
}

impl<'a> Rollup<'a> {
    fn add(&mut self, item: &'a Item) {
        self.names.entry(&item.key.event_name).or_default().push(item.key.event_id.clone());
        self.count += 1;
        for key in &item.event.head().user_data_keys {
            *self.keys.entry(key).or_default() += 1;
        }
    }
}

fn outcome(item: &Item, fate: &Fate, at: UnixMillis) -> Outcome {
    let head = item.event.head();
    Outcome {
        key: item.key.clone(),
        source: item.source.clone(),
        status: fate.status,
        reason: fate.reason.clone(),
        code: fate.error.as_ref().map(|error| error.code),
        subcode: fate.error.as_ref().and_then(|error| error.subcode),
        fbtrace_id: fate.fbtrace_id.clone(),
        attempts: item.attempt,
        event_time: head.event_time,
        queued_at: item.queued_at,
        at,
        next_try_at: fate.next_try_at,
        message: item.message.clone(),
        copies: item.copies(),
        user_data_keys: head.user_data_keys.clone(),
        held: item.held.clone(),
    }
}

fn count(report: &mut Report, item: &Item, status: Status, at: UnixMillis) {
    report.repeats += u64::from(item.copies() - 1);
    match status {
        Status::Sent => {
            let latency_ms = u64::try_from(at.ms_since(item.queued_at)).unwrap_or(0);
            report.sent += 1;
            report.latency_sum_ms += latency_ms;
            report.latency_max_ms = report.latency_max_ms.max(latency_ms);
            let keys = &item.event.head().user_data_keys;
            let matchable = keys.iter().any(|key| matches!(&**key, "em" | "ph" | "external_id"));
            report.matchable += u64::from(matchable);
        }
        Status::Rejected => report.rejected += 1,
        Status::Expired => report.expired += 1,
        Status::Skipped => report.skipped += 1,
        Status::Erased => report.erased += 1,
        Status::Waiting => {}
    }
}

impl<P: Ports> Dispatcher<P> {
    /// Counts copies of events that were sent before on their receipts. Gives back what could not be counted.
    pub(super) async fn count_repeats(&self, report: &mut Report, items: Vec<Item>) -> Vec<Item> {
        if items.is_empty() {
            return items;
        }
        let at = self.now();
        let outcomes: Vec<Outcome> = items.iter().map(|item| outcome(item, &Fate::sent(None), at)).collect();
        let written = self.ports.events().record(&outcomes).await;
        let mut lost = Vec::new();
        for (item, written) in items.into_iter().zip(written) {
            if written.is_err() {
                report.receipts_failed += 1;
                lost.push(item);
            } else {
                report.repeats += u64::from(item.copies());
            }
        }
        lost
    }
}
