//! Whatever is posted: no panic, what is accepted reads back, no address survives.

use adrelay_core::event::{Verdict, prepare};
use adrelay_core::message::{MAX_EVENT_BYTES, QueuedEvent};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::event::world::{Counting, NOW_S, context, purchase, source, with};

const FIELDS: &[&str] = &[
    "event_name",
    "event_time",
    "event_id",
    "event_source_url",
    "action_source",
    "user_data",
    "custom_data",
    "app_data",
    "data_processing_options",
    "data_processing_options_country",
    "data_processing_options_state",
    "opt_out",
    "consent",
    "pixel_id",
    "test_event_code",
    "upload_tag",
    "referrer_url",
    "customer_segmentation",
    "original_event_data",
    "attribution_data",
    "messaging_channel",
    "advanced_measurement_table",
    "value",
    "currency",
    "contents",
    "order_id",
    "id",
    "content_ids",
    "email",
    "phone",
    "extinfo",
    "quantity",
    "item_price",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW_S - 1_000_000..NOW_S + 100).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z]{1,5}@[a-z]{1,5}\\.(org|com)".prop_map(Value::from),
        prop_oneof![Just("Purchase"), Just("LDU"), Just("USD"), Just("website"), Just("a2"), Just("1")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let key =
            prop_oneof![3 => proptest::sample::select(FIELDS).prop_map(str::to_owned), 1 => any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(key, inner, 0..8).prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A good event in which some fields were replaced by anything.
fn disturbed() -> impl Strategy<Value = Value> {
    let change = (proptest::sample::select(&FIELDS[..22]), any_json());
    vec(change, 0..3).prop_map(|changes| {
        let mut event = purchase();
        for (field, value) in changes {
            event[field] = value;
        }
        event
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let prepared = prepare(text, &context(&source(&["1"])), &Counting::default());
    prop_assert!(prepared.warnings.len() <= 8);
    match prepared.verdict {
        Verdict::Accepted(event) => {
            prop_assert!(event.json.len() <= MAX_EVENT_BYTES);
            let queued = QueuedEvent::from_raw(RawValue::from_string(event.json).unwrap()).unwrap();
            prop_assert_eq!(&queued.head().event_id, &event.event_id);
            prop_assert!(serde_json::from_str::<Value>(queued.json()).is_ok());
        }
        Verdict::Refused { refusals, .. } => prop_assert!((1..=8).contains(&refusals.len())),
        Verdict::Skipped { .. } => {}
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_has_a_verdict(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_json_has_a_verdict(json in any_json()) {
        check(&json.to_string())?;
    }

    #[test]
    fn a_disturbed_event_has_a_verdict(event in disturbed()) {
        check(&event.to_string())?;
    }

    #[test]
    fn a_cut_event_has_a_verdict(event in disturbed(), at in 0..600_usize) {
        let text = event.to_string();
        check(text.get(..at).unwrap_or(&text))?;
    }

    #[test]
    fn an_address_survives_nowhere(
        local in "[a-z0-9]{1,8}([._+-][a-z0-9]{1,4}){0,2}",
        before in "[ a-z0-9,;:<(]{0,6}",
        after in "[ ,;:>)/?]{0,4}",
        place in 0..12_usize,
    ) {
        let address = format!("{local}@mail.example.com");
        let text = format!("{before}{address}{after}");
        let encoded = address.replace('@', "%40");
        let change = match place {
            0 => json!({"custom_data": {"value": 1, "currency": "EUR", "note": text}}),
            1 => json!({"custom_data": {"value": 1, "currency": "EUR", (text.clone()): 1}}),
            2 => json!({"custom_data": {"value": 1, "currency": "EUR", "list": ["a", [text]]}}),
            3 => json!({"custom_data": {"value": 1, "currency": "EUR", "order_id": text}}),
            4 => json!({"custom_data": {"value": 1, "currency": "EUR", "contents": [{"id": text, "title": address}]}}),
            5 => json!({"event_source_url": format!("https://shop.example/?q={encoded}&a=1")}),
            6 => json!({"event_source_url": format!("https://shop.example/u/{address}/x")}),
            7 => json!({"referrer_url": format!("https://shop.example/#{encoded}")}),
            8 => json!({"attribution_data": {"linkage_key": text}}),
            9 => json!({"event_id": text}),
            10 => json!({"user_data": {"email": text, "external_id": address, "client_user_agent": "M"}}),
            _ => json!({"original_event_data": {"order_id": text}}),
        };
        let prepared = prepare(&with(purchase(), change).to_string(), &context(&source(&["1"])), &Counting::default());
        if let Verdict::Accepted(event) = &prepared.verdict {
            prop_assert!(!event.json.contains(&address) && !event.json.contains(&encoded), "{}", event.json);
        }
        let answer = serde_json::to_string(&prepared.warnings).unwrap();
        prop_assert!(!answer.contains(&address));
    }
}
