//! A server on this machine that answers as it is told, and a client of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adrelay_core::ports::meta::Credentials;
use adrelay_core::seal::Secret;
use adrelay_graph::{Graph, GraphConfig};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

pub(crate) const TOKEN: &str = "EAABsecretsecretsecretsecret";
pub(crate) const APP_SECRET: &str = "shhh-app-secret";
pub(crate) const MAX_RESPONSE_BYTES: usize = 4096;
pub(crate) const MAX_LIST_BYTES: usize = 2 * MAX_RESPONSE_BYTES;

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

type Answering = Arc<dyn Fn() -> Response + Send + Sync>;

#[derive(Clone)]
struct Server {
    seen: Arc<Mutex<Vec<Seen>>>,
    answering: Answering,
}

async fn serve(
    State(server): State<Server>,
    method: axum::http::Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let seen = Seen { method: method.to_string(), uri: uri.to_string(), headers, body };
    server.seen.lock().unwrap().push(seen);
    (server.answering)()
}

/// A server that gives one answer to everything, and what it has seen.
pub(crate) async fn server<R: IntoResponse>(
    answer: impl Fn() -> R + Send + Sync + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<Seen>>>) {
    let server = Server { seen: Arc::default(), answering: Arc::new(move || answer().into_response()) };
    let seen = Arc::clone(&server.seen);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(serve).with_state(server);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

pub(crate) fn graph(address: SocketAddr, total_timeout: Duration) -> Graph {
    Graph::new(&GraphConfig {
        base_url: format!("http://{address}"),
        total_timeout,
        max_response_bytes: MAX_RESPONSE_BYTES,
        max_list_bytes: MAX_LIST_BYTES,
        ..GraphConfig::default()
    })
    .unwrap()
}

pub(crate) fn credentials(app_secret: bool) -> Credentials {
    let app_secret = app_secret.then(|| Secret::new(APP_SECRET.to_owned()));
    Credentials { token: Secret::new(TOKEN.to_owned()), app_secret }
}
