//! What was sent and how it was answered.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::sim::SimError;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// On its way, or waiting for its next try.
    Pending,
    /// Answered with 200.
    Delivered,
    /// Out of tries.
    GivenUp,
}

impl State {
    pub(crate) fn read(text: &str) -> Option<Self> {
        [("pending", Self::Pending), ("delivered", Self::Delivered), ("given_up", Self::GivenUp)]
            .into_iter()
            .find_map(|(name, state)| (name == text).then_some(state))
    }
}

/// One try.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Attempt {
    /// Unix milliseconds of its end by the simulator's clock.
    pub(crate) at_ms: i64,
    /// The HTTP status, where there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// Sent again on demand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) replay: bool,
}

/// One delivery.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) url: String,
    /// The leads that it announces.
    pub(crate) leads: Vec<String>,
    /// Byte for byte what is sent.
    pub(crate) body: String,
    /// Its `X-Hub-Signature-256`.
    pub(crate) signature: String,
    pub(crate) state: State,
    pub(crate) attempts: Vec<Attempt>,
}

/// Every delivery since the last reset.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    by_number: BTreeMap<u64, Delivery>,
    made: u64,
}

impl Deliveries {
    const MAX: usize = 100_000;
    /// Tries that are kept of each delivery, the first ones.
    const MAX_ATTEMPTS: usize = 1_100;

    pub(crate) fn has_room_for(&self, deliveries: usize) -> Result<(), SimError> {
        if self.by_number.len().saturating_add(deliveries) > Self::MAX {
            return Err(SimError::TooMany("webhooks"));
        }
        Ok(())
    }

    /// Adds a delivery and returns its number.
    pub(crate) fn add(&mut self, url: &str, leads: Vec<String>, body: String, signature: String) -> u64 {
        self.made += 1;
        let delivery = Delivery {
            id: format!("w{}", self.made),
            url: url.to_owned(),
            leads,
            body,
            signature,
            state: State::Pending,
            attempts: Vec::new(),
        };
        self.by_number.insert(self.made, delivery);
        self.made
    }

    pub(crate) fn get(&self, number: u64) -> Option<&Delivery> {
        self.by_number.get(&number)
    }

    /// The number in an id such as `w12`.
    pub(crate) fn number(id: &str) -> Option<u64> {
        id.strip_prefix('w')?.parse().ok()
    }

    /// Notes a try; false where the delivery was forgotten meanwhile.
    pub(crate) fn note(&mut self, number: u64, attempt: Attempt, state: State) -> bool {
        let Some(delivery) = self.by_number.get_mut(&number) else { return false };
        if !attempt.replay {
            delivery.state = state;
        }
        if delivery.attempts.len() < Self::MAX_ATTEMPTS {
            delivery.attempts.push(attempt);
        }
        true
    }

    pub(crate) fn forget(&mut self) {
        self.by_number.clear();
    }

    /// Totals over everything, and the latest `limit` deliveries that fit, oldest first.
    pub(crate) fn list(&self, state: Option<State>, lead: Option<&str>, limit: usize) -> Value {
        let count = |state| self.by_number.values().filter(|delivery| delivery.state == state).count();
        let (mut statuses, mut errors) = (BTreeMap::<String, u64>::new(), BTreeMap::<&str, u64>::new());
        let attempts = self.by_number.values().flat_map(|delivery| &delivery.attempts);
        for attempt in attempts.clone() {
            if let Some(status) = attempt.status {
                *statuses.entry(status.to_string()).or_default() += 1;
            }
            if let Some(error) = &attempt.error {
                *errors.entry(error).or_default() += 1;
            }
        }
        let mut fitting: Vec<&Delivery> = self
            .by_number
            .values()
            .rev()
            .filter(|delivery| state.is_none_or(|state| state == delivery.state))
            .filter(|delivery| lead.is_none_or(|lead| delivery.leads.iter().any(|id| id == lead)))
            .take(limit)
            .collect();
        fitting.reverse();
        json!({
            "total": self.by_number.len(),
            "pending": count(State::Pending),
            "delivered": count(State::Delivered),
            "given_up": count(State::GivenUp),
            "attempts": attempts.count(),
            "statuses": statuses,
            "errors": errors,
            "webhooks": fitting,
        })
    }
}
