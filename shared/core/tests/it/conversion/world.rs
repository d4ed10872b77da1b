//! Trackers of conversions over one set of stores.

use adrelay_core::config::Source;
use adrelay_core::conversion::{
    CallOutcome, Conversion, Ports, RequestContext, Settings, SweepReport, TrackError, Tracked, Tracker,
    call, conversion,
};
use adrelay_core::ids::{EventName, PersonId, PixelId, SourceId, TenantId};
use adrelay_core::message::{EventMessage, QueueMessage};
use adrelay_core::people::{Day, Features, Person, Registry, Whole};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::people::ConversionStore as _;
use adrelay_core::rules::{RuleSet, parse};
use adrelay_core::time::UnixMillis;
use fakes::{
    FixedSecrets, KEYRING_PII, LOOKUP_KEY, MemoryConfig, MemoryPeople, MemoryQueue, NOON, QueueRules,
    SeededEntropy, VirtualClock, at_once,
};
use serde_json::{Value, json};

pub(crate) const PIXEL: &str = "111";
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// What all trackers share. Clones are the same.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) config: MemoryConfig,
    pub(crate) people: MemoryPeople,
    pub(crate) queue: MemoryQueue,
    pub(crate) secrets: FixedSecrets,
    pub(crate) clock: VirtualClock,
    pub(crate) entropy: SeededEntropy,
}

impl Ports for Parts {
    type Config = MemoryConfig;
    type People = MemoryPeople;
    type Queue = MemoryQueue;
    type Secrets = FixedSecrets;
    type Clock = VirtualClock;
    type Entropy = SeededEntropy;

    fn config(&self) -> &MemoryConfig {
        &self.config
    }
    fn people(&self) -> &MemoryPeople {
        &self.people
    }
    fn queue(&self) -> &MemoryQueue {
        &self.queue
    }
    fn secrets(&self) -> &FixedSecrets {
        &self.secrets
    }
    fn clock(&self) -> &VirtualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
}

pub(crate) struct World {
    pub(crate) parts: Parts,
    pub(crate) source: Source,
    pub(crate) settings: Settings,
    pub(crate) tracker: Tracker<Parts>,
}

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn source() -> Source {
    let id = SourceId::parse("shop").unwrap();
    Source {
        pixel_ids: vec![PixelId::parse(PIXEL).unwrap()],
        default_country: Some("US".to_owned()),
        ..Source::new(tenant(), id, "Shop".to_owned(), UnixMillis(0))
    }
}

pub(crate) fn name(name: &str) -> EventName {
    EventName::parse(name).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(|_| {}, |_| {})
    }

    /// With a source of these changes.
    pub(crate) fn of_source(change: impl FnOnce(&mut Source)) -> Self {
        Self::of(change, |_| {})
    }

    pub(crate) fn of(change: impl FnOnce(&mut Source), turn: impl FnOnce(&mut Settings)) -> Self {
        let clock = VirtualClock::at(NOON);
        let parts = Parts {
            config: MemoryConfig::default(),
            people: MemoryPeople::default(),
            queue: MemoryQueue::new(clock.clone(), QueueRules::default()),
            secrets: FixedSecrets::default(),
            clock,
            entropy: SeededEntropy::new(11),
        };
        let mut source = source();
        change(&mut source);
        parts.config.add_source(source.clone());
        let mut settings = Settings {
            forward: true,
            people: true,
            keyring_pii: KEYRING_PII.to_owned(),
            lookup_key: LOOKUP_KEY.to_owned(),
        };
        turn(&mut settings);
        Self { tracker: Tracker::new(parts.clone(), settings.clone()), parts, source, settings }
    }

    /// Another process: it has caches of its own.
    pub(crate) fn another(&self) -> Tracker<Parts> {
        Tracker::new(self.parts.clone(), self.settings.clone())
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.parts.clock.now()
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.parts.clock.advance_ms(ms);
    }

    pub(crate) fn set_rules(&self, rules: &Value) {
        let rules = parse(rules).unwrap_or_else(|errors| panic!("{errors:?}"));
        self.parts.config.set_rules(&tenant(), RuleSet { version: 1, rules });
    }

    pub(crate) fn read(&self, body: &Value) -> Conversion {
        let context = RequestContext { source: &self.source, now: self.now(), idempotency: None };
        let read = conversion(body.as_object().unwrap(), &context, &self.parts.entropy);
        read.unwrap_or_else(|notes| panic!("{notes:?}")).0
    }

    /// What a product posts.
    pub(crate) async fn try_post(&self, body: &Value) -> Result<Tracked, TrackError> {
        self.tracker.track(&self.source, self.read(body)).await
    }

    pub(crate) async fn post(&self, body: &Value) -> Tracked {
        self.try_post(body).await.unwrap()
    }

    pub(crate) async fn try_call(&self, body: &Value) -> Result<CallOutcome, TrackError> {
        self.call_by(&self.tracker, body).await
    }

    pub(crate) async fn call_by(
        &self,
        tracker: &Tracker<Parts>,
        body: &Value,
    ) -> Result<CallOutcome, TrackError> {
        let context = RequestContext { source: &self.source, now: self.now(), idempotency: None };
        let read = call(body.as_object().unwrap(), &context, false);
        let (call, _) = read.unwrap_or_else(|notes| panic!("{notes:?}"));
        tracker.call(&self.source, &call).await
    }

    /// A call about a person, of either endpoint.
    pub(crate) async fn call(&self, body: &Value) -> CallOutcome {
        self.try_call(body).await.unwrap()
    }

    /// A tick with as much time as it wants.
    pub(crate) async fn sweep(&self) -> SweepReport {
        self.tracker.sweep(UnixMillis(i64::MAX)).await.unwrap()
    }

    /// What is on the queue.
    pub(crate) fn messages(&self) -> Vec<EventMessage> {
        let messages = self.parts.queue.bodies().into_iter().map(|body| {
            let QueueMessage::Events(message) = QueueMessage::parse(&body).unwrap() else {
                panic!("no events")
            };
            message
        });
        messages.collect()
    }

    /// Events on the queue.
    pub(crate) fn events(&self) -> Vec<Value> {
        let messages = self.messages();
        let events = messages.iter().flat_map(|message| &message.events);
        events.map(|event| serde_json::from_str(event.json()).unwrap()).collect()
    }

    /// Names and ids of events on the queue, each as often as it stands there, in order.
    pub(crate) fn queued(&self) -> Vec<(String, String)> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let mut queued: Vec<(String, String)> =
            self.events().iter().map(|event| (text(event, "event_name"), text(event, "event_id"))).collect();
        queued.sort();
        queued
    }

    pub(crate) async fn whole(&self, id: &PersonId) -> Whole {
        let pii = FixedSecrets::pii();
        let Parts { people, clock, entropy, .. } = &self.parts;
        Registry::new(people, &pii, clock, entropy).person(&tenant(), id).await.unwrap().whole()
    }

    /// Features of everybody together, part by part.
    pub(crate) async fn features(&self) -> Features {
        let mut all = Features::default();
        for person in self.parts.people.everybody() {
            let of_part = self.parts.people.features(&tenant(), &person.id, &Day::read("")).await;
            all.add(&of_part.unwrap());
        }
        all
    }
}

/// A conversion of Jane's.
pub(crate) fn visited(id: &str) -> Value {
    json!({"event_name": "visited", "event_id": id,
        "identity": {"email": "jane@example.com", "external_id": "u1"}})
}

/// A conversion of somebody of whom nothing but a product's id is known.
pub(crate) fn signup(id: &str) -> Value {
    json!({"event_name": "signup", "event_id": id, "identity": {"external_id": "anonymous"}})
}

/// How many identifiers a person keeps.
pub(crate) fn identifiers(person: &Person) -> usize {
    at_once(FixedSecrets::pii().profile(person)).unwrap().identifiers().len()
}
