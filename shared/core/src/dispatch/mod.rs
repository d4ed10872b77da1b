//! From the queue to Meta: grouping, booking, sending, isolating bad events, waiting, receipts.
//!
//! One law rules this module: a message is done with only when each of its events has a receipt that ends its story,
//! stands in the waiting room, or is on the queue again.

mod attention;
mod batch;
mod call;
mod erasure;
pub mod governor;
mod isolate;
mod report;
mod resend;
mod route;
mod sending;
mod settle;
mod sync;
mod throttle;

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

pub use batch::DEADLINE_MARGIN_S;
pub use report::Report;
pub use sync::{SyncError, SyncOutcome};

use crate::message::{EventMessage, QueueMessage};
use crate::ports::clock::{Clock, Entropy};
use crate::ports::config::Destinations;
use crate::ports::erasure::ErasureList;
use crate::ports::governor::GovernorStore;
use crate::ports::meta::ConversionsApi;
use crate::ports::queue::EventQueue;
use crate::ports::receipts::ReceiptWriter;
use crate::ports::vault::CredentialSource;
use crate::ports::waiting::WaitingRoom;
use crate::retry::Backoff;
use crate::time::UnixMillis;

/// Groups that are worked on at the same time in one invocation.
const CONCURRENT_GROUPS: usize = 8;

/// What the dispatcher works with.
pub trait Ports: Send + Sync {
    /// Pixels and connections.
    type Config: Destinations;
    /// Receipts, waiting rooms, ledgers and who was erased.
    type Events: ReceiptWriter + WaitingRoom + GovernorStore + ErasureList;
    /// Where unsent events go.
    type Queue: EventQueue;
    /// Meta.
    type Meta: ConversionsApi;
    /// Opens tokens.
    type Vault: CredentialSource;
    /// Time.
    type Clock: Clock;
    /// Randomness.
    type Entropy: Entropy;

    /// Pixels and connections.
    fn config(&self) -> &Self::Config;
    /// Receipts, waiting rooms, ledgers and who was erased.
    fn events(&self) -> &Self::Events;
    /// Where unsent events go.
    fn queue(&self) -> &Self::Queue;
    /// Meta.
    fn meta(&self) -> &Self::Meta;
    /// Opens tokens.
    fn vault(&self) -> &Self::Vault;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Randomness.
    fn entropy(&self) -> &Self::Entropy;
}

/// How long things take and how often they are tried.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Between tries of one request within an invocation.
    pub retry: Backoff,
    /// Before what is sent anew can be received, in seconds, by attempt.
    pub resend_s: Backoff,
    /// Before a pixel that needs attention is probed, in seconds, by attempt.
    pub probe_s: Backoff,
    /// The longest that one call to Meta can take, in milliseconds.
    pub call_timeout_ms: i64,
}

/// Takes messages to Meta. One instance serves all invocations of a process.
pub struct Dispatcher<P> {
    ports: P,
    settings: Settings,
    routes: route::Routes,
    throttle: throttle::Throttle,
    erased: erasure::Erased,
}

/// A message that can't be done with in this invocation and must be received again, by its place in the input.
pub type Failed = usize;

impl<P: Ports> Dispatcher<P> {
    /// A dispatcher. `owner` tells this process apart from others in the governor's ledgers; ≤ 32 characters.
    pub fn new(ports: P, settings: Settings, owner: String) -> Self {
        let (routes, erased) = (route::Routes::new(), erasure::Erased::new());
        Self { ports, settings, routes, throttle: throttle::Throttle::new(owner), erased }
    }

    /// What it works with.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// Works through `messages` until `deadline`. Returns those that must be received again.
    ///
    /// A panic while a pixel's messages are worked on is that pixel's: the others are done with.
    pub async fn handle(&self, messages: Vec<QueueMessage>, deadline: UnixMillis) -> (Vec<Failed>, Report) {
        let mut events: Vec<(Failed, EventMessage)> = Vec::new();
        let mut control = Vec::new();
        for (place, message) in messages.into_iter().enumerate() {
            match message {
                QueueMessage::Events(message) => events.push((place, message)),
                other => control.push((place, other)),
            }
        }
        let (groups, envelopes) = batch::group(events);
        self.look_up_erased(&groups).await;
        let mut results: Vec<(Vec<Failed>, Report)> = stream::iter(groups)
            .map(|group| {
                let places: Vec<Failed> = group.places.clone();
                let work = AssertUnwindSafe(self.group(group, &envelopes, deadline)).catch_unwind();
                async move { work.await.unwrap_or_else(|_| (places, Report::panicked())) }
            })
            .buffer_unordered(CONCURRENT_GROUPS)
            .collect()
            .await;
        for (place, message) in control {
            let work = AssertUnwindSafe(self.control(message, deadline)).catch_unwind();
            let (done, report) = work.await.unwrap_or_else(|_| (false, Report::panicked()));
            results.push((if done { vec![] } else { vec![place] }, report));
        }
        let mut failed = Vec::new();
        let mut report = Report::default();
        for (places, part) in results {
            failed.extend(places);
            report.add(&part);
        }
        failed.sort_unstable();
        failed.dedup();
        (failed, report)
    }

    fn now(&self) -> UnixMillis {
        self.ports.clock().now()
    }
}
