//! One tenant with a source, keys of every scope, and the function over in-memory ports.

use adrelay_core::auth::key_sha256;
use adrelay_core::config::{ApiKey, Scope, Source};
use adrelay_core::ids::{KeyId, PixelId, SourceId, TenantId};
use adrelay_core::message::{EventMessage, QueueMessage};
use adrelay_core::time::UnixMillis;
use capi_ingest::Ingest;
use capi_ingest::settings::Settings;
use fakes::{MemoryConfig, MemoryQueue, NOON, QueueRules, SeededEntropy, VirtualClock};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

pub(crate) const INGEST: &str = "adr_ingest_shop";
pub(crate) const PUBLIC: &str = "adr_public_shop";
pub(crate) const ADMIN: &str = "adr_admin_acme";
pub(crate) const REVOKED: &str = "adr_ingest_revoked";
pub(crate) const ORIGIN: &str = "https://shop.example";
pub(crate) const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64)";

pub(crate) struct World {
    pub(crate) config: MemoryConfig,
    pub(crate) queue: MemoryQueue,
    pub(crate) clock: VirtualClock,
    pub(crate) ingest: Ingest<MemoryConfig, MemoryQueue, VirtualClock, SeededEntropy>,
}

/// An answer, with its body as JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) headers: http::HeaderMap,
}

impl Answer {
    pub(crate) fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let Body::Text(text) = body else { panic!("no text") };
        Self {
            status: parts.status.as_u16(),
            body: serde_json::from_str(&text).unwrap(),
            headers: parts.headers,
        }
    }

    /// Status and our stable code, wherever it stands.
    pub(crate) fn code(&self) -> (u16, &str) {
        let code = self.body["code"].as_str().or_else(|| self.body["error"]["error_data"]["code"].as_str());
        (self.status, code.unwrap_or_default())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::gated(true)
    }

    pub(crate) fn gated(enabled: bool) -> Self {
        let clock = VirtualClock::at(NOON);
        let config = MemoryConfig::default();
        let queue = MemoryQueue::new(clock.clone(), QueueRules::default());
        config.add_source(source());
        for (key, scope) in [
            (INGEST, Scope::Ingest),
            (PUBLIC, Scope::Public),
            (ADMIN, Scope::Admin),
            (REVOKED, Scope::Ingest),
        ] {
            config.add_key(api_key(key, scope));
        }
        let settings = Settings {
            enabled,
            trusted_hops: 0,
            config_table: "config".to_owned(),
            queue_url: "queue".to_owned(),
        };
        let ingest =
            Ingest::new(&settings, config.clone(), queue.clone(), clock.clone(), SeededEntropy::new(7));
        Self { config, queue, clock, ingest }
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        Answer::of(self.ingest.handle(&request).await)
    }

    /// A POST of JSON with the ingest key.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(request(path, &[("authorization", &format!("Bearer {INGEST}"))], body.to_string())).await
    }

    /// What is on the queue; every message is readable and within its limit.
    pub(crate) fn queued(&self) -> Vec<EventMessage> {
        let messages = self.queue.bodies().into_iter().map(|body| {
            let QueueMessage::Events(message) = QueueMessage::parse(&body).unwrap() else {
                panic!("no events")
            };
            message
        });
        messages.collect()
    }

    pub(crate) fn queued_events(&self) -> Vec<Value> {
        let messages = self.queued();
        let events = messages.iter().flat_map(|message| &message.events);
        events.map(|event| serde_json::from_str(event.json()).unwrap()).collect()
    }
}

pub(crate) fn source() -> Source {
    Source {
        pixel_ids: vec![PixelId::parse("111").unwrap()],
        default_country: Some("US".to_owned()),
        allowed_origins: vec![ORIGIN.to_owned()],
        ..Source::new(
            TenantId::parse("acme").unwrap(),
            SourceId::parse("shop").unwrap(),
            "Shop".to_owned(),
            UnixMillis(0),
        )
    }
}

pub(crate) fn api_key(key: &str, scope: Scope) -> ApiKey {
    let bound = matches!(scope, Scope::Ingest | Scope::Public);
    ApiKey {
        tenant_id: TenantId::parse("acme").unwrap(),
        id: KeyId::parse(&format!("key_{key}")).unwrap(),
        sha256: key_sha256(key),
        scope,
        source_id: bound.then(|| SourceId::parse("shop").unwrap()),
        name: "test".to_owned(),
        created_at: UnixMillis(0),
        revoked_at: (key == REVOKED).then_some(UnixMillis(1)),
    }
}

/// A request as API Gateway hands it over; JSON unless the headers say otherwise.
pub(crate) fn request(target: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    call("POST", target, headers, body)
}

pub(crate) fn call(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    call_from("203.0.113.7", method, target, headers, body)
}

/// The same, from this address.
pub(crate) fn call_from(
    source_ip: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let context = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": {},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": source_ip}, "stage": "$default", "timeEpoch": 0},
        "isBase64Encoded": false,
    });
    let mut request = lambda_http::request::from_str(&context.to_string()).unwrap();
    let typed = headers.iter().any(|(name, _)| *name == "content-type");
    for (name, value) in
        headers.iter().copied().chain((!typed).then_some(("content-type", "application/json")))
    {
        let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, http::HeaderValue::from_str(value).unwrap());
    }
    *request.body_mut() = body.into();
    request
}

/// A Purchase that nothing is wrong with.
pub(crate) fn purchase(order: &str) -> Value {
    json!({
        "event_name": "Purchase", "event_time": NOON.secs() - 60, "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {"email": "bob@example.com", "client_user_agent": AGENT, "client_ip_address": "198.51.100.4"},
        "custom_data": {"value": 29.99, "currency": "USD", "order_id": order},
    })
}

/// The same without what Purchase needs.
pub(crate) fn bad(order: &str) -> Value {
    let mut event = purchase(order);
    event["custom_data"] = json!({"value": 1});
    event
}
