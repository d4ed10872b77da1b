//! A queue with SQS's rules: delay, visibility, receive count, retention, dead letters, the cap on what is in flight.

use std::collections::VecDeque;

use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::queue::{EventQueue, Outgoing, QueueError};
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{ANY, Faults, VirtualClock};

/// The queue's attributes.
#[derive(Debug, Clone, Copy)]
pub struct QueueRules {
    /// How long a received message stays invisible, in milliseconds.
    pub visibility_ms: i64,
    /// Receives after which a message is a dead letter.
    pub max_receive_count: u32,
    /// How long a message is kept, in milliseconds.
    pub retention_ms: i64,
    /// Messages that may be in flight at once.
    pub in_flight_max: usize,
}

impl Default for QueueRules {
    /// As the template sets them; SQS allows 120,000 in flight.
    fn default() -> Self {
        Self {
            visibility_ms: 360_000,
            max_receive_count: 5,
            retention_ms: 14 * 86_400_000,
            in_flight_max: 120_000,
        }
    }
}

#[derive(Debug, Clone)]
struct Message {
    id: u64,
    body: String,
    sent_at: UnixMillis,
    visible_at: UnixMillis,
    receives: u32,
}

/// A message received, to be deleted or seen again.
#[derive(Debug, Clone)]
pub struct Received {
    /// Names it for [`MemoryQueue::delete`].
    pub id: u64,
    /// Its body.
    pub body: String,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    next_id: u64,
    dead: Vec<String>,
    lost_to_retention: usize,
    in_flight_peak: usize,
}

/// The queue. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryQueue {
    state: Shared<State>,
    clock: VirtualClock,
    rules: QueueRules,
}

impl MemoryQueue {
    /// An empty queue on `clock`.
    #[must_use]
    pub fn new(clock: VirtualClock, rules: QueueRules) -> Self {
        Self { state: Shared::default(), clock, rules }
    }

    /// What goes wrong with its calls; [`Outgoing`] are the items of a `send`.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Puts a message on the queue.
    pub fn push(&self, body: String, delay_s: u16) {
        let now = self.clock.now();
        self.state.with(|state| {
            state.next_id += 1;
            let visible_at = now.plus_ms(i64::from(delay_s) * 1000);
            state.messages.push_back(Message {
                id: state.next_id,
                body,
                sent_at: now,
                visible_at,
                receives: 0,
            });
        });
    }

    /// Puts a message before all others, as a queue that shares fairly does for a group with few.
    pub fn push_first(&self, body: String) {
        self.push(body, 0);
        self.state.with(|state| state.messages.rotate_right(1));
    }

    /// Receives up to `max` visible messages.
    #[must_use]
    pub fn receive(&self, max: usize) -> Vec<Received> {
        let (now, rules) = (self.clock.now(), self.rules);
        self.state.with(|state| {
            let before = state.messages.len();
            state.messages.retain(|message| now.ms_since(message.sent_at) < rules.retention_ms);
            state.lost_to_retention += before - state.messages.len();
            let (dead, live): (VecDeque<Message>, VecDeque<Message>) =
                std::mem::take(&mut state.messages).into_iter().partition(|message| {
                    message.visible_at <= now && message.receives >= rules.max_receive_count
                });
            state.messages = live;
            state.dead.extend(dead.into_iter().map(|message| message.body));
            let flying = state.messages.iter().filter(|m| m.receives > 0 && m.visible_at > now).count();
            let room = rules.in_flight_max.saturating_sub(flying).min(max);
            let visible = state.messages.iter_mut().filter(|message| message.visible_at <= now).take(room);
            let mut received = Vec::new();
            for message in visible {
                message.receives += 1;
                message.visible_at = now.plus_ms(rules.visibility_ms);
                received.push(Received { id: message.id, body: message.body.clone() });
            }
            state.in_flight_peak = state.in_flight_peak.max(flying + received.len());
            received
        })
    }

    /// Deletes a message that was dealt with.
    pub fn delete(&self, id: u64) {
        self.state.with(|state| state.messages.retain(|message| message.id != id));
    }

    /// When the next message becomes visible.
    #[must_use]
    pub fn next_visible_at(&self) -> Option<UnixMillis> {
        self.state.with(|state| state.messages.iter().map(|message| message.visible_at).min())
    }

    /// Bodies of all messages, visible or not.
    #[must_use]
    pub fn bodies(&self) -> Vec<String> {
        self.state.with(|state| state.messages.iter().map(|message| message.body.clone()).collect())
    }

    /// Bodies of dead letters.
    #[must_use]
    pub fn dead(&self) -> Vec<String> {
        self.state.with(|state| state.dead.clone())
    }

    /// Messages that outlived the retention.
    #[must_use]
    pub fn lost_to_retention(&self) -> usize {
        self.state.with(|state| state.lost_to_retention)
    }

    /// The most messages that were in flight at once.
    #[must_use]
    pub fn in_flight_peak(&self) -> usize {
        self.state.with(|state| state.in_flight_peak)
    }

    /// Makes the queue refuse every send, or take them again.
    pub fn set_refusing(&self, refuse: bool) {
        self.state.faults.set_down(ANY, refuse);
    }
}

impl EventQueue for MemoryQueue {
    async fn send(&self, messages: Vec<Outgoing>) -> Vec<Result<(), QueueError>> {
        let push = |message: &Outgoing| {
            self.push(message.body.clone(), message.delay_s);
            Ok(())
        };
        self.state.faults.each("send", &messages, push).await
    }
}
