//! The payloads in `events/`, which `cargo lambda invoke` takes, are what this function takes.

use adrelay_core::message::QueueMessage;
use adrelay_lambda::payload::Payload;
use adrelay_lambda::request;
use serde_json::value::RawValue;

fn payload(text: &str) -> Result<Payload, serde_json::Error> {
    Payload::parse(&RawValue::from_string(text.to_owned())?)
}

#[test]
fn the_queues_sample_holds_events_and_a_release() {
    let Ok(Payload::Sqs(batch)) = payload(include_str!("../../../../events/capi-dispatch-queue.json")) else {
        panic!("not a batch");
    };
    let messages: Vec<QueueMessage> =
        batch.records.iter().map(|record| QueueMessage::parse(&record.body).expect("readable")).collect();
    assert!(matches!(&messages[0], QueueMessage::Events(message) if message.events.len() == 1));
    assert!(matches!(&messages[1], QueueMessage::Release(_)));
}

#[test]
fn the_synchronous_sample_is_a_request_with_a_key() {
    let Ok(Payload::Http(sample)) = payload(include_str!("../../../../events/capi-dispatch-sync.json"))
    else {
        panic!("not a request");
    };
    assert_eq!(request::path(&sample), "/api/v1/meta/event/sync");
    assert!(request::bearer(&sample).is_some());
}
