//! What is not genuine, or too much: the right status, and nothing queued.

use adrelay_core::leads::LeadWork;
use http::Method;
use lambda_http::{Body, Request};
use serde_json::{Value, json};

use crate::world::{APP_SECRET, Store, VERIFY_TOKEN, World, app, delivery, lead, post, signature, signed};

async fn refused(world: &World, request: &Request, status: u16, code: &str) {
    let answer = world.ask(request).await;
    assert_eq!((answer.status, answer.code.as_str()), (status, code));
    assert_eq!(world.queue.bodies(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_signed_right_is_401() {
    let world = World::new();
    let body = delivery(&[lead(5)]);
    let right = signature(body.as_bytes(), APP_SECRET);
    refused(&world, &post(&body, None), 401, "signature_missing").await;
    refused(&world, &post(&body, Some("")), 401, "signature_malformed").await;
    refused(&world, &post(&body, Some(&right[..right.len() - 2])), 401, "signature_malformed").await;
    refused(&world, &post(&body, Some(&right.replace("256=", "1="))), 401, "signature_malformed").await;
    let other = signature(body.as_bytes(), "another secret");
    refused(&world, &post(&body, Some(&other)), 401, "signature_wrong").await;
    let empty = signature(body.as_bytes(), "");
    refused(&world, &post(&body, Some(&empty)), 401, "signature_wrong").await;
    let verify_token = signature(body.as_bytes(), VERIFY_TOKEN);
    refused(&world, &post(&body, Some(&verify_token)), 401, "signature_wrong").await;

    let mut sha1 = post(&body, None);
    let value = "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12".parse().unwrap();
    sha1.headers_mut().insert("x-hub-signature", value);
    refused(&world, &sha1, 401, "signature_missing").await;
}

#[tokio::test]
async fn a_body_that_was_changed_after_signing_is_401() {
    let world = World::new();
    let body = delivery(&[lead(5)]);
    let right = signature(body.as_bytes(), APP_SECRET);
    for changed in [body.replace('5', "6"), format!("{body} "), body[1..].to_owned(), String::new()] {
        refused(&world, &post(&changed, Some(&right)), 401, "signature_wrong").await;
    }
    assert_eq!(world.ask(&post(&body, Some(&right))).await.status, 200);
}

#[tokio::test]
async fn the_signature_is_looked_at_before_what_is_in_the_body() {
    let world = World::new();
    for body in ["no json", "", "{"] {
        refused(&world, &post(body, Some(&signature(b"x", APP_SECRET))), 401, "signature_wrong").await;
        refused(&world, &signed(body), 400, "body_not_json").await;
    }
    for body in ["[]", "1", "null", "{} {}"] {
        refused(&world, &signed(body), 400, "body_not_json").await;
    }
    let mut binary = signed("");
    let bytes = b"{\"object\":\"\xff\"}".to_vec();
    let value = signature(&bytes, APP_SECRET).parse().unwrap();
    binary.headers_mut().insert("x-hub-signature-256", value);
    *binary.body_mut() = Body::Binary(bytes);
    refused(&world, &binary, 400, "body_not_json").await;
}

#[tokio::test]
async fn nesting_without_end_is_no_harm() {
    let world = World::new();
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let answer = world.deliver(&format!(r#"{{"object":"page","x":{deep},"entry":{deep}}}"#)[..]).await;
    assert_eq!(answer.status, 413, "1.6 MB");
    let deep = &deep[300_000..500_000];
    let answer = world.deliver(&format!(r#"{{"object":"page","x":{deep},"entry":{deep}}}"#)[..]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.queue.bodies(), [""; 0]);
}

#[tokio::test]
async fn too_much_is_413() {
    let world = World::new();
    let padded = |bytes: usize| {
        let mut body: Value = serde_json::from_str(&delivery(&[lead(5)])).unwrap();
        body["pad"] = json!("");
        let missing = bytes - body.to_string().len();
        body["pad"] = json!("x".repeat(missing));
        body.to_string()
    };
    refused(&world, &signed(&padded(1_000_001)), 413, "body_too_large").await;
    refused(&world, &post(&"x".repeat(1_000_001), None), 413, "body_too_large").await;

    let changes: Vec<Value> = (1..=1_001).map(lead).collect();
    refused(&world, &signed(&delivery(&changes)), 413, "too_many_changes").await;
    let entries: Vec<Value> = changes.iter().map(|change| json!({"id": 1, "changes": [change]})).collect();
    let body = json!({"object": "page", "entry": entries}).to_string();
    refused(&world, &signed(&body), 413, "too_many_changes").await;
    let halves: Vec<Value> = changes.chunks(501).map(|half| json!({"id": 1, "changes": half})).collect();
    let body = json!({"object": "page", "entry": halves}).to_string();
    refused(&world, &signed(&body), 413, "too_many_changes").await;

    assert_eq!(world.deliver(&delivery(&changes[..1_000])).await.status, 200);
    assert_eq!((world.leads().len(), world.queue.bodies().len()), (1_000, 100));
    assert_eq!(world.deliver(&padded(1_000_000)).await.status, 200);
}

#[tokio::test]
async fn without_an_app_secret_nothing_is_genuine() {
    let body = delivery(&[lead(5)]);
    for store in [app("", VERIFY_TOKEN), Store::Holds("{}".to_owned()), Store::Holds("no json".to_owned())] {
        let world = World::with(true, store);
        let empty = signature(body.as_bytes(), "");
        refused(&world, &post(&body, Some(&empty)), 401, "app_secret_missing").await;
        refused(&world, &signed(&body), 401, "app_secret_missing").await;
    }
}

#[tokio::test]
async fn while_off_a_delivery_is_503_so_that_meta_tries_again() {
    let world = World::with(false, app(APP_SECRET, VERIFY_TOKEN));
    refused(&world, &signed(&delivery(&[lead(5)])), 503, "disabled").await;
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let world = World::new();
    let mut elsewhere = signed(&delivery(&[lead(5)]));
    *elsewhere.uri_mut() = "/webhooks/leadgen/x".parse().unwrap();
    refused(&world, &elsewhere, 404, "route_unknown").await;
    let mut put = signed(&delivery(&[lead(5)]));
    *put.method_mut() = Method::PUT;
    refused(&world, &put, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn no_answer_and_no_message_holds_what_was_sent_but_ids() {
    let world = World::new();
    let mut change = lead(5);
    change["value"]["canary"] = json!("jane@example.com");
    change["value"]["form_id"] = json!("jane@example.com");
    let answer = world.deliver(&delivery(&[change])).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains("jane"));
    let bodies = world.queue.bodies();
    assert!(matches!(LeadWork::parse(&bodies[0]), Ok(LeadWork::Announced { .. })));
    assert!(bodies.iter().all(|body| !body.contains("jane")), "{bodies:?}");
}
