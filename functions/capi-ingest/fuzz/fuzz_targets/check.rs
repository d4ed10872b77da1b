//! What must hold for any input. The first byte chooses route and content type, the rest is the body. Shared by the
//! fuzz target and by the replay of its corpus in `cargo test`.

use adrelay_core::config::{Scope, Source};
use adrelay_core::event::{AcceptedEvent, EventContext, Poster, Verdict, pack, prepare};
use adrelay_core::ids::{PixelId, SourceId, TenantId};
use adrelay_core::message::{MAX_EVENT_BYTES, MAX_MESSAGE_BYTES, QueueMessage, QueuedEvent};
use adrelay_core::ports::clock::Entropy;
use adrelay_core::time::UnixMillis;
use capi_ingest::body::parse;
use capi_ingest::route::Route;
use serde_json::value::RawValue;

/// The present of every run.
const NOW: UnixMillis = UnixMillis::from_secs(1_800_000_000);

const CONTENT_TYPES: [Option<&str>; 5] = [
    None,
    Some("application/json"),
    Some("application/x-www-form-urlencoded"),
    Some("text/plain;charset=UTF-8"),
    Some("multipart/form-data; boundary=x"),
];

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Reads the body, checks its events, packs what is accepted.
pub(crate) fn check(data: &[u8]) {
    accepted(data);
}

/// The same; tells how many events were accepted.
pub(crate) fn accepted(data: &[u8]) -> usize {
    let Some((&choice, body)) = data.split_first() else { return 0 };
    let source = source();
    let pixel_id = source.pixel_ids[0].clone();
    let routes = [Route::Event, Route::Events, Route::Meta { pixel_id: pixel_id.clone() }, Route::Browser];
    let route = &routes[usize::from(choice) % routes.len()];
    let content_type = CONTENT_TYPES[usize::from(choice) / routes.len() % CONTENT_TYPES.len()];
    let Ok(parsed) = parse(route, content_type, body) else { return 0 };
    assert!((1..=1_000).contains(&parsed.events.len()));
    let poster = match route {
        Route::Browser => Poster::Browser { client_ip: Some("203.0.113.7"), user_agent: Some("Mozilla/5.0") },
        _ => Poster::Server,
    };
    let context = EventContext {
        source: &source,
        now: NOW,
        poster,
        pixel: matches!(route, Route::Meta { .. }).then_some(&pixel_id),
        test_event_code: None,
        upload_tag: None,
        idempotency: None,
    };
    let accepted: Vec<AcceptedEvent> =
        parsed.events.iter().filter_map(|text| verdict(text, &context)).collect();
    for package in pack(&accepted, &source) {
        let outgoing = package.outgoing(&accepted, &source, Scope::Ingest, NOW, &Zeros).unwrap();
        assert!(outgoing.body.len() <= MAX_MESSAGE_BYTES);
        assert!(!outgoing.body.contains(['\u{fffe}', '\u{ffff}']), "SQS would refuse it");
        let QueueMessage::Events(message) = QueueMessage::parse(&outgoing.body).unwrap() else {
            panic!("no events")
        };
        assert_eq!(message.events.len(), package.events.len());
    }
    accepted.len()
}

fn verdict(text: &str, context: &EventContext<'_>) -> Option<AcceptedEvent> {
    let prepared = prepare(text, context, &Zeros);
    assert!(prepared.warnings.len() <= 8);
    match prepared.verdict {
        Verdict::Accepted(event) | Verdict::Skipped { event, .. } => {
            assert!(event.json.len() <= MAX_EVENT_BYTES);
            let queued = QueuedEvent::from_raw(RawValue::from_string(event.json.clone()).unwrap()).unwrap();
            assert_eq!(queued.head().event_id, event.event_id);
            assert!(queued.head().event_time <= NOW.secs());
            Some(*event)
        }
        Verdict::Refused { refusals, .. } => {
            assert!((1..=8).contains(&refusals.len()));
            None
        }
    }
}

fn source() -> Source {
    Source {
        pixel_ids: ["111", "222"].map(|id| PixelId::parse(id).unwrap()).to_vec(),
        default_country: Some("US".to_owned()),
        ..Source::new(
            TenantId::parse("acme").unwrap(),
            SourceId::parse("shop").unwrap(),
            String::new(),
            UnixMillis(0),
        )
    }
}
