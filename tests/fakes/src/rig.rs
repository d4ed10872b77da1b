//! Dispatchers on in-memory ports, and loops that play Lambda's event source mapping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use adrelay_core::config::Scope;
use adrelay_core::dispatch::{Dispatcher, Ports, Report, Settings};
use adrelay_core::ids::{PixelId, SourceId, TenantId};
use adrelay_core::message::{EventMessage, MESSAGE_VERSION, QueueMessage, QueuedEvent};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::ConversionsApi;
use adrelay_core::retry::Backoff;
use adrelay_core::time::UnixMillis;
use serde_json::json;

use crate::{
    FixedVault, MemoryConfig, MemoryEvents, MemoryQueue, QueueRules, ScriptedMeta, SeededEntropy,
    VirtualClock, message_id,
};

/// Ports in memory, with Meta of any kind. Clones share everything.
#[derive(Clone)]
pub struct FakePorts<M> {
    /// Pixels and connections.
    pub config: MemoryConfig,
    /// Receipts and all.
    pub events: MemoryEvents,
    /// The queue.
    pub queue: MemoryQueue,
    /// Meta.
    pub meta: M,
    /// Opens tokens.
    pub vault: FixedVault,
    /// Virtual time.
    pub clock: VirtualClock,
    /// Repeatable randomness.
    pub entropy: SeededEntropy,
}

impl<M: ConversionsApi> Ports for FakePorts<M> {
    type Config = MemoryConfig;
    type Events = MemoryEvents;
    type Queue = MemoryQueue;
    type Meta = M;
    type Vault = FixedVault;
    type Clock = VirtualClock;
    type Entropy = SeededEntropy;

    fn config(&self) -> &MemoryConfig {
        &self.config
    }
    fn events(&self) -> &MemoryEvents {
        &self.events
    }
    fn queue(&self) -> &MemoryQueue {
        &self.queue
    }
    fn meta(&self) -> &M {
        &self.meta
    }
    fn vault(&self) -> &FixedVault {
        &self.vault
    }
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
}

/// A dispatcher with its surroundings.
pub struct Rig<M> {
    /// The dispatcher.
    pub dispatcher: Dispatcher<FakePorts<M>>,
    /// The tenant of all events.
    pub tenant: TenantId,
    /// The pixel of all events, well and enabled, token `token`.
    pub pixel: PixelId,
    messages: Arc<AtomicU32>,
    dispatchers: Arc<AtomicU32>,
}

/// Noon of a day in 2026, where rigs start.
pub const NOON: UnixMillis = UnixMillis(1_790_000_000_000);

/// How long an invocation may run.
const TIMEOUT_MS: i64 = 60_000;

/// How often an idle dispatcher asks the queue.
const POLL_MS: u64 = 200;

/// Invocations after which a run counts as endless.
const INVOCATIONS_MAX: usize = 100_000;

fn settings() -> Settings {
    Settings {
        retry: Backoff { base_ms: 200, max_ms: 2_000 },
        resend_s: Backoff { base_ms: 10, max_ms: 900 },
        probe_s: Backoff { base_ms: 30, max_ms: 900 },
        call_timeout_ms: 20_000,
    }
}

impl Rig<ScriptedMeta> {
    /// A rig whose Meta goes by script, on the rig's clock.
    #[must_use]
    pub fn scripted(seed: u64) -> Self {
        let clock = VirtualClock::at(NOON);
        Self::on(clock.clone(), ScriptedMeta::new(clock), seed)
    }
}

impl<M: ConversionsApi> Rig<M> {
    /// A rig with SQS's rules as in the template and the production settings.
    #[must_use]
    pub fn new(meta: M, seed: u64) -> Self {
        Self::on(VirtualClock::at(NOON), meta, seed)
    }

    #[expect(clippy::expect_used, reason = "for tests")]
    fn on(clock: VirtualClock, meta: M, seed: u64) -> Self {
        let ports = FakePorts {
            config: MemoryConfig::default(),
            events: MemoryEvents::default(),
            queue: MemoryQueue::new(clock.clone(), QueueRules::default()),
            meta,
            vault: FixedVault::default(),
            clock,
            entropy: SeededEntropy::new(seed),
        };
        let tenant = TenantId::parse("acme").expect("a slug");
        let pixel = PixelId::parse("1234567890").expect("digits");
        ports.config.add_pixel(&tenant, &pixel, "token");
        let dispatcher = Dispatcher::new(ports, settings(), "rig".to_owned());
        let (messages, dispatchers) = (Arc::default(), Arc::new(AtomicU32::new(1)));
        Self { dispatcher, tenant, pixel, messages, dispatchers }
    }

    /// Another process's dispatcher over the same stores, queue, Meta and clock, with caches of its own.
    #[must_use]
    pub fn another_dispatcher(&self) -> Self
    where
        M: Clone,
    {
        let owner = format!("rig-{}", self.dispatchers.fetch_add(1, Ordering::SeqCst) + 1);
        Self {
            dispatcher: Dispatcher::new(self.ports().clone(), settings(), owner),
            tenant: self.tenant.clone(),
            pixel: self.pixel.clone(),
            messages: Arc::clone(&self.messages),
            dispatchers: Arc::clone(&self.dispatchers),
        }
    }

    /// The dispatcher's ports.
    pub fn ports(&self) -> &FakePorts<M> {
        self.dispatcher.ports()
    }

    /// A message of `Lead` events with these ids, each an hour old at most.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn message(&self, ids: &[&str], scope: Scope) -> EventMessage {
        let nth = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        let now = self.ports().clock.now();
        let event = |id: &&str| {
            let event = json!({"event_name": "Lead", "event_id": id, "event_time": now.secs() - 60,
                "action_source": "system_generated", "user_data": {"em": ["0".repeat(64)]}});
            let raw = serde_json::value::to_raw_value(&event).expect("JSON");
            QueuedEvent::from_raw(raw).expect("an event")
        };
        EventMessage {
            v: MESSAGE_VERSION,
            id: message_id(&format!("m{nth}")),
            tenant: self.tenant.clone(),
            source: SourceId::parse("shop").expect("a slug"),
            pixel_id: self.pixel.clone(),
            test_event_code: None,
            upload_tag: None,
            key_scope: scope,
            attempt: 0,
            first_enqueued_at: now,
            skip: None,
            held: None,
            events: ids.iter().map(event).collect(),
        }
    }

    /// Queues events with these ids, as a server posts them.
    pub fn post(&self, ids: &[&str]) {
        let message = self.message(ids, Scope::Ingest);
        self.push(message);
    }

    /// Queues a message.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn push(&self, message: EventMessage) {
        let body = QueueMessage::Events(message).to_body().expect("JSON");
        self.ports().queue.push(body, 0);
    }

    /// One invocation with up to `max` messages: what succeeds is deleted, as Lambda does. `None` where nothing was
    /// visible.
    ///
    /// # Panics
    /// Where a message is unreadable.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub async fn step(&self, max: usize) -> Option<Report> {
        let received = self.ports().queue.receive(max);
        if received.is_empty() {
            return None;
        }
        let messages = received.iter().map(|r| QueueMessage::parse(&r.body).expect("readable")).collect();
        let deadline = self.ports().clock.now().plus_ms(TIMEOUT_MS);
        let (failed, report) = self.dispatcher.handle(messages, deadline).await;
        for (place, message) in received.iter().enumerate() {
            if !failed.contains(&place) {
                self.ports().queue.delete(message.id);
            }
        }
        Some(report)
    }

    /// Steps, and lets time pass to the next visible message, until the queue is empty or `until` is reached.
    /// Returns the report of each step.
    ///
    /// # Panics
    /// Where it doesn't end.
    #[expect(clippy::panic, reason = "for tests")]
    pub async fn run(&self, max: usize, until: UnixMillis) -> Vec<Report> {
        let mut reports = Vec::new();
        for _ in 0..INVOCATIONS_MAX {
            if self.ports().clock.now() >= until {
                return reports;
            }
            if let Some(report) = self.step(max).await {
                reports.push(report);
                continue;
            }
            match self.ports().queue.next_visible_at() {
                Some(at) => self.ports().clock.advance_to(at.max(self.ports().clock.now().plus_ms(1))),
                None => return reports,
            }
        }
        panic!("{INVOCATIONS_MAX} invocations, and no end");
    }

    /// As [`Self::run`], beside other dispatchers ([`side_by_side`](crate::side_by_side)): it asks the queue again and
    /// again until no message is left on it, in flight ones included, or `until` is reached.
    pub async fn work(&self, max: usize, until: UnixMillis) {
        while self.ports().clock.now() < until && !self.ports().queue.bodies().is_empty() {
            if self.step(max).await.is_none() {
                self.ports().clock.pass_ms(POLL_MS).await;
            }
        }
    }
}
