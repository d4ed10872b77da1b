//! A source, a present, and entropy that counts.

use std::sync::atomic::{AtomicU64, Ordering};

use adrelay_core::config::Source;
use adrelay_core::event::{AcceptedEvent, EventContext, Poster, Prepared, Verdict, prepare};
use adrelay_core::ids::{PixelId, SourceId, TenantId};
use adrelay_core::ports::clock::Entropy;
use adrelay_core::time::UnixMillis;
use serde_json::{Value, json};

pub(crate) const NOW_S: i64 = 1_800_000_000;
pub(crate) const NOW: UnixMillis = UnixMillis::from_secs(NOW_S);

/// Every draw differs from every other.
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let count = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = count[at % count.len()];
        }
    }
}

pub(crate) fn source(pixels: &[&str]) -> Source {
    Source {
        pixel_ids: pixels.iter().map(|id| PixelId::parse(id).unwrap()).collect(),
        default_country: Some("DE".to_owned()),
        ..Source::new(
            TenantId::parse("acme").unwrap(),
            SourceId::parse("shop").unwrap(),
            "Shop".to_owned(),
            UnixMillis(0),
        )
    }
}

pub(crate) fn context(source: &Source) -> EventContext<'_> {
    EventContext {
        source,
        now: NOW,
        poster: Poster::Server,
        pixel: None,
        test_event_code: None,
        upload_tag: None,
        idempotency: None,
    }
}

/// A Purchase that nothing is wrong with.
pub(crate) fn purchase() -> Value {
    json!({
        "event_name": "Purchase", "event_time": NOW_S - 100, "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {"email": "bob@example.com", "client_user_agent": "Mozilla/5.0"},
        "custom_data": {"value": 29.99, "currency": "eur", "order_id": "A-1"},
    })
}

/// `base` with `changes` merged in at the top level; `null` takes a field away.
pub(crate) fn with(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let event = base.as_object_mut().unwrap();
    for (key, value) in changes {
        if value.is_null() {
            event.remove(&key);
        } else {
            event.insert(key, value);
        }
    }
    base
}

pub(crate) fn prepared(event: &Value) -> Prepared {
    prepare(&event.to_string(), &context(&source(&["1", "2"])), &Counting::default())
}

pub(crate) fn accepted(prepared: Prepared) -> AcceptedEvent {
    match prepared.verdict {
        Verdict::Accepted(event) => *event,
        other => panic!("not accepted: {other:?}"),
    }
}

/// `field code` of each refusal.
pub(crate) fn refusals(prepared: &Prepared) -> Vec<String> {
    match &prepared.verdict {
        Verdict::Refused { refusals, .. } => {
            refusals.iter().map(|r| format!("{} {}", r.field, r.code.code())).collect()
        }
        other => panic!("not refused: {other:?}"),
    }
}

pub(crate) fn warnings(prepared: &Prepared) -> Vec<String> {
    prepared.warnings.iter().map(|w| format!("{} {}", w.field, w.code)).collect()
}
