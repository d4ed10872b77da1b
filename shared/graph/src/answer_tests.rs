use adrelay_core::ports::meta::Credentials;
use adrelay_core::seal::Secret;
use proptest::prelude::*;

use super::*;

fn judge(http_status: u16, body: &[u8]) -> Result<Accepted, Failure> {
    let credentials = Credentials { token: Secret::new("secret-token".to_owned()), app_secret: None };
    let answer = Answer { http_status, header_trace: Some("Header1"), wait_at_limit_ms: 0, body };
    answer.accepted(&Redactor::new(&credentials, None))
}

fn failure(http_status: u16, body: &str) -> Failure {
    judge(http_status, body.as_bytes()).expect_err(body)
}

#[test]
fn a_yes_counts_its_events() {
    let body = br#"{"events_received":3,"messages":["a",{"b":1}],"fbtrace_id":"Abc"}"#;
    let expected = Accepted {
        events_received: 3,
        fbtrace_id: Some("Abc".to_owned()),
        messages: vec!["a".to_owned(), r#"{"b":1}"#.to_owned()],
    };
    assert_eq!(judge(200, body), Ok(expected));
}

#[test]
fn an_error_is_read_in_full() {
    let body = r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804003,
        "is_transient":false,"error_user_title":"Zeitstempel zu alt","error_data":{"a":1},"fbtrace_id":"AbC"}}"#;
    let error = MetaError {
        code: 100,
        subcode: Some(2_804_003),
        http_status: 400,
        is_transient: false,
        fbtrace_id: Some("AbC".to_owned()),
        message: "Invalid parameter".to_owned(),
    };
    assert_eq!(failure(400, body), Failure { verdict: Verdict::BadData, error });
}

#[test]
fn an_error_fails_even_with_http_200() {
    let failure = failure(200, r#"{"events_received":1,"error":{"code":190}}"#);
    assert_eq!((failure.verdict, failure.error.fbtrace_id.as_deref()), (Verdict::Token, Some("Header1")));
}

#[test]
fn what_does_not_say_yes_is_none() {
    let cases = [
        (200, "", Verdict::UnknownOutcome),
        (200, "Service Unavailable", Verdict::UnknownOutcome),
        (200, "<html>", Verdict::UnknownOutcome),
        (200, "true", Verdict::UnknownOutcome),
        (200, "[]", Verdict::UnknownOutcome),
        (200, "{}", Verdict::UnknownOutcome),
        (200, r#"{"events_received":-1}"#, Verdict::UnknownOutcome),
        (200, r#"{"events_received":"some"}"#, Verdict::UnknownOutcome),
        (200, r#"{"success":false}"#, Verdict::Retry),
        (200, r#"{"success":"false","events_received":1}"#, Verdict::Retry),
        (200, r#"{"error":null,"events_received":1}"#, Verdict::UnknownOutcome),
        (400, r#"{"error":"odd"}"#, Verdict::BadData),
        (302, r#"{"events_received":1}"#, Verdict::UnknownOutcome),
        (500, r#"{"events_received":1}"#, Verdict::Retry),
        (502, "<html>Bad Gateway</html>", Verdict::Retry),
        (503, "", Verdict::Retry),
    ];
    for (status, body, verdict) in cases {
        assert_eq!(failure(status, body).verdict, verdict, "{status} {body}");
    }
}

#[test]
fn odd_shapes_of_an_error_are_understood() {
    let cases = [
        (r#"{"code":"190","error_subcode":"463"}"#, 190, Some(463)),
        (r#"{"code":-3,"error_subcode":1504045}"#, -3, Some(1_504_045)),
        (r#"{"code":100.0,"error_data":"{\"blame_field_specs\":[[\"x\"]]}"}"#, 100, None),
        (r#"{"code":1e300,"message":7}"#, 0, None),
        (r#"{"code":null,"error_subcode":[1],"is_transient":{}}"#, 0, None),
        (r#""nothing but a text""#, 0, None),
        ("[1]", 0, None),
    ];
    for (error, code, subcode) in cases {
        let read = failure(400, &format!(r#"{{"error":{error}}}"#)).error;
        assert_eq!((read.code, read.subcode), (code, subcode), "{error}");
    }
    assert!(failure(400, r#"{"error":{"code":104,"is_transient":"true"}}"#).error.is_transient);
}

#[test]
fn a_token_that_meta_repeats_does_not_get_through() {
    let body = r#"{"error":{"code":190,"message":"Malformed access token secret-token"}}"#;
    assert_eq!(failure(401, body).error.message, "Malformed access token [redacted]");
}

#[test]
fn an_implausible_trace_id_gives_way_to_the_headers() {
    for trace in
        [r#""""#.to_owned(), r#""a b""#.to_owned(), format!("\"{}\"", "x".repeat(101)), "7".to_owned()]
    {
        let body = format!(r#"{{"events_received":1,"fbtrace_id":{trace}}}"#);
        assert_eq!(judge(200, body.as_bytes()).unwrap().fbtrace_id.as_deref(), Some("Header1"), "{trace}");
    }
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,600}".prop_map(Value::from),
    ];
    let keys = "error|code|error_subcode|message|is_transient|fbtrace_id|messages|events_received|success";
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..25).prop_map(Value::from),
            prop::collection::hash_map(keys, inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
    .prop_map(|value| value.to_string())
}

fn is_within_limits(judged: &Result<Accepted, Failure>) -> bool {
    let short = |text: &String| text.chars().count() <= MAX_TEXT_CHARS;
    match judged {
        Ok(accepted) => accepted.messages.len() <= MAX_MESSAGES && accepted.messages.iter().all(short),
        Err(failure) => short(&failure.error.message),
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged_within_the_limits(status in 0u16..1000, body: Vec<u8>) {
        prop_assert!(is_within_limits(&judge(status, &body)));
    }

    #[test]
    fn any_json_is_judged_within_the_limits(status in 0u16..1000, body in json()) {
        let judged = judge(status, body.as_bytes());
        prop_assert!(is_within_limits(&judged));
        prop_assert!(judged.is_err() || (200..=299).contains(&status), "{body}");
    }
}
