//! The running simulator as a test holds it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::clock::Clock;
use crate::event_store::{EventFilter, StoredEvent};
use crate::faults::Fault;
use crate::lead_control;
use crate::leads::{Form, Lead, Page, Submission, Submitted};
use crate::outage::{Outage, OutageRequest};
use crate::request_log::RequestEntry;
use crate::server;
use crate::shared::Shared;
use crate::state::{Part, State};
use crate::switches::Switches;
use crate::tokens::Token;

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Address to bind. Default 127.0.0.1.
    pub host: IpAddr,
    /// Port to bind; 0 takes any free one. Default 0.
    pub port: u16,
    /// Unix milliseconds at which the clock stands still; absent: real time.
    pub now_ms: Option<i64>,
    /// Seed of the trace ids.
    pub seed: u64,
    /// Switches at the start and after a reset.
    pub switches: Switches,
    /// Events kept. Default 1,000,000; past that, requests are refused with code 2.
    pub max_events: usize,
    /// Requests kept in the log, the latest. Default 100,000.
    pub max_requests: usize,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            now_ms: None,
            seed: 0,
            switches: Switches::default(),
            max_events: 1_000_000,
            max_requests: 100_000,
        }
    }
}

/// Why the simulator does not take what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// A value makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// A limit of the simulator.
    #[error("too many {0}")]
    TooMany(&'static str),
}

/// A running simulator; it stops when dropped.
///
/// It runs on a thread of its own, so that it can be used from synchronous tests and from any runtime.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    base_url: String,
    thread: Option<JoinHandle<()>>,
}

impl Sim {
    /// Binds and serves.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or no thread can be started.
    pub fn start(config: SimConfig) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(SocketAddr::new(config.host, config.port))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let shared = Arc::new(Shared::new(State::new(config), runtime.handle().clone()));
        let serving = server::serve(listener, Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("graph-sim".to_owned())
            .spawn(move || runtime.block_on(serving))?;
        Ok(Self { shared, base_url, thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Ends the simulator: running calls finish, hanging ones are cut.
    pub fn stop(self) {
        drop(self);
    }

    /// Adds or replaces a token.
    ///
    /// # Errors
    ///
    /// When it is empty or there are too many.
    pub fn add_token(&self, token: Token) -> Result<(), SimError> {
        self.shared.lock().add_token(token)
    }

    /// Makes a token answer 190/460; false when it is unknown.
    #[must_use]
    pub fn revoke_token(&self, token: &str) -> bool {
        self.shared.lock().tokens.revoke(token)
    }

    /// Adds or replaces a page, and makes its token known.
    ///
    /// # Errors
    ///
    /// When a field makes no sense or there are too many.
    pub fn add_page(&self, page: Page) -> Result<(), SimError> {
        self.shared.lock().add_page(page)
    }

    /// Adds or replaces a form of a page.
    ///
    /// # Errors
    ///
    /// When a field makes no sense, its page is unknown, or there are too many.
    pub fn add_form(&self, form: Form) -> Result<(), SimError> {
        self.shared.lock().add_form(form)
    }

    /// Submits leads and announces them in the background.
    ///
    /// # Errors
    ///
    /// When a field makes no sense, a form is unknown, or there are too many.
    pub fn submit(&self, submission: &Submission) -> Result<Submitted, SimError> {
        lead_control::submit_and_send(&self.shared, submission)
    }

    /// Every lead of a form as it was submitted.
    #[must_use]
    pub fn leads(&self, form_id: &str) -> Vec<Lead> {
        self.shared.lock().leads.truth(Some(form_id), None).cloned().collect()
    }

    /// Adds a fault and returns its id.
    ///
    /// # Errors
    ///
    /// When a field makes no sense or there are too many faults.
    pub fn add_fault(&self, fault: Fault) -> Result<String, SimError> {
        self.shared.lock().add_fault(fault)
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Begins an outage, in place of one that may be going on.
    pub fn begin_outage(&self, outage: OutageRequest) {
        let mut state = self.shared.lock();
        state.outage = Some(Outage::begin(outage, state.clock));
    }

    /// Ends the outage.
    pub fn end_outage(&self) {
        self.shared.lock().outage = None;
    }

    /// Stops the clock at this unix millisecond.
    pub fn set_now_ms(&self, now_ms: i64) {
        self.shared.lock().clock = Clock::new(Some(now_ms));
    }

    /// Moves the clock.
    pub fn advance_ms(&self, by_ms: i64) {
        self.shared.lock().clock.advance(by_ms);
    }

    /// What time the simulator believes it is, in unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.shared.lock().clock.now_ms()
    }

    /// Replaces the switches.
    pub fn set_switches(&self, switches: Switches) {
        self.shared.lock().switches = switches;
    }

    /// The events that match, oldest first, after deduplication.
    #[must_use]
    pub fn events(&self, filter: &EventFilter) -> Vec<StoredEvent> {
        self.shared.lock().events.list(filter, 0, usize::MAX).events.into_iter().cloned().collect()
    }

    /// The Graph calls in the log, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestEntry> {
        self.shared.lock().requests.list("", usize::MAX).1.into_iter().cloned().collect()
    }

    /// Puts these parts back to what they were at the start ([`Part::ALL`] for everything).
    pub fn reset(&self, parts: &[Part]) {
        self.shared.lock().reset(parts);
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the simulator's thread panicked");
        }
    }
}
