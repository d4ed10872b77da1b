//! Everything that the simulator remembers, and how it is put back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::event_store::EventStore;
use crate::faults::{Fault, Faults};
use crate::leads::{Form, LeadAds, Page};
use crate::outage::Outage;
use crate::random::TraceIds;
use crate::receivers::Receivers;
use crate::request_log::RequestLog;
use crate::sim::{SimConfig, SimError};
use crate::switches::Switches;
use crate::tokens::{Token, Tokens};
use crate::webhooks::Deliveries;

/// The simulator's memory. One lock guards it all: a call's checks and its write are one step.
#[derive(Debug)]
pub(crate) struct State {
    config: SimConfig,
    pub(crate) clock: Clock,
    pub(crate) switches: Switches,
    pub(crate) tokens: Tokens,
    /// Names of pixels that were given one.
    pub(crate) pixels: BTreeMap<String, String>,
    /// Pages, forms, leads.
    pub(crate) leads: LeadAds,
    /// Webhooks sent.
    pub(crate) deliveries: Deliveries,
    /// Other people's endpoints.
    pub(crate) receivers: Receivers,
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
    /// Pages and forms.
    Pages,
    /// Leads.
    Leads,
    /// Webhooks; those on their way are not sent any more.
    Webhooks,
    /// Receivers.
    Receivers,
    /// Switches.
    Switches,
    /// The clock, back to what it was at the start.
    Clock,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 12] = [
        Self::Events,
        Self::Requests,
        Self::Faults,
        Self::Outage,
        Self::Tokens,
        Self::Pixels,
        Self::Pages,
        Self::Leads,
        Self::Webhooks,
        Self::Receivers,
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
            leads: LeadAds::default(),
            deliveries: Deliveries::default(),
            receivers: Receivers::default(),
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

    /// Adds a page; its token becomes known where it is not yet.
    pub(crate) fn add_page(&mut self, page: Page) -> Result<(), SimError> {
        if let Some(defect) = page.defect() {
            return Err(SimError::Invalid(defect));
        }
        if self.tokens.get(&page.token).is_none() {
            self.add_token(Token {
                token: page.token.clone(),
                app_id: page.app_id.clone(),
                app_secret: page.app_secret.clone(),
                scopes: Page::SCOPES.map(str::to_owned).to_vec(),
                ..Token::default()
            })?;
        }
        self.leads.put_page(page)
    }

    /// Adds a form, made now unless it says when.
    pub(crate) fn add_form(&mut self, mut form: Form) -> Result<(), SimError> {
        form.created_time.get_or_insert(self.clock.now_s());
        self.leads.put_form(form)
    }

    /// Seed of what must differ from one run to another.
    pub(crate) fn seed(&self) -> u64 {
        self.config.seed
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
                Part::Pages => self.leads.forget_pages(),
                Part::Leads => self.leads.forget_leads(),
                Part::Webhooks => self.deliveries.forget(),
                Part::Receivers => self.receivers.forget(),
                Part::Switches => self.switches = self.config.switches.clone(),
                Part::Clock => self.clock = Clock::new(self.config.now_ms),
            }
        }
    }
}
