//! Meta's verification request.

use lambda_http::{Body, Request};

use crate::world::{APP_SECRET, PATH, Store, VERIFY_TOKEN, World, app};

fn get(query: &str) -> Request {
    http::Request::builder().method("GET").uri(format!("{PATH}?{query}")).body(Body::Empty).unwrap()
}

const RIGHT: &str = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20verify%20token";

#[tokio::test]
async fn the_right_token_gets_exactly_the_challenge_whether_or_not_leads_are_on() {
    for enabled in [true, false] {
        let world = World::with(enabled, app(APP_SECRET, VERIFY_TOKEN));
        let response = world.function.handle(&get(RIGHT)).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let answer = world.ask(&get(RIGHT)).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "1158201444"));
    }
}

#[tokio::test]
async fn anything_else_is_403() {
    let world = World::new();
    for query in [
        String::new(),
        RIGHT.replace("a%20", "b%20"),
        RIGHT.replace("subscribe", "unsubscribe"),
        RIGHT.replace("hub.verify_token", "verify_token"),
        RIGHT.replace("1158201444", ""),
        RIGHT.replace("1158201444", "%3Cscript%3E%0A"),
    ] {
        let answer = world.ask(&get(&query)).await;
        assert_eq!((answer.status, answer.code.as_str()), (403, "handshake_refused"), "{query}");
        assert!(!answer.text.contains("script"));
    }
}

#[tokio::test]
async fn a_token_that_is_not_set_matches_nothing() {
    for store in [app(APP_SECRET, ""), Store::Holds("{}".to_owned()), Store::Holds("[".to_owned())] {
        let world = World::with(true, store);
        for token in ["", "a%20verify%20token"] {
            let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
            assert_eq!(world.ask(&get(&query)).await.status, 403, "{token:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_just_set_works_at_once() {
    let world = World::with(true, app(APP_SECRET, "the one before"));
    world.function.warm().await;
    world.store.set(app(APP_SECRET, VERIFY_TOKEN));
    assert_eq!(world.ask(&get(RIGHT)).await.status, 200);
}
