use serde_json::{Value, json};

use super::{Checked, DAY_S, check};
use crate::graph_error::GraphError;
use crate::switches::Switches;

const NOW_S: i64 = 1_795_219_200;
const HASH: &str = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";

fn good() -> Value {
    json!({
        "event_name": "Purchase", "event_time": NOW_S - 60, "event_id": "o-1", "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {"em": [HASH], "client_user_agent": "agent"},
        "custom_data": {"value": 29.99, "currency": "usd", "anything": {"goes": true}},
    })
}

fn changed(pointer: &str, value: Value) -> Value {
    let mut event = good();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[key] = value;
    event
}

fn run(event: &Value, switches: &Switches) -> Result<Checked, GraphError> {
    check(event.as_object().unwrap(), NOW_S, switches)
}

/// (code, subcode) of the refusal.
fn refusal(event: &Value) -> Option<(i64, Option<i64>)> {
    run(event, &Switches::default()).err().map(|error| (error.code, error.subcode))
}

#[test]
fn a_good_event_is_taken() {
    let checked = run(&good(), &Switches::default()).unwrap();
    let expected =
        Checked { name: "Purchase".to_owned(), id: Some("o-1".to_owned()), time: NOW_S - 60, flags: vec![] };
    assert_eq!(checked, expected);
}

#[test]
fn what_is_absent_null_or_of_a_wrong_type_is_100_without_a_subcode() {
    let wrong: [(&str, &[Value]); 15] = [
        ("/event_name", &[json!(null), json!(""), json!(7)]),
        ("/event_time", &[json!(null), json!("1795219200"), json!(1.5), json!("2026-11-21T00:00:00Z")]),
        ("/action_source", &[json!(null), json!("web"), json!("Website"), json!(1)]),
        ("/user_data", &[json!(null), json!([]), json!("x")]),
        ("/user_data/em", &[json!("a@b.example"), json!(1)]),
        ("/custom_data", &[json!(null), json!([]), json!({})]),
        ("/custom_data/value", &[json!(null), json!("29.99"), json!(true)]),
        ("/custom_data/currency", &[json!(null), json!("euro"), json!(978), json!("12a")]),
        ("/event_id", &[json!(1)]),
        ("/event_source_url", &[json!(["x"])]),
        ("/opt_out", &[json!("true")]),
        ("/data_processing_options", &[json!("LDU"), json!([1])]),
        ("/data_processing_options_country", &[json!("1")]),
        ("/original_event_data", &[json!("x")]),
        ("/app_data", &[json!([])]),
    ];
    for (pointer, values) in wrong {
        for value in values {
            assert_eq!(refusal(&changed(pointer, value.clone())), Some((100, None)), "{pointer} {value}");
        }
    }
}

#[test]
fn every_action_source_of_the_enum_is_taken() {
    for source in super::ACTION_SOURCES {
        assert_eq!(refusal(&changed("/action_source", json!(source))), None, "{source}");
    }
}

#[test]
fn only_a_purchase_needs_value_and_currency() {
    let mut event = changed("/event_name", json!("Lead"));
    event["custom_data"] = json!(null);
    assert_eq!(refusal(&event), None);
}

#[test]
fn events_age_seven_days_and_store_events_sixty_two() {
    for (source, days) in [("website", 7), ("system_generated", 7), ("physical_store", 62)] {
        let mut event = changed("/action_source", json!(source));
        event["event_time"] = json!(NOW_S - days * DAY_S);
        assert_eq!(refusal(&event), None, "{source} at the limit");
        event["event_time"] = json!(NOW_S - days * DAY_S - 1);
        assert_eq!(refusal(&event), Some((100, Some(2_804_003))), "{source} past it");
    }
}

#[test]
fn thin_user_data_is_2804050() {
    assert_eq!(
        refusal(&changed("/user_data", json!({"client_user_agent": "x"}))),
        Some((100, Some(2_804_050)))
    );
}

#[test]
fn the_future_is_refused_only_by_switch() {
    let event = changed("/event_time", json!(NOW_S + 61));
    let strict = |tolerance| Switches { refuse_future_after_s: Some(tolerance), ..Switches::default() };
    assert!(run(&event, &Switches::default()).is_ok());
    assert!(run(&event, &strict(61)).is_ok());
    assert_eq!(run(&event, &strict(60)).unwrap_err().subcode, None);
}

#[test]
fn numbers_written_as_text_pass_only_by_switch() {
    let mut event = changed("/event_time", json!(NOW_S.to_string()));
    event["custom_data"]["value"] = json!("29.99");
    let lax = Switches { numeric_strings: true, ..Switches::default() };
    assert_eq!(run(&event, &lax).unwrap().time, NOW_S);
    event["custom_data"]["value"] = json!("much");
    assert!(run(&event, &lax).is_err());
}

#[test]
fn fields_of_an_action_source_are_enforced_only_by_switch() {
    let strict = Switches { enforce_action_source_fields: true, ..Switches::default() };
    let messaging = json!({"page_scoped_user_id": "5"});
    let app = json!({"advertiser_tracking_enabled": 1, "application_tracking_enabled": 0, "extinfo": ["i2"]});
    let cases = [
        ("website", "/event_source_url", json!(null), None),
        ("website", "/user_data/client_user_agent", json!(null), None),
        ("app", "/app_data", json!(null), Some(json!({"app_data": app}))),
        (
            "business_messaging",
            "/messaging_channel",
            json!(null),
            Some(json!({"messaging_channel": "whatsapp", "user_data": messaging})),
        ),
        ("business_messaging", "/messaging_channel", json!("whatsapp"), None),
    ];
    for (source, pointer, value, cure) in cases {
        let mut event = changed(pointer, value);
        event["action_source"] = json!(source);
        assert_eq!(refusal(&event), None, "{source} {pointer} without the switch");
        assert_eq!(run(&event, &strict).unwrap_err().code, 100, "{source} {pointer}");
        if let Some(Value::Object(fields)) = cure {
            event.as_object_mut().unwrap().extend(fields);
            assert!(run(&event, &strict).is_ok(), "{source} cured");
        }
    }
}
