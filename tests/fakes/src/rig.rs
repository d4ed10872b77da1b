//! A dispatcher on in-memory ports, and a loop that plays Lambda's event source mapping.

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
    FixedVault, MemoryConfig, MemoryEvents, MemoryQueue, QueueRules, SeededEntropy, VirtualClock, message_id,
};

/// Ports in memory, with Meta of any kind.
pub struct FakePorts<M> {
    /// Pixels and connections.
    pub config: MemoryConfig,
    /// Receipts and all.
    pub events: MemoryEvents,
    /// The queue.
    pub queue: MemoryQueue,
    /// Meta.
    pub meta: M,
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
        &FixedVault
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
    timeout_ms: i64,
    messages: u32,
}

/// Noon of a day in 2026, where rigs start.
pub const NOON: UnixMillis = UnixMillis(1_790_000_000_000);

impl<M: ConversionsApi> Rig<M> {
    /// A rig with SQS's rules as in the template and the production settings.
    #[must_use]
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn new(meta: M, seed: u64) -> Self {
        let clock = VirtualClock::at(NOON);
        let ports = FakePorts {
            config: MemoryConfig::default(),
            events: MemoryEvents::default(),
            queue: MemoryQueue::new(clock.clone(), QueueRules::default()),
            meta,
            clock,
            entropy: SeededEntropy::new(seed),
        };
        let tenant = TenantId::parse("acme").expect("a slug");
        let pixel = PixelId::parse("1234567890").expect("digits");
        ports.config.add_pixel(&tenant, &pixel, "token");
        let settings = Settings {
            retry: Backoff { base_ms: 200, max_ms: 2_000 },
            resend_s: Backoff { base_ms: 10, max_ms: 900 },
            probe_s: Backoff { base_ms: 30, max_ms: 900 },
            call_timeout_ms: 20_000,
        };
        let dispatcher = Dispatcher::new(ports, settings, "rig".to_owned());
        Self { dispatcher, tenant, pixel, timeout_ms: 60_000, messages: 0 }
    }

    /// The dispatcher's ports.
    pub fn ports(&self) -> &FakePorts<M> {
        self.dispatcher.ports()
    }

    /// A message of `Lead` events with these ids, each an hour old at most.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn message(&mut self, ids: &[&str], scope: Scope) -> EventMessage {
        self.messages += 1;
        let now = self.ports().clock.now();
        let event = |id: &&str| {
            let event = json!({"event_name": "Lead", "event_id": id, "event_time": now.secs() - 60,
                "action_source": "system_generated", "user_data": {"em": ["0".repeat(64)]}});
            let raw = serde_json::value::to_raw_value(&event).expect("JSON");
            QueuedEvent::from_raw(raw).expect("an event")
        };
        EventMessage {
            v: MESSAGE_VERSION,
            id: message_id(&format!("m{}", self.messages)),
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
    pub fn post(&mut self, ids: &[&str]) {
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
        let deadline = self.ports().clock.now().plus_ms(self.timeout_ms);
        let (failed, report) = self.dispatcher.handle(messages, deadline).await;
        for (place, message) in received.iter().enumerate() {
            if !failed.contains(&place) {
                self.ports().queue.delete(message.id);
            }
        }
        Some(report)
    }

    /// Steps, and lets time pass to the next visible message, until the queue is empty or `until` is reached.
    /// Returns the sum of all reports.
    pub async fn run(&self, max: usize, until: UnixMillis) -> Vec<Report> {
        let mut reports = Vec::new();
        while self.ports().clock.now() < until {
            if let Some(report) = self.step(max).await {
                reports.push(report);
                continue;
            }
            match self.ports().queue.next_visible_at() {
                Some(at) => self.ports().clock.advance_to(at.max(self.ports().clock.now().plus_ms(1))),
                None => break,
            }
        }
        reports
    }
}
