//! Accepted events to queue messages.

use adrelay_core::config::{Scope, Source};
use adrelay_core::event::{AcceptedEvent, pack, prepare};
use adrelay_core::message::{EventMessage, MAX_MESSAGE_BYTES, QueueMessage};
use serde_json::{Value, json};

use crate::event::world::{Counting, NOW, accepted, context, purchase, source, with};

fn events(source: &Source, posted: impl IntoIterator<Item = Value>) -> Vec<AcceptedEvent> {
    let entropy = Counting::default();
    posted
        .into_iter()
        .map(|event| accepted(prepare(&event.to_string(), &context(source), &entropy)))
        .collect()
}

fn sent(events: &[AcceptedEvent], source: &Source) -> Vec<(EventMessage, usize)> {
    let entropy = Counting::default();
    let packages = pack(events, source);
    let messages = packages.iter().map(|package| {
        let outgoing = package.outgoing(events, source, Scope::Ingest, NOW, &entropy).unwrap();
        let QueueMessage::Events(message) = QueueMessage::parse(&outgoing.body).unwrap() else { panic!() };
        assert_eq!(message.events.len(), package.events.len());
        assert_eq!(message.pixel_id.as_str(), outgoing.group);
        (message, outgoing.body.len())
    });
    messages.collect()
}

#[test]
fn an_event_goes_to_every_pixel_of_its_source_once() {
    let source = source(&["1", "2", "1"]);
    let events = events(&source, [purchase()]);
    let messages = sent(&events, &source);
    assert_eq!(messages.iter().map(|(m, _)| m.pixel_id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_ne!(messages[0].0.id, messages[1].0.id);
    assert_eq!(messages[0].0.events[0].head().event_name.as_str(), "Purchase");
    assert_eq!((messages[0].0.attempt, messages[0].0.first_enqueued_at), (0, NOW));
}

#[test]
fn what_meta_gets_per_request_parts_messages() {
    let source = source(&["1"]);
    let posted = [
        json!({}),
        json!({"test_event_code": "T1"}),
        json!({"upload_tag": "quote \" and \\ back"}),
        json!({"test_event_code": "T1"}),
    ];
    let events = events(&source, posted.map(|change| with(purchase(), change)));
    let messages = sent(&events, &source);
    let shape: Vec<_> = messages
        .iter()
        .map(|(m, _)| (m.test_event_code.as_deref(), m.upload_tag.as_deref(), m.events.len()))
        .collect();
    assert_eq!(shape, [(None, None, 1), (Some("T1"), None, 2), (None, Some("quote \" and \\ back"), 1)]);
}

#[test]
fn messages_keep_within_their_limit_and_are_filled() {
    let source = source(&["1"]);
    let note = "\u{ffff}é".repeat(1_000);
    let posted = (0..500).map(|n| {
        let custom = json!({"value": n, "currency": "EUR", "order_id": n.to_string(), "note": note});
        with(purchase(), json!({"custom_data": custom, "upload_tag": "\"".repeat(256)}))
    });
    let events = events(&source, posted);
    let messages = sent(&events, &source);
    let total: usize = events.iter().map(|event| event.json.len()).sum();
    assert!(messages.len() <= total / (MAX_MESSAGE_BYTES - 20_000) + 1, "{} messages", messages.len());
    for (_, bytes) in &messages {
        assert!(*bytes <= MAX_MESSAGE_BYTES, "{bytes}");
    }
    assert_eq!(messages.iter().map(|(m, _)| m.events.len()).sum::<usize>(), 500);
}

#[test]
fn sqs_takes_every_character_of_a_message() {
    let source = source(&["1"]);
    let odd = "a\u{fffe}b\u{ffff}c";
    let change = json!({
        "event_id": odd, "user_data": {"email": "a@b.org", "client_user_agent": odd},
        "custom_data": {"value": 1, "currency": "EUR", "note": odd, (odd): 1},
    });
    let events = events(&source, [with(purchase(), change)]);
    let packages = pack(&events, &source);
    let body = packages[0].outgoing(&events, &source, Scope::Ingest, NOW, &Counting::default()).unwrap().body;
    assert!(!body.contains(['\u{fffe}', '\u{ffff}']));
    let QueueMessage::Events(message) = QueueMessage::parse(&body).unwrap() else { panic!() };
    assert_eq!(message.events[0].head().event_id.as_str(), odd);
}
