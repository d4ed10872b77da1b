//! One group's way to Meta: what is not to be sent, expiry, repeats, requests, and what happens to the rest.

use super::batch::{Envelope, Group, GroupKey, Item};
use super::call::{Stop, Work};
use super::report::Report;
use super::resend::Later;
use super::route::Destination;
use super::settle::Fate;
use super::{Dispatcher, Failed, Ports};
use crate::ids::{PixelId, TenantId};
use crate::message::MAX_SKIP_REASON_BYTES;
use crate::ports::StoreError;
use crate::ports::meta::{MAX_EVENTS_PER_REQUEST, MAX_REQUEST_BYTES};
use crate::ports::receipts::{Known, ReceiptWriter as _};
use crate::receipt::Status;
use crate::time::UnixMillis;

/// Calls that one request may cost before the rest of it goes back to the queue.
const CALLS_PER_REQUEST: u32 = 64;

/// How often a group starts over because its token or pixel was changed while it was worked on.
const FRESH_STARTS: u32 = 2;

/// A wait beyond this, in milliseconds, is spent in the waiting room: 12 days, where queues keep 14.
const LONG_WAIT_MS: i64 = 12 * 86_400_000;

/// What a group's work carries along.
pub(super) struct Desk<'a> {
    pub(super) envelopes: &'a [Envelope],
    pub(super) failed: Vec<Failed>,
    pub(super) report: Report,
}

impl<P: Ports> Dispatcher<P> {
    pub(super) async fn group(
        &self,
        group: Group,
        envelopes: &[Envelope],
        deadline: UnixMillis,
    ) -> (Vec<Failed>, Report) {
        let mut desk = Desk { envelopes, failed: Vec::new(), report: Report::default() };
        let mut items = self.to_send(&mut desk, &group.key, group.items).await;
        let (tenant, pixel) = (&group.key.tenant, &group.key.pixel);
        for start in 0..=FRESH_STARTS {
            if items.is_empty() {
                break;
            }
            let destination = if start == 0 {
                self.destination(tenant, pixel).await
            } else {
                self.fresh_destination(tenant, pixel).await
            };
            let (left, stop) = match destination {
                Err(_) => (items, Stop::Store),
                Ok(Destination::Skip(reason)) => (items, Stop::Skip(reason)),
                Ok(Destination::Wait(reason)) => (items, Stop::Wait(reason)),
                Ok(Destination::Ready(route)) => {
                    let report = Report::default();
                    let mut work = Work { key: &group.key, route, deadline, calls_left: 0, report };
                    let (left, stop) = self.requests(&mut desk, &mut work, items).await;
                    desk.report.add(&work.report);
                    match stop {
                        Some(Stop::Condemned(token, error, reason)) => {
                            let stop = self.condemn(&work, token, error, reason).await;
                            desk.report.attention += u64::from(matches!(stop, Some(Stop::Wait(_))));
                            match stop {
                                Some(stop) => (left, stop),
                                None if start < FRESH_STARTS => {
                                    items = left;
                                    continue;
                                }
                                None => (left, Stop::Unavailable),
                            }
                        }
                        Some(stop) => (left, stop),
                        None => break,
                    }
                }
            };
            self.put_away(&mut desk, tenant, pixel, left, stop).await;
            break;
        }
        (desk.failed, desk.report)
    }

    /// Settles what is not to be sent, or no more, and returns the rest.
    async fn to_send(&self, desk: &mut Desk<'_>, key: &GroupKey, items: Vec<Item>) -> Vec<Item> {
        if let Some(reason) = &key.skip {
            let reason = &reason[..reason.floor_char_boundary(MAX_SKIP_REASON_BYTES)];
            self.end_unsent(desk, items, &Fate::plain(Status::Skipped, reason)).await;
            return Vec::new();
        }
        match self.without_erased(&key.tenant, items).await {
            Ok((items, erased)) => {
                self.end_unsent(desk, erased, &Fate::plain(Status::Erased, "person_erased")).await;
                self.drop_expired(desk, items).await
            }
            Err((items, _)) => {
                self.send_anew(desk, items, &Stop::Store).await;
                Vec::new()
            }
        }
    }

    /// Ends items that must not be sent. What was sent before stays so.
    async fn end_unsent(&self, desk: &mut Desk<'_>, items: Vec<Item>, fate: &Fate) {
        if items.is_empty() {
            return;
        }
        match self.drop_known(desk, items).await {
            Ok(items) => self.finish(desk, items, fate).await,
            Err((items, _)) => self.send_anew(desk, items, &Stop::Store).await,
        }
    }

    /// Settles what is too old and returns the rest.
    async fn drop_expired(&self, desk: &mut Desk<'_>, items: Vec<Item>) -> Vec<Item> {
        let now_s = self.now().secs();
        let (fresh, expired): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| item.deadline_s() > now_s);
        self.finish(desk, expired, &Fate::plain(Status::Expired, "too_old")).await;
        fresh
    }

    /// Writes one fate for all `items`; what can't be written goes back to the queue.
    async fn finish(&self, desk: &mut Desk<'_>, items: Vec<Item>, fate: &Fate) {
        let fates = items.into_iter().map(|item| (item, fate.clone())).collect();
        self.finish_each(desk, fates).await;
    }

    async fn finish_each(&self, desk: &mut Desk<'_>, fates: Vec<(Item, Fate)>) {
        let lost = self.settle(&mut desk.report, fates).await;
        self.send_anew(desk, lost, &Stop::Store).await;
    }

    async fn send_anew(&self, desk: &mut Desk<'_>, items: Vec<Item>, stop: &Stop) {
        let failed = self.resend(&mut desk.report, desk.envelopes, items, Later::of(stop)).await;
        desk.failed.extend(failed);
    }

    /// Does with unsent items what their stop asks for.
    async fn put_away(
        &self,
        desk: &mut Desk<'_>,
        tenant: &TenantId,
        pixel: &PixelId,
        items: Vec<Item>,
        stop: Stop,
    ) {
        match stop {
            Stop::Skip(reason) => self.finish(desk, items, &Fate::plain(Status::Skipped, reason)).await,
            Stop::Wait(reason) => self.park(desk, tenant, pixel, items, &reason).await,
            Stop::RateLimited(until) if until.ms_since(self.now()) > LONG_WAIT_MS => {
                self.park(desk, tenant, pixel, items, "rate_limited").await;
            }
            other => self.send_anew(desk, items, &other).await,
        }
    }

    /// Sends `items` in as few requests as they fit. Returns what was not sent, and why.
    async fn requests(
        &self,
        desk: &mut Desk<'_>,
        work: &mut Work<'_>,
        items: Vec<Item>,
    ) -> (Vec<Item>, Option<Stop>) {
        let items = match self.drop_known(desk, items).await {
            Ok(items) => items,
            Err((items, _)) => return (items, Some(Stop::Store)),
        };
        let mut requests = cut(items).into_iter();
        while let Some(request) = requests.next() {
            work.calls_left = CALLS_PER_REQUEST;
            let done = self.isolate(work, request).await;
            let sent = done.sent.into_iter().map(|(item, trace)| (item, Fate::sent(trace)));
            let rejected = done.rejected.into_iter().map(|(item, error)| (item, Fate::rejected(error)));
            self.finish_each(desk, sent.chain(rejected).collect()).await;
            if let Some(stop) = done.stop {
                return (done.unsent.into_iter().chain(requests.flatten()).collect(), Some(stop));
            }
        }
        (Vec::new(), None)
    }

    /// Drops what was sent before: silently where this is the same message again, counted where it is a repeat.
    async fn drop_known(
        &self,
        desk: &mut Desk<'_>,
        items: Vec<Item>,
    ) -> Result<Vec<Item>, (Vec<Item>, StoreError)> {
        let keys: Vec<_> = items.iter().map(|item| item.key.clone()).collect();
        let known = match self.ports.events().known(&keys).await {
            Ok(known) => known,
            Err(error) => return Err((items, error)),
        };
        let was_sent = |item: &Item| known.get(&item.key).filter(|known| known.status == Status::Sent);
        let (sent, fresh): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| was_sent(item).is_some());
        let again = |item: &Item, known: &Known| known.message.as_ref() == Some(&item.message);
        let repeats: Vec<Item> = sent
            .into_iter()
            .filter(|item| item.copies() > 1 || !was_sent(item).is_some_and(|known| again(item, known)))
            .collect();
        let lost = self.count_repeats(&mut desk.report, repeats).await;
        self.send_anew(desk, lost, &Stop::Store).await;
        Ok(fresh)
    }
}

/// Cuts items into requests within Meta's limits.
fn cut(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut requests: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let size = item.event.json().len() + 1;
        match requests.last_mut() {
            Some(request) if request.len() < MAX_EVENTS_PER_REQUEST && bytes + size <= MAX_REQUEST_BYTES => {
                bytes += size;
                request.push(item);
            }
            _ => {
                bytes = size;
                requests.push(vec![item]);
            }
        }
    }
    requests
}
