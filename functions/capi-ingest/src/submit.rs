//! From the texts of events to the queue, and what became of each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use adrelay_core::config::{Scope, Source};
use adrelay_core::event::{
    AcceptedEvent, EventContext, Idempotency, NoteCode, Refusal, Verdict, Warning, pack, prepare,
};
use adrelay_core::ids::EventId;
use adrelay_core::ports::clock::Entropy;
use adrelay_core::ports::queue::EventQueue;
use adrelay_core::rules::RuleSet;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::metrics::{Metric, emit};
use serde_json::json;

use crate::fan_out::{MetaEvent, Posted};

/// Messages that are written and sent at once: with 256 KiB each what one call of SendMessageBatch takes, which bounds
/// memory where events are many or go to many pixels.
const ROUND_MESSAGES: usize = 4;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on the queue, for every pixel it goes to.
    Queued(EventId),
    /// It was in order but is not to be sent. It is on the queue for its receipt.
    Skipped(EventId, NoteCode),
    /// It can't be sent.
    Rejected(Option<EventId>, Vec<Refusal>),
    /// The queue did not take it, or not for every pixel. Posted again under the same id it is the same event.
    Unavailable(EventId),
}

/// An event's fate, and what its sender should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) fate: Fate,
    pub(crate) warnings: Vec<Warning>,
    /// What goes to Meta for it, where rules fan it out.
    pub(crate) meta_events: Vec<MetaEvent>,
}

/// How many events had which fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) queued: usize,
    pub(crate) skipped: usize,
    pub(crate) rejected: usize,
    pub(crate) unavailable: usize,
}

impl Tally {
    pub(crate) fn of(outcomes: &[Outcome]) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            *match outcome.fate {
                Fate::Queued(_) => &mut tally.queued,
                Fate::Skipped(..) => &mut tally.skipped,
                Fate::Rejected(..) => &mut tally.rejected,
                Fate::Unavailable(_) => &mut tally.unavailable,
            } += 1;
        }
        tally
    }

    /// Nothing was queued because the queue took nothing.
    pub(crate) const fn queue_failed(self) -> bool {
        self.queued + self.skipped == 0 && self.unavailable > 0
    }

    /// There was nothing but bad events.
    pub(crate) const fn all_rejected(self) -> bool {
        self.queued + self.skipped + self.unavailable == 0
    }
}

/// What one request's events are checked against and sent with.
pub(crate) struct Submission<'a, Q, E> {
    pub(crate) queue: &'a Q,
    pub(crate) entropy: &'a E,
    /// For each event; `idempotency` is told by its key alone.
    pub(crate) context: EventContext<'a>,
    pub(crate) scope: Scope,
    /// The tenant's rules; absent where the endpoint has none.
    pub(crate) rules: Option<&'a RuleSet>,
    /// Whether places in the request belong to what an idempotency key names.
    pub(crate) indexed: bool,
}

impl<Q: EventQueue, E: Entropy> Submission<'_, Q, E> {
    /// Checks and queues. Every event that is `Queued` or `Skipped` is on the queue when this returns.
    pub(crate) async fn run(&self, events: &[Cow<'_, str>]) -> Vec<Outcome> {
        let mut outgoing: Vec<AcceptedEvent> = Vec::with_capacity(events.len());
        let mut places = Vec::with_capacity(events.len());
        let mut outcomes = Vec::with_capacity(events.len());
        for (place, text) in events.iter().enumerate() {
            let context = self.context_at(place);
            let prepared = prepare(text, &context, self.entropy);
            if let Some(rules) = self.rules
                && let Some(event_name) = &prepared.event_name
                && rules.names(context.source, event_name)
                && let Some(posted) = Posted::of(text, event_name, &prepared.verdict, context)
                && let Some(fanned) = posted.fan_out(rules, self.entropy, &prepared.warnings)
            {
                places.extend(fanned.events.iter().map(|_| place));
                outgoing.extend(fanned.events);
                outcomes.push(fanned.outcome);
                continue;
            }
            let fate = match prepared.verdict {
                Verdict::Accepted(event) => {
                    let id = event.event_id.clone();
                    outgoing.push(*event);
                    places.push(place);
                    Fate::Queued(id)
                }
                Verdict::Skipped { event, code } => {
                    let id = event.event_id.clone();
                    outgoing.push(*event);
                    places.push(place);
                    Fate::Skipped(id, code)
                }
                Verdict::Refused { event_id, refusals } => Fate::Rejected(event_id, refusals),
            };
            outcomes.push(Outcome { fate, warnings: prepared.warnings, meta_events: Vec::new() });
        }
        for index in self.send(&outgoing).await {
            if let (Some(place), Some(event)) = (places.get(index), outgoing.get(index)) {
                outcomes[*place].fate = Fate::Unavailable(event.event_id.clone());
            }
        }
        report(&outcomes, self.context.source, self.context.now);
        outcomes
    }

    fn context_at(&self, place: usize) -> EventContext<'_> {
        let index = self.indexed.then_some(place);
        let idempotency = self.context.idempotency.map(|known| Idempotency { key: known.key, index });
        EventContext { idempotency, ..self.context }
    }

    /// Sends; returns the indices of events that the queue did not take.
    async fn send(&self, events: &[AcceptedEvent]) -> Vec<usize> {
        let EventContext { source, now, .. } = self.context;
        let mut failed = Vec::new();
        for round in pack(events, source).chunks(ROUND_MESSAGES) {
            let mut messages = Vec::with_capacity(round.len());
            let mut packages = Vec::with_capacity(round.len());
            for package in round {
                match package.outgoing(events, source, self.scope, now, self.entropy) {
                    Ok(message) => {
                        messages.push(message);
                        packages.push(package);
                    }
                    Err(error) => {
                        tracing::error!(%error, "a message could not be written");
                        failed.extend_from_slice(&package.events);
                    }
                }
            }
            for (package, sent) in packages.iter().zip(self.queue.send(messages).await) {
                if let Err(error) = sent {
                    tracing::error!(%error, tenant = %source.tenant_id, events = package.events.len(), "not queued");
                    failed.extend_from_slice(&package.events);
                }
            }
        }
        failed
    }
}

/// Counts, by code where events were refused.
fn report(outcomes: &[Outcome], source: &Source, now: UnixMillis) {
    let tally = Tally::of(outcomes);
    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in outcomes {
        if let Fate::Rejected(_, refusals) = &outcome.fate
            && let Some(first) = refusals.first()
        {
            *codes.entry(first.code.code()).or_default() += 1;
        }
    }
    // At most a thousand, which a double holds.
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    emit(
        now.0,
        &[(Metric::EventsAccepted, count(tally.queued)), (Metric::EventsRefused, count(tally.rejected))],
        &[
            ("tenant", json!(source.tenant_id)),
            ("source", json!(source.id)),
            ("skipped", json!(tally.skipped)),
            ("unavailable", json!(tally.unavailable)),
            ("refused_by_code", json!(codes)),
        ],
    );
}
