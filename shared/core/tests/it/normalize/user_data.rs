//! Whole user_data objects, from the JSON that callers post to the JSON that Meta gets.

use adrelay_core::normalize::{Country, UserDataContext, UserDataError, UserDataOutcome, user_data};
use adrelay_core::time::UnixMillis;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const NOW: UnixMillis = UnixMillis(1_700_000_000_123);

fn try_run(posted: &str, context: &UserDataContext<'_>) -> Result<UserDataOutcome, UserDataError> {
    user_data(&RawValue::from_string(posted.to_owned()).unwrap(), context)
}

fn run_in(posted: &Value, context: &UserDataContext<'_>) -> (Value, Vec<String>) {
    let outcome = try_run(&posted.to_string(), context).unwrap();
    let warnings =
        outcome.warnings.iter().map(|warning| format!("{}: {}", warning.field, warning.code.code()));
    (serde_json::to_value(&outcome.user_data).unwrap(), warnings.collect())
}

fn run(posted: &Value) -> (Value, Vec<String>) {
    run_in(posted, &UserDataContext::at(NOW))
}

/// The SHA-256 of a text, as another tool than ours computes it (values from Meta's documentation).
const JOHN: &str = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";
const PHONE: &str = "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176";
const MARY: &str = "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec";
const US: &str = "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621";

#[test]
fn our_names_and_metas_names_give_the_same() {
    let clear = json!({"fbp": "fb.1.1596403881668.1098115397", "client_user_agent": " Mozilla/5.0 "});
    let mut ours = json!({"email": "John_Smith@gmail.com", "phone": "1 650 555 1212", "first_name": "Mary", "country": "US"});
    let mut metas =
        json!({"em": ["John_Smith@gmail.com"], "ph": "1 650 555 1212", "fn": ["Mary"], "country": ["US"]});
    for object in [&mut ours, &mut metas] {
        object.as_object_mut().unwrap().extend(clear.as_object().unwrap().clone());
    }
    let wanted = json!({
        "em": [JOHN], "ph": [PHONE], "fn": [MARY], "country": [US],
        "fbp": "fb.1.1596403881668.1098115397", "client_user_agent": "Mozilla/5.0",
    });
    assert_eq!(run(&ours), (wanted.clone(), vec![]));
    assert_eq!(run(&metas), (wanted, vec![]));
}

#[test]
fn hashes_with_an_appendix_and_their_plaintext_are_one_value() {
    let posted =
        json!({"em": [format!("{JOHN}.AQQCAQMC"), "john_smith@gmail.com"], "email": JOHN.to_uppercase()});
    assert_eq!(run(&posted), (json!({"em": [JOHN]}), vec![]));
}

#[test]
fn one_bad_value_harms_no_other() {
    let (sent, warnings) = run(&json!({
        "email": ["nonsense", "john_smith@gmail.com", ""], "phone": "1-800-FLOWERS", "first_name": {"a": [1]},
        "gender": "nonbinary", "last_name": "   ", "city": null, "zip": true, "lead_id": "123", "state": [["CA"]],
        "external_id": "b642b4217b34b1e8d3bd915fc65c4452", "em": "b642b4217b34b1e8d3bd915fc65c4452",
        "client_ip_address": "10.0.0.1", "subscription_id": "a@b.de", "loyalty": "gold", "Jane Doe <j@d.oe>": 1,
    }));
    assert_eq!(sent["em"], json!([JOHN]));
    assert_eq!(sent["external_id"][0].as_str().unwrap().len(), 64);
    assert_eq!(sent.as_object().unwrap().len(), 2);
    let mut warnings = warnings;
    warnings.sort();
    assert_eq!(
        warnings,
        [
            "user_data.client_ip_address: private_ip_address",
            "user_data.em: md5_refused",
            "user_data.email: empty",
            "user_data.email: not_an_email",
            "user_data.first_name: wrong_type",
            "user_data.gender: not_m_or_f",
            "user_data.last_name: empty",
            "user_data.lead_id: not_a_lead_id",
            "user_data.loyalty: unknown_key",
            "user_data.phone: not_a_phone_number",
            "user_data.state: wrong_type",
            "user_data.subscription_id: personal_data_in_clear",
            "user_data.zip: wrong_type",
            "user_data: unknown_key",
        ]
    );
}

#[test]
fn numbers_stand_for_their_digits_where_that_makes_sense() {
    let numbers = json!({"phone": 16_505_551_212_u64, "zip": 94035, "external_id": 42, "lead_id": 52_564_589_632_154_812_u64, "db": 19_970_216});
    let texts = json!({"phone": "16505551212", "zip": "94035", "external_id": "42", "lead_id": "52564589632154812", "db": "19970216"});
    assert_eq!(run(&numbers), run(&texts));
    assert_eq!(run(&numbers).0["lead_id"], "52564589632154812");
    for bad in [json!({"phone": -1}), json!({"zip": 1.5}), json!({"email": 7})] {
        let (sent, warnings) = run(&bad);
        assert_eq!(sent, json!({}));
        assert!(warnings[0].ends_with(": wrong_type"), "{warnings:?}");
    }
}

#[test]
fn a_person_id_is_a_further_external_id() {
    let (sent, _) = run(&json!({"external_id": "User 42", "person_id": "p-1"}));
    let (same, _) = run(&json!({"external_id": ["user42", "P-1"]}));
    assert_eq!(sent, same);
    assert_eq!(sent["external_id"].as_array().unwrap().len(), 2);
}

#[test]
fn the_country_posted_beside_a_number_wins_over_the_sources() {
    let context = UserDataContext { default_country: Country::parse("US").ok(), ..UserDataContext::at(NOW) };
    assert_eq!(run_in(&json!({"phone": "(650) 555-1212"}), &context).0["ph"], json!([PHONE]));
    let (swiss, _) = run_in(&json!({"phone": "079 123 45 67", "country": "Switzerland"}), &context);
    assert_eq!(swiss["ph"], run(&json!({"phone": "+41 79 123 45 67"})).0["ph"]);
    let (_, warnings) = run(&json!({"phone": "079 123 45 67"}));
    assert_eq!(warnings, ["user_data.phone: no_country_code"]);
}

#[test]
fn fbc_comes_from_the_cookie_the_click_id_or_the_url_in_the_order_of_their_age() {
    let at = UserDataContext {
        event_time: Some(1_699_999_000),
        fbclid: Some("FromUrl"),
        ..UserDataContext::at(NOW)
    };
    let cookie = "fb.1.1554763741205.AbCdEf.AQIAAQMC";
    for (posted, fbc) in [
        (json!({"fbc": cookie, "fbclid": "AbCdEf"}), cookie),
        (json!({"fbc": cookie, "fbclid": "ABCDEF"}), "fb.1.1699999000000.ABCDEF"),
        (json!({"fbc": cookie}), "fb.1.1699999000000.FromUrl"),
        (json!({}), "fb.1.1699999000000.FromUrl"),
        (json!({"fbclid": "Own"}), "fb.1.1699999000000.Own"),
    ] {
        assert_eq!(run_in(&posted, &at), (json!({"fbc": fbc}), vec![]), "{posted}");
    }
    let future = UserDataContext { event_time: Some(1_800_000_000), ..UserDataContext::at(NOW) };
    assert_eq!(run_in(&json!({"fbclid": "x"}), &future).0, json!({"fbc": "fb.1.1700000000123.x"}));
    let (sent, warnings) = run(&json!({"fbc": "nonsense", "fbclid": "Good", "fbp": "fb.1"}));
    assert_eq!(sent, json!({"fbc": "fb.1.1700000000123.Good"}));
    assert_eq!(warnings, ["user_data.fbc: malformed_fbc", "user_data.fbp: malformed_fbp"]);
}

#[test]
fn the_request_fills_in_what_the_caller_left_out() {
    let context = UserDataContext {
        client_ip: Some("203.0.113.7"),
        client_user_agent: Some("Browser/1"),
        ..UserDataContext::at(NOW)
    };
    let wanted = json!({"client_ip_address": "203.0.113.7", "client_user_agent": "Browser/1"});
    assert_eq!(run_in(&json!({}), &context), (wanted, vec![]));
    let own = json!({"client_ip_address": "2001:db8::1", "client_user_agent": "App/2"});
    assert_eq!(run_in(&own, &context), (own, vec![]));
    let private = UserDataContext { client_ip: Some("127.0.0.1"), ..UserDataContext::at(NOW) };
    assert_eq!(run_in(&json!({}), &private), (json!({}), vec![]));
}

#[test]
fn limits_are_remarked() {
    let many: Vec<String> = (0..20).map(|n| format!("{n}@example.com")).collect();
    let (sent, warnings) = run(&json!({"email": many, "fbp": ["fb.1.1.1", "fb.1.1.2"], "fbclid": ["a", "b"],
        "first_name": "x".repeat(1025), "client_user_agent": "x".repeat(2000)}));
    assert_eq!(sent["em"].as_array().unwrap().len(), 16);
    assert_eq!(sent["fbp"], "fb.1.1.1");
    assert_eq!(sent["fbc"], "fb.1.1700000000123.a");
    assert_eq!(sent["client_user_agent"].as_str().unwrap().len(), 1024);
    let mut warnings = warnings;
    warnings.sort();
    assert_eq!(
        warnings,
        [
            "user_data.client_user_agent: truncated",
            "user_data.email: too_many_values",
            "user_data.fbclid: too_many_values",
            "user_data.fbp: too_many_values",
            "user_data.first_name: too_long",
        ]
    );
    let unknown: serde_json::Map<String, Value> = (0..500).map(|n| (format!("k{n}"), Value::Null)).collect();
    assert_eq!(run(&Value::Object(unknown)).1.len(), 64);
}

#[test]
fn six_hashed_extras_are_single_values() {
    let (sent, warnings) = run(
        &json!({"f5first": "Élodie-Marie", "f5last": "Lee", "fi": "É", "dobd": 7, "dobm": "2", "doby": "1997"}),
    );
    assert_eq!(warnings, Vec::<String>::new());
    for key in ["f5first", "f5last", "fi", "dobd", "dobm", "doby"] {
        assert_eq!(sent[key].as_str().map(str::len), Some(64), "{key}");
    }
}

#[test]
fn ids_in_clear_pass_as_they_are() {
    let ids = json!({
        "subscription_id": "Sub-1", "fb_login_id": "123456789012345", "lead_id": "525645896321548", "anon_id": "XZ-a",
        "madid": "38400000-8CF0-11BD-B23E-10B96E40000D", "page_id": "1", "page_scoped_user_id": "2",
        "ctwa_clid": "ARAkLkA8rmlF", "ig_account_id": "3", "ig_sid": "4", "partner_id": "p", "partner_name": "Acme Inc",
    });
    assert_eq!(run(&ids), (ids, vec![]));
}

#[test]
fn what_is_no_object_is_an_error() {
    let context = UserDataContext::at(NOW);
    for posted in ["[]", "\"a\"", "1", "true", "[{\"em\":\"a\"}]"] {
        assert_eq!(try_run(posted, &context), Err(UserDataError::NotAnObject), "{posted}");
    }
    assert_eq!(try_run(r#"{"em":"\ud800"}"#, &context), Err(UserDataError::Unreadable));
    assert!(try_run("null", &context).unwrap().user_data.is_empty());
    let deep = format!("{{\"em\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(try_run(&deep, &context).map(|outcome| outcome.warnings.len()), Ok(1));
}

#[test]
fn nul_bytes_and_escapes_are_text_like_any_other() {
    let (sent, warnings) =
        run(&json!({"first_name": "\u{0}Mary\u{0}", "email": "a\u{0}b@c.de", "subscription_id": "a\u{0}b"}));
    assert_eq!(sent, json!({"fn": [MARY]}));
    assert_eq!(warnings, ["user_data.email: not_an_email", "user_data.subscription_id: not_an_identifier"]);
}
