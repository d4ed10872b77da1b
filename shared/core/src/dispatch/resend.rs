//! Putting unsent events on the queue again, before their old message is done with.

use std::collections::BTreeMap;

use super::batch::{Envelope, Item};
use super::call::Stop;
use super::report::Report;
use super::settle::Fate;
use super::{Dispatcher, Failed, Ports};
use crate::message::{EventMessage, QueueMessage};
use crate::ports::clock::Entropy as _;
use crate::ports::queue::{EventQueue as _, Outgoing};
use crate::receipt::Status;
use crate::time::UnixMillis;

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// Why and until when events are put back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later {
    /// The receipt's reason; none where the wait is too short to be worth a write.
    reason: Option<&'static str>,
    not_before: Option<UnixMillis>,
    /// Whether it counts as an attempt, so that the delay grows.
    counts: bool,
}

impl Later {
    pub(super) fn of(stop: &Stop) -> Self {
        match stop {
            Stop::RateLimited(until) => {
                Self { reason: Some("rate_limited"), not_before: Some(*until), counts: true }
            }
            // A second at least, so that what can never fit does not spin.
            Stop::Paced(at) => Self { reason: None, not_before: Some(at.plus_ms(1_000)), counts: false },
            Stop::Store => Self { reason: None, not_before: None, counts: true },
            Stop::Unavailable | Stop::Condemned(..) | Stop::Wait(_) | Stop::Skip(_) => {
                Self { reason: Some("meta_unavailable"), not_before: None, counts: true }
            }
        }
    }
}

impl<P: Ports> Dispatcher<P> {
    /// Sends `items` anew, each copy in its own message. Returns the places of messages that the queue refused.
    pub(super) async fn resend(
        &self,
        report: &mut Report,
        envelopes: &[Envelope],
        items: Vec<Item>,
        later: Later,
    ) -> Vec<Failed> {
        if items.is_empty() {
            return Vec::new();
        }
        self.note_waiting(report, &items, later).await;
        let now_s = self.now().secs();
        for item in &items {
            report.deadline(item.deadline_s() - now_s);
        }
        let mut by_holder: BTreeMap<usize, EventMessage> = BTreeMap::new();
        for item in items {
            for &holder in &item.holders {
                let message = by_holder.entry(holder).or_insert_with(|| {
                    let message = envelopes[holder].message.clone();
                    EventMessage { attempt: message.attempt + u32::from(later.counts), ..message }
                });
                message.events.push(item.event.clone());
            }
        }
        let mut places = Vec::new();
        let mut outgoing = Vec::new();
        let mut failed = Vec::new();
        for (holder, message) in by_holder {
            let delay_s = self.delay_s(message.attempt, later);
            report.resent += message.events.len() as u64;
            let message = QueueMessage::Events(message);
            match message.to_body() {
                Ok(body) => {
                    outgoing.push(Outgoing { body, group: message.group().to_string(), delay_s });
                    places.push(envelopes[holder].place);
                }
                Err(_) => failed.push(envelopes[holder].place),
            }
        }
        let results = self.ports.queue().send(outgoing).await;
        failed.extend(results.iter().zip(places).filter(|(sent, _)| sent.is_err()).map(|(_, place)| place));
        failed
    }

    fn delay_s(&self, attempt: u32, later: Later) -> u16 {
        let asked = later.not_before.map_or(0, |at| at.ms_since(self.now()).max(0));
        let asked_s = u64::try_from(asked).unwrap_or(0).div_ceil(1000);
        let grown_s = if later.counts {
            // Half of it fixed, so that it really grows; half by chance, so that messages don't come back at once.
            let bound = self.settings.resend_s.bound_ms(attempt.saturating_sub(1));
            (bound - bound / 2) + self.ports.entropy().up_to(bound / 2)
        } else {
            0
        };
        let max_s = self.settings.resend_s.max_ms.min(MAX_DELAY_S);
        u16::try_from(asked_s.max(grown_s).min(max_s)).unwrap_or(900)
    }

    /// Writes `waiting` receipts at attempts 1, 2, 4, 8, …: an outage must not cost a write per event and try.
    async fn note_waiting(&self, report: &mut Report, items: &[Item], later: Later) {
        let Some(reason) = later.reason else { return };
        let fates: Vec<(Item, Fate)> = items
            .iter()
            .filter(|item| (item.attempt + 1).is_power_of_two())
            .map(|item| {
                let next = later.not_before.unwrap_or_else(|| {
                    let bound_s = self.settings.resend_s.bound_ms(item.attempt);
                    self.now().plus_ms(i64::try_from(bound_s).unwrap_or(900) * 1000)
                });
                let fate = Fate { next_try_at: Some(next), ..Fate::plain(Status::Waiting, reason) };
                // The copies are counted when the event is settled.
                (Item { holders: item.holders[..1].to_vec(), ..item.clone() }, fate)
            })
            .collect();
        // A lost one changes nothing: the event is on the queue, and its next receipt tells.
        let _ = self.settle(report, fates).await;
    }
}
