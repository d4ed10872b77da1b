//! One POST over plain HTTP, without following, retrying or keeping anything.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Bytes of an answer that are read; the rest does not matter.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Where to connect, and what to ask for there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
    path: String,
}

/// Takes an `http` URL apart; `None` for any other.
pub(crate) fn target(url: &str) -> Option<Target> {
    let uri: Uri = url.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Some(Target { host: uri.host()?.to_owned(), port: uri.port_u16().unwrap_or(80), path })
}

/// Posts JSON; the answer's status, or a word for why there is none.
pub(crate) async fn post(
    target: &Target,
    signature: &str,
    body: String,
    timeout: Duration,
) -> Result<u16, &'static str> {
    tokio::time::timeout(timeout, exchange(target, signature, body)).await.unwrap_or(Err("timeout"))
}

async fn exchange(target: &Target, signature: &str, body: String) -> Result<u16, &'static str> {
    let address = (target.host.trim_matches(['[', ']']), target.port);
    let stream = TcpStream::connect(address).await.map_err(|_| "connect")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| "handshake")?;
    let request = Request::post(&target.path)
        .header(HOST, format!("{}:{}", target.host, target.port))
        .header(CONTENT_TYPE, "application/json")
        .header("x-hub-signature-256", signature)
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| "request")?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| "cut")?;
        let status = response.status().as_u16();
        // The status counts even where the rest of the answer does not come.
        let _rest = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok(status)
    };
    tokio::pin!(answered, connection);
    tokio::select! {
        biased;
        status = &mut answered => status,
        _ended = &mut connection => answered.await,
    }
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn only_plain_http_is_a_target() {
        let found = target("http://127.0.0.1:4566/_aws/$default/webhooks?a=b").unwrap();
        assert_eq!((found.host.as_str(), found.port), ("127.0.0.1", 4566));
        assert_eq!(found.path, "/_aws/$default/webhooks?a=b");
        assert_eq!(target("http://[::1]/").unwrap().port, 80);
        for other in ["https://a.example/", "/path", "", "http://", "ftp://a/"] {
            assert_eq!(target(other), None, "{other}");
        }
    }
}
