//! Everything that the simulator remembers, and how it is put back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::event_store::EventStore;
use crate::faults::{Fault, Faults};
use crate::outage::Outage;
use crate::random::TraceIds;
use crate::request_log::RequestLog;
use crate::sim::{SimConfig, SimError};
use crate::switches::Switches;
use crate::tokens::{Token, Tokens};

/// The simulator's memory. One lock guards it all: a call's checks and its write are one step.
#[derive(Debug)]
pub(crate) struct State {
    config: SimConfig,
    pub(crate) clock: Clock,
    pub(crate) switches: Switches,
    pub(crate) tokens: Tokens,
    /// Names of pixels that were given one.
    pub(crate) pixels: BTreeMap<String, String>,
    pub(crate) faults: Faults,
    pub(crate) outage: Option<Outage>,
    pub(crate) events: EventStore,
    pub(crate) requests: RequestLog,
    pub(crate) traces: TraceIds,
}

/// A part that can be reset on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The events received.
    Events,
    /// The log of requests.
    Requests,
    /// Faults and their hits.
    Faults,
    /// The outage.
    Outage,
    /// Tokens.
    Tokens,
    /// Names of pixels.
    Pixels,
    /// Switches.
    Switches,
    /// The clock, back to what it was at the start.
    Clock,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 8] = [
        Self::Events,
        Self::Requests,
        Self::Faults,
        Self::Outage,
        Self::Tokens,
        Self::Pixels,
        Self::Switches,
        Self::Clock,
    ];
}

impl State {
    pub(crate) const MAX_PIXELS: usize = 10_000;

    pub(crate) fn new(config: SimConfig) -> Self {
        Self {
            clock: Clock::new(config.now_ms),
            switches: config.switches.clone(),
            tokens: Tokens::default(),
            pixels: BTreeMap::new(),
            faults: Faults::default(),
            outage: None,
            events: EventStore::new(config.max_events),
            requests: RequestLog::new(config.max_requests),
            traces: TraceIds::new(config.seed),
            config,
        }
    }

    pub(crate) fn add_token(&mut self, token: Token) -> Result<(), SimError> {
        if token.token.is_empty() {
            return Err(SimError::Invalid("token must not be empty"));
        }
        if self.tokens.upsert(token) { Ok(()) } else { Err(SimError::TooMany("tokens")) }
    }

    pub(crate) fn add_fault(&mut self, fault: Fault) -> Result<String, SimError> {
        if let Some(defect) = fault.defect() {
            return Err(SimError::Invalid(defect));
        }
        self.faults.add(fault).ok_or(SimError::TooMany("faults"))
    }

    pub(crate) fn name_pixel(&mut self, id: String, name: String) -> Result<(), SimError> {
        if self.pixels.len() >= Self::MAX_PIXELS && !self.pixels.contains_key(&id) {
            return Err(SimError::TooMany("pixels"));
        }
        self.pixels.insert(id, name);
        Ok(())
    }

    /// Puts the parts back to what they were at the start. Trace ids and fault ids never start over.
    pub(crate) fn reset(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Events => self.events = EventStore::new(self.config.max_events),
                Part::Requests => self.requests = RequestLog::new(self.config.max_requests),
                Part::Faults => self.faults.clear(),
                Part::Outage => self.outage = None,
                Part::Tokens => self.tokens = Tokens::default(),
                Part::Pixels => self.pixels.clear(),
                Part::Switches => self.switches = self.config.switches.clone(),
                Part::Clock => self.clock = Clock::new(self.config.now_ms),
            }
        }
    }
}
