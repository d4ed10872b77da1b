//! What is accepted, skipped and refused, and how accepted events look to Meta.

use adrelay_core::config::Source;
use adrelay_core::event::limits::{MAX_BODY_DEPTH, MAX_POSTED_EVENT_BYTES};
use adrelay_core::event::{EventContext, Poster, prepare};
use adrelay_core::ids::{EventName, PixelId};
use adrelay_core::message::MAX_EVENT_BYTES;
use serde_json::{Value, json};

use crate::event::world::{
    Counting, NOW_S, accepted, context, prepared, purchase, refusals, source, warnings, with,
};

fn sent(event: &Value) -> Value {
    serde_json::from_str(&accepted(prepared(event)).json).unwrap()
}

#[test]
fn a_purchase_goes_out_hashed_and_complete() {
    assert_eq!(
        sent(&with(purchase(), json!({"event_id": "e-1", "opt_out": true, "data_processing_options": []}))),
        json!({
            "event_name": "Purchase", "event_time": NOW_S - 100, "event_id": "e-1", "action_source": "website",
            "event_source_url": "https://shop.example/thanks",
            "user_data": {
                "em": ["5ff860bf1190596c7188ab851db691f0f3169c453936e9e1eba2f9a47f7a0018"],
                "client_user_agent": "Mozilla/5.0"
            },
            "custom_data": {"value": 29.99, "currency": "EUR", "order_id": "A-1"},
            "opt_out": true, "data_processing_options": [],
        })
    );
}

#[test]
fn every_documented_field_passes_through() {
    let extinfo = [
        "a2",
        "com.x",
        "1",
        "1.0",
        "14",
        "Pixel",
        "de_DE",
        "CET",
        "",
        "1080",
        "2400",
        "3",
        "8",
        "64",
        "30",
        "Europe/Berlin",
    ];
    let event = json!({
        "event_name": "fb_mobile_purchase", "action_source": "app", "event_time": NOW_S,
        "event_id": "e", "user_data": {"madid": "38400000-8cf0-11bd-b23e-10b96e40000d"},
        "app_data": {"advertiser_tracking_enabled": true, "application_tracking_enabled": 1, "extinfo": extinfo},
        "original_event_data": {"event_name": "Purchase", "event_time": 5, "order_id": "o", "event_id": "x"},
        "attribution_data": {"attribution_model": "last_click", "attribution_setting": {"inactivity_window_hours": 1}},
        "customer_segmentation": "new_customer_to_business", "referrer_url": "https://x.example/",
        "advanced_measurement_table": "t",
    });
    let sent = sent(&event);
    for field in [
        "original_event_data",
        "attribution_data",
        "customer_segmentation",
        "referrer_url",
        "advanced_measurement_table",
    ] {
        assert_eq!(sent[field], event[field], "{field}");
    }
    assert_eq!(sent["app_data"]["extinfo"], event["app_data"]["extinfo"]);
    assert_eq!(sent["app_data"]["advertiser_tracking_enabled"], 1);
}

#[test]
fn an_absent_action_source_follows_the_url_and_an_absent_time_is_now() {
    let event = with(purchase(), json!({"action_source": null, "event_time": null}));
    assert_eq!(sent(&event)["action_source"], "website");
    assert_eq!(sent(&event)["event_time"], NOW_S);
    assert_eq!(sent(&with(event, json!({"event_source_url": null})))["action_source"], "system_generated");
}

#[test]
fn the_click_id_of_the_page_becomes_fbc() {
    let event = with(purchase(), json!({"event_source_url": "https://shop.example/?fbclid=AbC"}));
    let fbc = format!("fb.1.{}000.AbC", NOW_S - 100);
    assert_eq!(sent(&event)["user_data"]["fbc"], fbc);
}

#[test]
fn each_kind_of_event_needs_what_meta_documents() {
    let base = |source: &str| json!({"event_name": "Lead", "event_time": NOW_S, "action_source": source, "user_data": {"em": "a@b.org"}});
    assert_eq!(
        refusals(&prepared(&base("website"))),
        [
            "event_source_url event_source_url_missing",
            "user_data.client_user_agent client_user_agent_missing"
        ]
    );
    assert_eq!(refusals(&prepared(&base("app"))), ["app_data app_data_missing"]);
    assert_eq!(
        refusals(&prepared(&with(base("app"), json!({"app_data": {}})))),
        [
            "app_data.advertiser_tracking_enabled app_data_field_missing",
            "app_data.application_tracking_enabled app_data_field_missing",
            "app_data.extinfo app_data_field_missing"
        ]
    );
    assert_eq!(
        refusals(&prepared(&base("business_messaging"))),
        ["messaging_channel messaging_channel_missing", "user_data messaging_ids_missing"]
    );
    let messaging = json!({"messaging_channel": "whatsapp", "user_data": {"ctwa_clid": "c", "page_id": "1"}});
    accepted(prepared(&with(base("business_messaging"), messaging)));
    for source in ["email", "phone_call", "chat", "physical_store", "system_generated", "other"] {
        accepted(prepared(&base(source)));
    }
    assert_eq!(refusals(&prepared(&base("fax"))), ["action_source action_source_unknown"]);
}

#[test]
fn a_store_event_may_be_two_months_old() {
    let old = json!({"event_time": NOW_S - 60 * 86_400, "action_source": "physical_store"});
    accepted(prepared(&with(purchase(), old.clone())));
    let website = with(old, json!({"action_source": "website"}));
    assert_eq!(refusals(&prepared(&with(purchase(), website))), ["event_time event_time_too_old"]);
}

#[test]
fn wrong_values_are_refused_by_field_and_code() {
    for (change, refusal) in [
        (json!({"event_name": null}), "event_name event_name_missing"),
        (json!({"event_name": 5}), "event_name not_a_string"),
        (json!({"event_name": " Lead"}), "event_name event_name_invalid"),
        (json!({"event_name": "bob@example.com"}), "event_name looks_personal"),
        (json!({"event_id": "x".repeat(257)}), "event_id event_id_invalid"),
        (json!({"event_id": ""}), "event_id event_id_invalid"),
        (json!({"event_id": "a\nb"}), "event_id event_id_invalid"),
        (json!({"event_id": "bob@example.com/1"}), "event_id looks_personal"),
        (json!({"event_id": ["x"]}), "event_id not_a_string"),
        (json!({"event_time": "2027-01-15"}), "event_time event_time_is_text"),
        (json!({"event_source_url": "shop.example"}), "event_source_url url_invalid"),
        (
            json!({"event_source_url": format!("https://x.example/{}", "a".repeat(9_000))}),
            "event_source_url too_long",
        ),
        (json!({"user_data": null}), "user_data user_data_missing"),
        (json!({"user_data": "x"}), "user_data not_an_object"),
        (json!({"user_data": {"client_user_agent": "M"}}), "user_data user_data_insufficient"),
        (json!({"custom_data": null}), "custom_data.value value_missing"),
        (json!({"custom_data": []}), "custom_data not_an_object"),
        (json!({"opt_out": "yes"}), "opt_out not_a_boolean"),
        (json!({"consent": "maybe"}), "consent consent_invalid"),
        (json!({"pixel_id": "abc"}), "pixel_id pixel_id_invalid"),
        (json!({"pixel_id": "3"}), "pixel_id pixel_not_allowed"),
        (json!({"test_event_code": "TEST 1"}), "test_event_code test_event_code_invalid"),
        (json!({"upload_tag": ""}), "upload_tag empty"),
        (json!({"upload_tag": "x".repeat(257)}), "upload_tag too_long"),
        (json!({"messaging_channel": "fax"}), "messaging_channel messaging_channel_unknown"),
        (
            json!({"original_event_data": {"event_time": "x"}}),
            "original_event_data.event_time not_an_integer",
        ),
        (json!({"attribution_data": 1}), "attribution_data not_an_object"),
    ] {
        let found = refusals(&prepared(&with(purchase(), change.clone())));
        assert_eq!(
            found.first().map(String::as_str),
            Some(refusal),
            "{}",
            change.to_string().get(..60).unwrap_or_default()
        );
    }
}

#[test]
fn sizes_and_depth_are_bounded_before_anything_is_built() {
    let fill = "x".repeat(66_000);
    let large = with(purchase(), json!({"custom_data": {"value": 1, "currency": "EUR", "a": fill}}));
    assert_eq!(refusals(&prepared(&large)), [" event_too_large"]);
    let source = source(&["1"]);
    let refused = |text: &str| refusals(&prepare(text, &context(&source), &Counting::default()));
    assert_eq!(refused(&"[".repeat(1_000_000)), [" event_too_large"]);
    assert_eq!(refused(&format!("{}{}", "[".repeat(100), "]".repeat(100))), [" too_deep"]);
    assert_eq!(refused("nonsense"), [" event_not_json"]);
    assert_eq!(refused("7"), [" event_not_an_object"]);
    let nul = with(purchase(), json!({"custom_data": {"value": 1, "currency": "EUR", "a": "x\0y"}}));
    assert_eq!(refusals(&prepared(&nul)), ["custom_data nul_character"]);
}

#[test]
fn an_event_may_be_64_kib_with_its_id_and_not_a_byte_more() {
    let of_length = |id: Option<&str>, fill: usize| {
        let custom_data = json!({"value": 1, "currency": "EUR", "a": "x".repeat(fill)});
        prepared(&with(purchase(), json!({"event_id": id, "custom_data": custom_data})))
    };
    for id in [Some("e"), Some("e-with-a-longer-id"), None] {
        let rest = accepted(of_length(id, 0)).json.len();
        let largest = accepted(of_length(id, MAX_EVENT_BYTES - rest));
        assert_eq!(largest.json.len(), MAX_EVENT_BYTES, "{id:?}");
        assert_eq!(refusals(&of_length(id, MAX_EVENT_BYTES - rest + 1)), [" event_too_large"], "{id:?}");
    }
}

#[test]
fn a_posted_text_may_be_256_kib_and_64_levels_deep() {
    let source = source(&["1"]);
    let refused = |text: &str| refusals(&prepare(text, &context(&source), &Counting::default()));
    let of_length = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    assert_eq!(refused(&of_length(MAX_POSTED_EVENT_BYTES)), [" event_not_an_object"]);
    assert_eq!(refused(&of_length(MAX_POSTED_EVENT_BYTES + 1)), [" event_too_large"]);
    let of_depth = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(refused(&of_depth(MAX_BODY_DEPTH)), [" event_not_an_object"]);
    assert_eq!(refused(&of_depth(MAX_BODY_DEPTH + 1)), [" too_deep"]);
}

#[test]
fn what_cannot_be_used_is_a_warning_while_something_identifying_remains() {
    let event = with(
        purchase(),
        json!({
            "foo": 1, "referrer_url": "direct", "event_time": NOW_S + 30,
            "event_source_url": "https://shop.example/?email=bob%40example.com",
            "user_data": {"email": "bob@example.com", "phone": "call me", "client_user_agent": "M"},
            "custom_data": {"value": 1, "currency": "EUR", "note": "bob@example.com"},
        }),
    );
    let prepared = prepared(&event);
    let mut found = warnings(&prepared);
    found.sort();
    assert_eq!(
        found,
        [
            "custom_data.note personal_data_removed",
            "event_source_url personal_data_removed",
            "event_time event_time_clamped",
            "foo unknown_field",
            "referrer_url url_left_out",
            "user_data.phone not_a_phone_number",
        ]
    );
    assert!(!accepted(prepared).json.contains("bob"));
}

fn browser(source: &Source) -> EventContext<'_> {
    let poster = Poster::Browser { client_ip: Some("203.0.113.7"), user_agent: Some("Mozilla/5.0") };
    EventContext { poster, ..context(source) }
}

#[test]
fn a_browser_may_set_little_and_its_request_fills_in_the_rest() {
    let source = source(&["1"]);
    let post = |event: &Value| prepare(&event.to_string(), &browser(&source), &Counting::default());
    let view = json!({"event_name": "ViewContent", "event_source_url": "https://shop.example/p",
        "user_data": {"fbp": "fb.1.1596403881668.1098115397"}, "custom_data": {"value": 3, "currency": "EUR"}});
    let prepared = post(&view);
    assert_eq!(warnings(&prepared), ["custom_data.value value_removed"]);
    let sent: Value = serde_json::from_str(&accepted(prepared).json).unwrap();
    assert_eq!(sent["user_data"]["client_ip_address"], "203.0.113.7");
    assert_eq!(sent["user_data"]["client_user_agent"], "Mozilla/5.0");
    for (change, refusal) in [
        (json!({"pixel_id": "1"}), "pixel_id not_for_public_keys"),
        (json!({"test_event_code": "T1"}), "test_event_code not_for_public_keys"),
        (json!({"upload_tag": "T1"}), "upload_tag not_for_public_keys"),
        (json!({"user_data": {"lead_id": "1"}}), "user_data.lead_id not_for_public_keys"),
        (
            json!({"user_data": {"client_ip_address": "203.0.113.9"}}),
            "user_data.client_ip_address not_for_public_keys",
        ),
        (json!({"action_source": "chat"}), "action_source not_for_public_keys"),
        (json!({"event_name": "CallStarted"}), "event_name event_name_not_for_public_keys"),
        (
            json!({"event_name": "Purchase", "custom_data": {"value": 1, "currency": "EUR"}}),
            "event_name event_name_not_for_public_keys",
        ),
    ] {
        let found = refusals(&post(&with(view.clone(), change)));
        assert!(found.contains(&refusal.to_owned()), "{refusal}: {found:?}");
    }
}

#[test]
fn a_source_that_lists_purchase_takes_it_from_browsers_with_its_value() {
    let mut source = source(&["1"]);
    source.public_event_names = vec![EventName::parse("Purchase").unwrap()];
    let post = |event: &Value| prepare(&event.to_string(), &browser(&source), &Counting::default());
    assert!(accepted(post(&purchase())).json.contains("29.99"));
    let lead = with(purchase(), json!({"event_name": "Lead"}));
    assert!(refusals(&post(&lead)).contains(&"event_name event_name_not_for_public_keys".to_owned()));
}

#[test]
fn an_addressed_pixel_goes_before_what_the_event_says_and_must_be_the_sources() {
    let source = source(&["1", "2"]);
    let (mine, other) = (PixelId::parse("2").unwrap(), PixelId::parse("9").unwrap());
    let post = |pixel| {
        let context = EventContext { pixel: Some(pixel), test_event_code: Some("T"), ..context(&source) };
        prepare(&with(purchase(), json!({"pixel_id": "1"})).to_string(), &context, &Counting::default())
    };
    let event = accepted(post(&mine));
    assert_eq!((event.pixel.as_ref(), event.test_event_code.as_deref()), (Some(&mine), Some("T")));
    assert_eq!(refusals(&post(&other)), ["pixel_id pixel_not_allowed"]);
}

#[test]
fn a_source_without_pixels_says_so() {
    let source = source(&[]);
    let prepared = prepare(&purchase().to_string(), &context(&source), &Counting::default());
    assert_eq!(refusals(&prepared), ["pixel_id source_has_no_pixel"]);
}
