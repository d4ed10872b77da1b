//! The bus: one event a call, and what it refuses under a status that says yes is tried again.

use adrelay_aws::bus::EventBridgeBus;
use adrelay_core::ports::bus::{BusError, BusEvent, EventBus as _};
use serde_json::{Value, json};

use crate::stub::Stub;
use crate::support::{NOON, tenant};

fn bus(stub: &Stub) -> EventBridgeBus {
    EventBridgeBus::new(stub.sdk().eventbridge(), "adrelay-events".to_owned())
}

fn event() -> BusEvent {
    let detail = json!({"id": "lead-1", "tenant_id": "acme", "lead_id": "1"});
    BusEvent { name: "lead.created", tenant: tenant(), at: NOON, detail }
}

fn taken() -> (u16, Value) {
    (200, json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}))
}

fn failed(code: &str) -> (u16, Value) {
    (200, json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "of lead 1"}]}))
}

#[tokio::test]
async fn an_event_names_its_bus_source_kind_and_time() {
    let stub = Stub::start(|_, _| taken()).await;
    assert_eq!(bus(&stub).put(&event()).await, Ok(()));
    let calls = stub.calls();
    assert_eq!((calls.len(), calls[0].operation.as_str()), (1, "PutEvents"));
    let entry = &calls[0].input["Entries"][0];
    assert_eq!(entry["EventBusName"], "adrelay-events");
    assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("adrelay"), &json!("lead.created")));
    assert_eq!(entry["Time"].as_f64(), Some(1_790_000_000.0));
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!(detail, event().detail);
}

#[tokio::test]
async fn an_event_that_was_not_taken_is_put_again() {
    let stub = Stub::start(|nth, _| if nth < 2 { failed("ThrottlingException") } else { taken() }).await;
    assert_eq!(bus(&stub).put(&event()).await, Ok(()));
    assert_eq!(stub.calls().len(), 3);
}

#[tokio::test]
async fn after_three_tries_the_error_is_told_by_its_code_alone() {
    let stub = Stub::start(|_, _| failed("InternalFailure")).await;
    assert_eq!(bus(&stub).put(&event()).await, Err(BusError("InternalFailure".to_owned())));
    assert_eq!(stub.calls().len(), 3);
    let denied = json!({"__type": "AccessDeniedException", "message": "of lead 1"});
    let stub = Stub::start(move |_, _| (400, denied.clone())).await;
    assert_eq!(bus(&stub).put(&event()).await, Err(BusError("AccessDeniedException".to_owned())));
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_one() {
    let stub = Stub::start(|_, _| (200, json!({"FailedEntryCount": 1}))).await;
    assert_eq!(bus(&stub).put(&event()).await, Err(BusError("refused".to_owned())));
    let stub = Stub::start(|_, _| (200, json!({"FailedEntryCount": 0, "Entries": []}))).await;
    assert_eq!(bus(&stub).put(&event()).await, Ok(()), "nothing failed");
}
