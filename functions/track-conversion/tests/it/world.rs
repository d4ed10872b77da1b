//! The function on parts in memory.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use adrelay_core::auth::key_sha256;
use adrelay_core::config::{ApiKey, Scope, Source};
use adrelay_core::conversion::{Ports, Settings, Tracker};
use adrelay_core::ids::{KeyId, PersonId, PixelId, SourceId, TenantId};
use adrelay_core::message::{EventMessage, QueueMessage};
use adrelay_core::people::{Day, Features};
use adrelay_core::ports::people::ConversionStore as _;
use adrelay_core::rules::{RuleSet, parse};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use fakes::{
    FixedSecrets, KEYRING_PII, LOOKUP_KEY, MemoryConfig, MemoryPeople, MemoryQueue, NOON, QueueRules,
    SeededEntropy, VirtualClock,
};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use track_conversion::TrackConversion;

pub(crate) const KEY: &str = "adr_ingest_shopshopshopshopshopshopshopshop";
pub(crate) const PIXEL: &str = "111";

pub(crate) struct Parts {
    config: MemoryConfig,
    people: MemoryPeople,
    queue: MemoryQueue,
    secrets: FixedSecrets,
    clock: VirtualClock,
    entropy: SeededEntropy,
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

/// What is turned on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gates {
    pub(crate) enabled: bool,
    pub(crate) forward: bool,
    pub(crate) people: bool,
}

pub(crate) const ALL: Gates = Gates { enabled: true, forward: true, people: true };

pub(crate) struct World {
    pub(crate) function: TrackConversion<Parts, MemoryConfig, VirtualClock>,
    pub(crate) config: MemoryConfig,
    pub(crate) people: MemoryPeople,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: VirtualClock,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// Codes of the fields that are wrong.
    pub(crate) fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().filter_map(|error| error["code"].as_str()).collect()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(ALL)
    }

    pub(crate) fn with(gates: Gates) -> Self {
        let clock = VirtualClock::at(NOON);
        let (config, people) = (MemoryConfig::default(), MemoryPeople::default());
        let queue = MemoryQueue::new(clock.clone(), QueueRules::default());
        config.add_source(source());
        config.add_key(api_key());
        let parts = Parts {
            config: config.clone(),
            people: people.clone(),
            queue: queue.clone(),
            secrets: FixedSecrets::default(),
            clock: clock.clone(),
            entropy: SeededEntropy::new(11),
        };
        let settings = Settings {
            forward: gates.forward,
            people: gates.people,
            keyring_pii: KEYRING_PII.to_owned(),
            lookup_key: LOOKUP_KEY.to_owned(),
        };
        let tracker = Tracker::new(parts, settings);
        let function = TrackConversion::new(gates.enabled, tracker, config.clone(), clock.clone());
        Self { function, config, people, queue, clock }
    }

    /// With a source of these changes.
    pub(crate) fn of_source(change: impl FnOnce(&mut Source)) -> Self {
        let world = Self::new();
        let mut source = source();
        change(&mut source);
        world.config.add_source(source);
        world
    }

    pub(crate) fn set_rules(&self, rules: &Value) {
        let rules = parse(rules).unwrap();
        self.config.set_rules(&tenant(), RuleSet { version: 1, rules });
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.function.handle(&request(path, body)).await)
    }

    pub(crate) async fn convert(&self, body: &Value) -> Answer {
        self.post("/api/v1/conversions", body).await
    }

    /// Lets the function work on a conversion for so many steps of its stores, then kills it. Whether it was done by then.
    pub(crate) fn convert_and_die(&self, body: &Value, steps: usize) -> bool {
        let request = request("/api/v1/conversions", body);
        let mut work = pin!(self.function.handle(&request));
        let mut context = Context::from_waker(Waker::noop());
        (0..steps).any(|_| matches!(work.as_mut().poll(&mut context), Poll::Ready(_)))
    }

    pub(crate) async fn sweep(&self) {
        use adrelay_lambda::start::Function as _;
        self.function.tick(UnixMillis(i64::MAX)).await.unwrap();
    }

    /// What is on the queue.
    pub(crate) fn messages(&self) -> Vec<EventMessage> {
        let messages = self.queue.bodies().into_iter().map(|body| {
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

    /// Names and ids of events on the queue, in order of their names.
    pub(crate) fn names(&self) -> Vec<(String, String)> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let mut names: Vec<(String, String)> =
            self.events().iter().map(|event| (text(event, "event_name"), text(event, "event_id"))).collect();
        names.sort();
        names
    }

    /// Features of everybody together, part by part.
    pub(crate) async fn features(&self) -> Features {
        let mut all = Features::default();
        for person in self.people.everybody() {
            let ids: [PersonId; 1] = [person.id];
            for id in ids {
                all.add(&self.people.features(&tenant(), &id, &Day::read("")).await.unwrap());
            }
        }
        all
    }
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

fn api_key() -> ApiKey {
    ApiKey {
        tenant_id: tenant(),
        id: KeyId::parse("key_1").unwrap(),
        sha256: key_sha256(KEY),
        scope: Scope::Ingest,
        source_id: Some(SourceId::parse("shop").unwrap()),
        name: "test".to_owned(),
        created_at: UnixMillis(0),
        revoked_at: None,
    }
}

pub(crate) fn request(path: &str, body: &Value) -> Request {
    http::Request::builder()
        .method("POST")
        .uri(path)
        .header("authorization", format!("Bearer {KEY}"))
        .header("content-type", "application/json")
        .body(Body::Text(body.to_string()))
        .unwrap()
}

pub(crate) fn answer(response: Result<Response<Body>, Problem>) -> Answer {
    let response = response.unwrap_or_else(Problem::into_response);
    let status = response.status().as_u16();
    let Body::Text(text) = response.body() else { panic!("no text") };
    Answer { status, body: serde_json::from_str(text).unwrap() }
}

/// A conversion of Jane's.
pub(crate) fn visited(id: &str) -> Value {
    json!({"event_name": "visited", "event_id": id, "identity": {"email": "jane@example.com", "external_id": "u1"}})
}
