//! The synchronous endpoint in-process: what it answers where nothing is to be sent, and the receipts it leaves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

use adrelay_core::auth::key_sha256;
use adrelay_core::config::{ApiKey, ConsentPolicy, Scope, Source};
use adrelay_core::ids::{KeyId, PixelId, SourceId};
use adrelay_core::receipt::Status;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::auth::Authenticator;
use adrelay_lambda::env::Env;
use adrelay_lambda::start::Function as _;
use capi_dispatch::CapiDispatch;
use capi_dispatch::settings::Settings;
use fakes::{FakePorts, MemoryConfig, MemoryEvents, NOON, Rig, ScriptedMeta, VirtualClock};
use lambda_http::Body;
use serde_json::{Value, json};

const KEY: &str = "adr_ingest_shop";

struct World {
    function: CapiDispatch<FakePorts<ScriptedMeta>, MemoryConfig, VirtualClock>,
    meta: ScriptedMeta,
    events: MemoryEvents,
    clock: VirtualClock,
}

fn world(consent_policy: ConsentPolicy) -> World {
    let rig = Rig::scripted(3);
    let (config, events, clock) =
        (rig.ports().config.clone(), rig.ports().events.clone(), rig.ports().clock.clone());
    let meta = rig.ports().meta.clone();
    let second = PixelId::parse("222").unwrap();
    config.add_pixel(&rig.tenant, &second, "token");
    let shop = SourceId::parse("shop").unwrap();
    config.add_source(Source {
        pixel_ids: vec![rig.pixel.clone(), second],
        consent_policy,
        ..Source::new(rig.tenant.clone(), shop, "Shop".to_owned(), UnixMillis(0))
    });
    config.add_key(ApiKey {
        tenant_id: rig.tenant.clone(),
        id: KeyId::parse("key_shop").unwrap(),
        sha256: key_sha256(KEY),
        scope: Scope::Ingest,
        source_id: Some(SourceId::parse("shop").unwrap()),
        name: "test".to_owned(),
        created_at: UnixMillis(0),
        revoked_at: None,
    });
    let env = Env::from_pairs([
        ("META_CAPI_INGEST_ENABLED", "true"),
        ("CONFIG_TABLE", "c"),
        ("EVENTS_TABLE", "e"),
        ("CAPI_EVENTS_QUEUE_URL", "q"),
        ("KEYRING_TOKENS_SECRET", "k"),
        ("META_APP_SECRET", "m"),
    ]);
    let keys = Authenticator::new(config, clock.clone());
    let function = CapiDispatch::new(rig.dispatcher, keys, &Settings::read(&env).unwrap());
    World { function, meta, events, clock }
}

impl World {
    async fn post(&self, event: &Value) -> (u16, Value) {
        let path = "/api/v1/meta/event/sync";
        let context = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {"authorization": format!("Bearer {KEY}"), "content-type": "application/json"},
            "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "203.0.113.7"},
                "stage": "$default", "timeEpoch": 0},
            "isBase64Encoded": false, "body": event.to_string(),
        });
        let request = lambda_http::request::from_str(&context.to_string()).unwrap();
        let (parts, body) = self.function.http(request, NOON.plus_ms(60_000)).await.into_parts();
        let Body::Text(text) = body else { panic!("no text") };
        self.clock.advance_ms(1_000);
        (parts.status.as_u16(), serde_json::from_str(&text).unwrap())
    }

    fn receipts(&self) -> Vec<(String, Status, Option<String>)> {
        let shape = |(key, receipt): (adrelay_core::receipt::ReceiptKey, fakes::StoredReceipt)| {
            (key.pixel_id.to_string(), receipt.outcome.status, receipt.outcome.reason)
        };
        self.events.receipts().into_iter().map(shape).collect()
    }
}

fn lead(consent: &str) -> Value {
    json!({"event_name": "Lead", "event_id": "e", "event_time": NOON.secs(), "action_source": "system_generated",
        "user_data": {"email": "bob@example.com"}, "consent": consent})
}

#[tokio::test]
async fn a_denied_event_is_answered_as_skipped_and_has_a_receipt_at_each_pixel() {
    let world = world(ConsentPolicy::Assume);
    let (status, body) = world.post(&lead("denied")).await;
    let pixels = json!([
        {"pixel_id": "1234567890", "status": "skipped", "reason": "consent_denied"},
        {"pixel_id": "222", "status": "skipped", "reason": "consent_denied"},
    ]);
    let expected = json!({"success": true, "event_id": "e", "status": "skipped", "reason": "consent_denied", "pixels": pixels});
    assert_eq!((status, body), (200, expected));
    let skipped = |pixel: &str| (pixel.to_owned(), Status::Skipped, Some("consent_denied".to_owned()));
    assert_eq!(world.receipts(), [skipped("1234567890"), skipped("222")]);
    assert!(world.meta.calls().is_empty());
}

#[tokio::test]
async fn unknown_consent_follows_the_sources_policy() {
    let required = world(ConsentPolicy::Require);
    let (status, body) = required.post(&lead("unknown")).await;
    assert_eq!(
        (status, &body["status"], &body["reason"]),
        (200, &json!("skipped"), &json!("consent_unknown"))
    );
    assert!(required.meta.calls().is_empty());
    let assumed = world(ConsentPolicy::Assume);
    let (status, body) = assumed.post(&lead("unknown")).await;
    assert_eq!((status, &body["status"], &body["hashed"]), (200, &json!("sent"), &json!(true)));
    assert_eq!(assumed.meta.calls().len(), 2);
}

#[tokio::test]
async fn a_sent_event_stays_sent_when_it_is_denied_later() {
    let world = world(ConsentPolicy::Assume);
    for (consent, status) in [("granted", "sent"), ("denied", "skipped")] {
        let (http, body) = world.post(&lead(consent)).await;
        assert_eq!((http, &body["status"]), (200, &json!(status)), "{body}");
    }
    let sent = |pixel: &str| (pixel.to_owned(), Status::Sent, None);
    assert_eq!(world.receipts(), [sent("1234567890"), sent("222")]);
    assert_eq!(world.meta.calls().len(), 2, "once for each pixel");
}
