//! One request to Meta, with its tries.

use super::batch::{GroupKey, Item};
use super::governor::Shown;
use super::report::Report;
use super::route::{Destination, Route};
use super::throttle::Slot;
use super::{Dispatcher, Ports};
use crate::ports::StoreError;
use crate::ports::clock::{Clock as _, Entropy as _};
use crate::ports::meta::{CapiRequest, ConversionsApi as _, MetaError, Usage, Verdict};
use crate::time::UnixMillis;

/// Tries of one request within an invocation.
const TRIES: u32 = 3;

/// What must be left of an invocation after a call, for receipts and for sending anew, in milliseconds.
const AFTERMATH_MS: i64 = 1_500;

/// A header that reports a limit as used up, without saying for how long, is given this long, in milliseconds.
const USED_UP_WAIT_MS: i64 = 30_000;

/// Percent of a limit at which Meta refuses calls (graph-api: rate-limiting).
const USED_UP_PERCENT: f64 = 100.0;

/// Why the rest of a group is not sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Meta does not answer, or with a fault of its own.
    Unavailable,
    /// Meta said to wait.
    RateLimited(UnixMillis),
    /// There is no room or no time in this invocation; not before this instant. Nothing is wrong.
    Paced(UnixMillis),
    /// A store of ours does not answer.
    Store,
    /// Meta refuses the token (`true`) or the pixel (`false`) as a whole.
    Condemned(bool, MetaError, &'static str),
    /// A person must act, and others have found that out already.
    Wait(String),
    /// The pixel was disabled or removed meanwhile.
    Skip(&'static str),
}

/// The answer to one request.
#[derive(Debug)]
pub(super) enum Answer {
    /// Meta took all of it.
    Accepted(Option<String>),
    /// Something in it is refused for good.
    BadData(MetaError),
    /// It has more events than may go out at once at present: halve it.
    TooMany,
    /// Nothing of the group is sent any more in this invocation.
    Stop(Stop),
}

/// One invocation's work for one group.
pub(super) struct Work<'a> {
    pub(super) key: &'a GroupKey,
    pub(super) route: std::sync::Arc<Route>,
    pub(super) deadline: UnixMillis,
    pub(super) calls_left: u32,
    pub(super) report: Report,
}

impl<P: Ports> Dispatcher<P> {
    /// Sends `items` in one request, with up to [`TRIES`] tries.
    pub(super) async fn call(&self, work: &mut Work<'_>, items: &[&Item]) -> Answer {
        let mut tried = 0;
        loop {
            match self.turn(work, items.len()).await {
                Ok(Slot::Go { .. }) => {}
                Ok(Slot::TooMany) => return Answer::TooMany,
                Ok(Slot::NotBefore(at)) => return Answer::Stop(Stop::Paced(at)),
                Err(stop) => return Answer::Stop(stop),
            }
            let verdict = match self.send(work, items).await {
                Ok(trace) => return Answer::Accepted(trace),
                Err(failure) => failure,
            };
            match verdict {
                Outcome::Refused(error) => return Answer::BadData(error),
                Outcome::Stop(stop) => return Answer::Stop(stop),
                Outcome::Again => tried += 1,
            }
            if tried >= TRIES {
                return Answer::Stop(Stop::Unavailable);
            }
            let wait_ms = self.settings.retry.full_jitter_ms(tried - 1, self.ports.entropy().up_to(u64::MAX));
            self.ports.clock().sleep_ms(wait_ms).await;
        }
    }

    /// Waits for the pixel's turn, and looks again at the pixel where that took a while.
    async fn turn(&self, work: &mut Work<'_>, events: usize) -> Result<Slot, Stop> {
        let latest = work.deadline.plus_ms(-(self.settings.call_timeout_ms + AFTERMATH_MS));
        if work.calls_left == 0 || self.now() > latest {
            return Err(Stop::Paced(self.now()));
        }
        let (tenant, pixel) = (&work.key.tenant, &work.key.pixel);
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        let slot = self.slot(tenant, pixel, events, latest).await.map_err(|_| Stop::Store)?;
        if slot == (Slot::Go { waited: true }) {
            match self.fresh_destination(tenant, pixel).await {
                Ok(Destination::Ready(route)) => work.route = route,
                Ok(Destination::Wait(reason)) => return Err(Stop::Wait(reason)),
                Ok(Destination::Skip(reason)) => return Err(Stop::Skip(reason)),
                Err(StoreError::Unavailable(_) | StoreError::Conflict | StoreError::Corrupt(_)) => {
                    return Err(Stop::Store);
                }
            }
        }
        Ok(slot)
    }

    async fn send(&self, work: &mut Work<'_>, items: &[&Item]) -> Result<Option<String>, Outcome> {
        let events: Vec<&str> = items.iter().map(|item| item.event.json()).collect();
        let request = CapiRequest {
            pixel_id: &work.key.pixel,
            credentials: &work.route.credentials,
            test_event_code: work.key.test_event_code.as_deref().or(work
                .route
                .pixel
                .test_event_code
                .as_deref()),
            upload_tag: work.key.upload_tag.as_deref(),
            events: &events,
        };
        work.calls_left -= 1;
        work.report.batch_size_max = work.report.batch_size_max.max(events.len() as u64);
        let answer = self.ports.meta().send(request).await;
        self.note_usage(work, answer.usage).await;
        match answer.result {
            Ok(accepted) => {
                work.report.calls_ok += 1;
                self.note_shown(&work.key.tenant, &work.key.pixel, Shown::Takes).await;
                Ok(accepted.fbtrace_id)
            }
            Err(failure) => Err(self.judge(work, failure.verdict, failure.error).await),
        }
    }

    async fn judge(&self, work: &mut Work<'_>, verdict: Verdict, error: MetaError) -> Outcome {
        let (tenant, pixel) = (&work.key.tenant, &work.key.pixel);
        match verdict {
            // Events carry their id, so an outcome that is not known may be tried again: Meta deduplicates.
            Verdict::Retry | Verdict::UnknownOutcome => {
                work.report.calls_failed += 1;
                self.note_shown(tenant, pixel, Shown::Nothing).await;
                Outcome::Again
            }
            Verdict::Wait { ms } => {
                work.report.calls_limited += 1;
                let until = self.now().plus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
                self.note_shown(tenant, pixel, Shown::Nothing).await;
                self.note_wait(tenant, pixel, until).await;
                Outcome::Stop(Stop::RateLimited(until))
            }
            Verdict::Token => {
                work.report.calls_refused += 1;
                Outcome::Stop(Stop::Condemned(true, error, "token_invalid"))
            }
            Verdict::Permission => {
                work.report.calls_refused += 1;
                let reason = if error.code == 100 { "pixel_unknown_to_meta" } else { "permission_missing" };
                Outcome::Stop(Stop::Condemned(false, error, reason))
            }
            Verdict::BadData => {
                work.report.calls_refused += 1;
                // Without a subcode it may be the pixel after all, so it proves nothing.
                let shown = if error.subcode.is_some() { Shown::Takes } else { Shown::Nothing };
                self.note_shown(tenant, pixel, shown).await;
                Outcome::Refused(error)
            }
        }
    }

    async fn note_usage(&self, work: &Work<'_>, usage: Usage) {
        let wait_ms = match usage.wait_ms {
            0 if usage.percent >= USED_UP_PERCENT => USED_UP_WAIT_MS,
            ms => i64::try_from(ms).unwrap_or(i64::MAX),
        };
        if wait_ms > 0 {
            self.note_wait(&work.key.tenant, &work.key.pixel, self.now().plus_ms(wait_ms)).await;
        }
    }
}

enum Outcome {
    Refused(MetaError),
    Stop(Stop),
    Again,
}
