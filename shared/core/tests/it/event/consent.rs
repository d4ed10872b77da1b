//! What consent, and the source's policy where it is not known, make of an event; and what is queued of one that is not
//! to be sent.

use adrelay_core::config::{ConsentPolicy, Scope, Source};
use adrelay_core::event::{AcceptedEvent, Verdict, pack, prepare};
use adrelay_core::message::{EventMessage, Held, MAX_MESSAGE_BYTES, QueueMessage};
use adrelay_core::time::UnixMillis;
use serde_json::{Value, json};

use crate::event::world::{
    Counting, NOW, NOW_S, accepted, context, prepared, purchase, refusals, source, with,
};

fn under(policy: ConsentPolicy, event: &Value) -> Verdict {
    let source = Source { consent_policy: policy, ..source(&["1", "2"]) };
    prepare(&event.to_string(), &context(&source), &Counting::default()).verdict
}

fn skipped(verdict: Verdict) -> AcceptedEvent {
    match verdict {
        Verdict::Skipped { event, code } => {
            assert_eq!(event.skip, Some(code.code()));
            *event
        }
        other => panic!("not skipped: {other:?}"),
    }
}

fn messages(events: &[AcceptedEvent], source: &Source) -> Vec<EventMessage> {
    let entropy = Counting::default();
    let read = |body: &str| match QueueMessage::parse(body).unwrap() {
        QueueMessage::Events(message) => message,
        other => panic!("no events: {other:?}"),
    };
    let packages = pack(events, source);
    let bodies =
        packages.iter().map(|p| p.outgoing(events, source, Scope::Ingest, NOW, &entropy).unwrap().body);
    bodies.inspect(|body| assert!(body.len() <= MAX_MESSAGE_BYTES)).map(|body| read(&body)).collect()
}

#[test]
fn consent_decides_here_and_never_travels() {
    for policy in [ConsentPolicy::Assume, ConsentPolicy::LimitedDataUse, ConsentPolicy::Require] {
        let Verdict::Accepted(granted) = under(policy, &with(purchase(), json!({"consent": "granted"})))
        else {
            panic!("granted is sent under {policy:?}")
        };
        assert!(!granted.json.contains("consent") && !granted.json.contains("data_processing"));
        let denied = skipped(under(policy, &with(purchase(), json!({"consent": false}))));
        assert_eq!(denied.skip, Some("consent_denied"));
    }
}

#[test]
fn unknown_consent_is_the_sources_policy() {
    for event in [purchase(), with(purchase(), json!({"consent": "unknown"}))] {
        let Verdict::Accepted(assumed) = under(ConsentPolicy::Assume, &event) else { panic!("sent") };
        assert!(!assumed.json.contains("data_processing"));
        let Verdict::Accepted(limited) = under(ConsentPolicy::LimitedDataUse, &event) else { panic!("sent") };
        let limited: Value = serde_json::from_str(&limited.json).unwrap();
        assert_eq!(limited["data_processing_options"], json!(["LDU"]));
        assert_eq!(limited["data_processing_options_country"], 0);
        assert_eq!(limited["data_processing_options_state"], 0);
        assert_eq!(skipped(under(ConsentPolicy::Require, &event)).skip, Some("consent_unknown"));
    }
    let own = with(purchase(), json!({"data_processing_options": []}));
    let Verdict::Accepted(own) = under(ConsentPolicy::LimitedDataUse, &own) else { panic!("sent") };
    assert!(own.json.contains(r#""data_processing_options":[]"#), "what the event says goes before");
}

#[test]
fn nothing_of_the_person_is_queued_of_an_event_that_is_not_sent() {
    let event = with(purchase(), json!({"consent": "denied", "event_id": "e", "pixel_id": "2"}));
    let event = skipped(prepared(&event).verdict);
    let expected = json!({"event_name": "Purchase", "event_time": NOW_S - 100, "action_source": "website", "event_id": "e"});
    assert_eq!(serde_json::from_str::<Value>(&event.json).unwrap(), expected);
    assert_eq!(event.pixel.as_ref().map(adrelay_core::ids::PixelId::as_str), Some("2"));
}

#[test]
fn a_denied_event_needs_no_user_data_but_is_otherwise_an_event() {
    let denied =
        |change| prepared(&with(with(purchase(), json!({"consent": "denied", "user_data": null})), change));
    skipped(denied(json!({})).verdict);
    assert_eq!(refusals(&denied(json!({"event_time": "now"}))), ["event_time event_time_is_text"]);
    assert_eq!(refusals(&denied(json!({"pixel_id": "9"}))), ["pixel_id pixel_not_allowed"]);
}

#[test]
fn an_order_has_the_same_id_whether_it_is_sent_or_not() {
    let sent = accepted(prepared(&purchase()));
    let denied = skipped(prepared(&with(purchase(), json!({"consent": "denied"}))).verdict);
    assert_eq!(sent.event_id, denied.event_id);
}

#[test]
fn what_is_not_sent_travels_in_messages_of_its_own_to_every_pixel() {
    let source = source(&["1", "2"]);
    let events = [
        accepted(prepared(&purchase())),
        skipped(prepared(&with(purchase(), json!({"consent": "denied"}))).verdict),
        skipped(under(ConsentPolicy::Require, &purchase())),
    ];
    let messages = messages(&events, &source);
    let shape: Vec<_> =
        messages.iter().map(|m| (m.pixel_id.as_str(), m.skip.as_deref(), m.events.len())).collect();
    let expected = [
        ("1", None, 1),
        ("2", None, 1),
        ("1", Some("consent_denied"), 1),
        ("2", Some("consent_denied"), 1),
        ("1", Some("consent_unknown"), 1),
        ("2", Some("consent_unknown"), 1),
    ];
    assert_eq!(shape, expected);
}

#[test]
fn an_accepted_event_can_be_turned_into_one_that_is_not_sent() {
    let event =
        accepted(prepared(&with(purchase(), json!({"event_id": "a \"quoted\" id", "upload_tag": "tag"}))));
    let skipped = event.clone().into_skipped("consent_denied").unwrap();
    let expected = json!({"event_name": "Purchase", "event_time": NOW_S - 100, "action_source": "website",
        "event_id": "a \"quoted\" id"});
    assert_eq!(serde_json::from_str::<Value>(&skipped.json).unwrap(), expected);
    assert_eq!(
        (skipped.skip, skipped.event_id, skipped.upload_tag),
        (Some("consent_denied"), event.event_id, event.upload_tag)
    );
}

#[test]
fn an_event_that_was_held_travels_alone_and_says_so() {
    let source = source(&["1"]);
    let held = Held { since: UnixMillis(5), keys_before: vec!["fbp".into(), "client_user_agent".into()] };
    let plain = accepted(prepared(&purchase()));
    let events =
        [plain.clone(), AcceptedEvent { held: Some(Box::new(held.clone())), ..plain.clone() }, plain];
    let messages = messages(&events, &source);
    let shape: Vec<_> = messages.iter().map(|m| (m.held.clone(), m.events.len())).collect();
    assert_eq!(shape, [(None, 2), (Some(held), 1)]);
}
