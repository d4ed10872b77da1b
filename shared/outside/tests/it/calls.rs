//! Calls of receivers on this machine, well and ill.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adrelay_outside::{Outside, OutsideConfig, OutsideError, Reply};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// A receiver that gives one answer to everything, and what it has seen.
async fn receiver<R: IntoResponse>(
    answer: impl Fn() -> R + Clone + Send + Sync + 'static,
) -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let serve = move |headers: HeaderMap, body: Bytes| {
        noted.lock().unwrap().push((headers, body));
        let response: Response = answer().into_response();
        async { response }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
    (address, seen)
}

/// A receiver that reads something, writes `answer` and then hangs up or, where told so, stays silent.
async fn raw_receiver(answer: &'static str, hang_up: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !hang_up {
            std::future::pending::<()>().await;
        }
    });
    address
}

fn outside(total_timeout: Duration) -> Outside {
    let config = OutsideConfig { loopback_allowed: true, total_timeout, ..OutsideConfig::default() };
    Outside::new(&config).unwrap()
}

async fn post(url: &str) -> Result<Reply, OutsideError> {
    outside(Duration::from_secs(30)).post_json(url, HeaderMap::new(), b"{}".to_vec()).await
}

#[tokio::test]
async fn a_body_arrives_with_its_headers_and_any_2xx_is_a_yes() {
    for status in [200, 202, 204] {
        let (address, seen) = receiver(move || StatusCode::from_u16(status).unwrap()).await;
        let headers = HeaderMap::from_iter([("webhook-id".parse().unwrap(), "d1".parse().unwrap())]);
        let url = format!("http://{address}/hook?key=1");
        let called = outside(Duration::from_secs(30)).post_json(&url, headers, b"{\"a\":1}".to_vec()).await;
        assert_eq!(called, Ok(Reply { http_status: status }));
        let (headers, body) = seen.lock().unwrap().pop().unwrap();
        assert_eq!(&body[..], b"{\"a\":1}");
        assert_eq!(
            (&headers["webhook-id"], &headers["content-type"]),
            (&"d1".parse().unwrap(), &"application/json".parse().unwrap())
        );
        assert!(headers.get("referer").is_none() && headers.get("cookie").is_none());
    }
}

#[tokio::test]
async fn other_statuses_are_told_and_no_redirect_is_followed() {
    for status in [400, 401, 404, 410, 429, 500, 503] {
        let (address, _) = receiver(move || StatusCode::from_u16(status).unwrap()).await;
        let error = post(&format!("http://{address}/")).await.unwrap_err();
        assert_eq!((error.code(), error.http_status()), ("http_status", Some(status)));
    }
    let (inner, seen) = receiver(|| StatusCode::OK).await;
    for status in [301, 302, 303, 307, 308] {
        let location = [("location", format!("http://{inner}/"))];
        let (address, _) = receiver(move || (StatusCode::from_u16(status).unwrap(), location.clone())).await;
        assert_eq!(post(&format!("http://{address}/")).await, Err(OutsideError::Redirect));
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let (address, _) = receiver(|| "x".repeat(64 * 1024)).await;
    assert_eq!(post(&format!("http://{address}/")).await, Ok(Reply { http_status: 200 }));
    let (address, _) = receiver(|| "x".repeat(64 * 1024 + 1)).await;
    assert_eq!(post(&format!("http://{address}/")).await, Err(OutsideError::TooLarge));
}

#[tokio::test]
async fn silence_ends_with_the_timeout_before_and_within_an_answer() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"] {
        let address = raw_receiver(answer, false).await;
        let call = outside(Duration::from_millis(200));
        let called = call.post_json(&format!("http://{address}/"), HeaderMap::new(), Vec::new()).await;
        assert_eq!(called, Err(OutsideError::Timeout), "{answer:?}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_and_one_that_never_was_are_told_apart() {
    for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab", "no http\r\n\r\n"] {
        let address = raw_receiver(answer, true).await;
        assert_eq!(post(&format!("http://{address}/")).await, Err(OutsideError::Broken), "{answer:?}");
    }
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    assert_eq!(post(&format!("http://{address}/")).await, Err(OutsideError::Refused));
}

#[tokio::test]
async fn a_receiver_without_tls_is_told_as_such() {
    let address = raw_receiver("HTTP/1.1 400 Bad Request\r\n\r\n", true).await;
    assert_eq!(post(&format!("https://{address}/")).await, Err(OutsideError::Tls));
}

#[tokio::test]
async fn names_are_looked_up_and_loopback_is_called_only_where_allowed() {
    let (address, seen) = receiver(|| StatusCode::OK).await;
    let port = address.port();
    assert_eq!(post(&format!("http://localhost:{port}/")).await, Ok(Reply { http_status: 200 }));
    assert_eq!(seen.lock().unwrap().len(), 1);

    let outside = Outside::new(&OutsideConfig::default()).unwrap();
    for (url, error) in [
        (format!("https://localhost:{port}/"), OutsideError::NotPublic),
        (format!("https://127.0.0.1:{port}/"), OutsideError::NotPublic),
        (format!("http://127.0.0.1:{port}/"), OutsideError::InvalidUrl),
    ] {
        let called = outside.post_json(&url, HeaderMap::new(), Vec::new()).await;
        assert_eq!(called, Err(error), "{url}");
    }
    assert_eq!(seen.lock().unwrap().len(), 1, "nobody else was called");
}
