//! The client against a server on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use adrelay_core::ids::PixelId;
use adrelay_core::ports::meta::{
    CapiAnswer, CapiRequest, ConversionsApi as _, Credentials, Failure, Verdict,
};
use adrelay_core::seal::Secret;
use adrelay_graph::{Graph, Named};
use axum::http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::server::{APP_SECRET, MAX_RESPONSE_BYTES, TOKEN, credentials, graph, server};

/// A server that reads a request, writes `answer` and then hangs up or, where told so, stays silent.
async fn raw_server(answer: &'static str, hang_up: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if !hang_up {
                std::future::pending::<()>().await;
            }
        }
    });
    address
}

fn pixel() -> PixelId {
    PixelId::parse("1234").unwrap()
}

async fn send(graph: &Graph, credentials: &Credentials) -> CapiAnswer {
    let request = CapiRequest {
        pixel_id: &pixel(),
        credentials,
        test_event_code: Some("TEST1"),
        upload_tag: Some("march"),
        events: &[r#"{"event_name":"Lead"}"#, r#"{"event_name":"Purchase","value":1.50}"#],
    };
    graph.send(request).await
}

/// Sends with a generous timeout and expects no success.
async fn failure(address: SocketAddr) -> Failure {
    failure_within(address, Duration::from_secs(30)).await
}

async fn failure_within(address: SocketAddr, total_timeout: Duration) -> Failure {
    let graph = graph(address, total_timeout);
    let failure = send(&graph, &credentials(true)).await.result.unwrap_err();
    let text = format!("{failure:?} {graph:?}");
    assert!(!text.contains(TOKEN) && !text.contains(APP_SECRET), "{text}");
    assert!(!text.contains("/1234/events"), "a URL in an error: {text}");
    failure
}

#[tokio::test]
async fn events_go_out_with_the_token_in_the_header_alone() {
    let (address, seen) = server(|| r#"{"events_received":2,"messages":[],"fbtrace_id":"A1"}"#).await;
    let answer = send(&graph(address, Duration::from_secs(30)), &credentials(true)).await;
    let accepted = answer.result.unwrap();
    assert_eq!((accepted.events_received, accepted.fbtrace_id.as_deref()), (2, Some("A1")));

    let seen = seen.lock().unwrap().clone();
    let [request] = seen.as_slice() else { panic!("not one request: {seen:?}") };
    assert_eq!((request.method.as_str(), request.uri.as_str()), ("POST", "/v26.0/1234/events"));
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(request.headers["content-type"], "application/json");
    let (head, proof) = request.body.split_once(r#","appsecret_proof":""#).unwrap();
    let events = r#"[{"event_name":"Lead"},{"event_name":"Purchase","value":1.50}]"#;
    assert_eq!(head, format!(r#"{{"data":{events},"test_event_code":"TEST1","upload_tag":"march""#));
    assert_eq!(proof.len(), 64 + r#""}"#.len());
    assert!(!request.body.contains(TOKEN));
}

#[tokio::test]
async fn the_headers_of_an_answer_tell_usage_and_wait() {
    let usage = r#"{"1":[{"call_count":100,"estimated_time_to_regain_access":2}]}"#;
    let body = r#"{"error":{"code":80004}}"#;
    let (address, _) =
        server(move || (StatusCode::BAD_REQUEST, [("x-business-use-case-usage", usage)], body)).await;
    let answer = send(&graph(address, Duration::from_secs(30)), &credentials(false)).await;
    assert_eq!(answer.result.unwrap_err().verdict, Verdict::Wait { ms: 120_000 });
    assert_eq!((answer.usage.percent, answer.usage.wait_ms), (100.0, 120_000));
}

#[tokio::test]
async fn a_refused_connection_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(failure(address).await.verdict, Verdict::Retry);
}

#[tokio::test]
async fn a_connection_cut_after_the_request_leaves_the_outcome_unknown() {
    assert_eq!(failure(raw_server("", true).await).await.verdict, Verdict::UnknownOutcome);
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_leaves_the_outcome_unknown() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"events_received\":2";
    let failure = failure(raw_server(answer, true).await).await;
    assert_eq!((failure.verdict, failure.error.http_status), (Verdict::UnknownOutcome, 200));
}

#[tokio::test]
async fn a_refusal_cut_in_the_middle_condemns_nothing() {
    for status in ["400 Bad Request", "401 Unauthorized", "404 Not Found"] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\n{{\"err");
        let failure = failure(raw_server(answer.leak(), true).await).await;
        assert_eq!(failure.verdict, Verdict::UnknownOutcome, "{status}");
    }
}

#[tokio::test]
async fn a_silent_server_leaves_the_outcome_unknown() {
    let address = raw_server("", false).await;
    let failure = failure_within(address, Duration::from_millis(50)).await;
    assert_eq!(failure.verdict, Verdict::UnknownOutcome);
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_retried() {
    let (address, _) = server(|| (StatusCode::BAD_GATEWAY, "<html>Bad Gateway</html>")).await;
    let failure = failure(address).await;
    assert_eq!((failure.verdict, failure.error.http_status), (Verdict::Retry, 502));
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_limit() {
    let yes = |bytes: usize| {
        let yes = r#"{"events_received":2}"#;
        format!("{yes}{}", " ".repeat(bytes - yes.len()))
    };
    let (address, _) = server(move || yes(MAX_RESPONSE_BYTES)).await;
    assert!(send(&graph(address, Duration::from_secs(30)), &credentials(false)).await.result.is_ok());
    let (address, _) = server(move || yes(MAX_RESPONSE_BYTES + 1)).await;
    assert_eq!(failure(address).await.verdict, Verdict::UnknownOutcome);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (address, seen) = server(|| (StatusCode::FOUND, [("location", "/elsewhere")], "")).await;
    assert_eq!(failure(address).await.verdict, Verdict::UnknownOutcome);
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_a_bad_token() {
    let (address, seen) = server(|| "{}").await;
    let credentials = Credentials { token: Secret::new("a\nb".to_owned()), app_secret: None };
    let answer = send(&graph(address, Duration::from_secs(30)), &credentials).await;
    assert_eq!(answer.result.unwrap_err().verdict, Verdict::Token);
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_is_verified_and_a_pixel_looked_up_by_name() {
    let (address, seen) = server(|| r#"{"id":"77","name":"Acme"}"#).await;
    let graph = graph(address, Duration::from_secs(30));
    let acme = Named { id: "77".to_owned(), name: Some("Acme".to_owned()) };
    assert_eq!(graph.verify_token(&credentials(false)).await, Ok(acme.clone()));
    assert_eq!(graph.pixel(&credentials(true), &pixel()).await, Ok(acme));

    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen[0].uri, "/v26.0/me?fields=id%2Cname");
    let (uri, proof) = seen[1].uri.split_once("&appsecret_proof=").unwrap();
    assert_eq!((uri, proof.len()), ("/v26.0/1234?fields=id%2Cname", 64));
    for request in seen {
        assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
        assert!(!request.uri.contains(TOKEN));
    }
}

#[tokio::test]
async fn an_unknown_pixel_and_a_dead_token_are_told_apart() {
    let (address, _) =
        server(|| (StatusCode::BAD_REQUEST, r#"{"error":{"code":100,"error_subcode":33}}"#)).await;
    let looked_up = graph(address, Duration::from_secs(30)).pixel(&credentials(false), &pixel()).await;
    assert_eq!(looked_up.unwrap_err().verdict, Verdict::Permission);

    let (address, _) = server(|| (StatusCode::UNAUTHORIZED, r#"{"error":{"code":190}}"#)).await;
    let verified = graph(address, Duration::from_secs(30)).verify_token(&credentials(false)).await;
    assert_eq!(verified.unwrap_err().verdict, Verdict::Token);

    let (address, _) = server(|| "{}").await;
    let verified = graph(address, Duration::from_secs(30)).verify_token(&credentials(false)).await;
    assert_eq!(verified.unwrap_err().verdict, Verdict::UnknownOutcome);
}
