//! The HTTP side: accepts connections, reads requests, and can close one without an answer.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::control;
use crate::graph::{self, Call};
use crate::receivers;
use crate::shared::Shared;

/// Largest request body.
const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Connections served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;
/// How long running calls may take to end when the simulator stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept, so that a lack of file descriptors does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A call that gets no answer. As a service's error it makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
#[error("connection cut on purpose")]
struct CutOff;

/// Serves until the simulator is stopped, then lets running calls end.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection panicked");
                }
            }
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all_ended).await.is_err() {
        tracing::warn!("connections were still open at the end");
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Small answers must not wait for Nagle; where the option cannot be set they are only slower.
    let _slower = stream.set_nodelay(true);
    let service = service_fn(|request| request_to_answer(request, Arc::clone(&shared)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.stopped() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

async fn request_to_answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, CutOff> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large().into_response()),
        Err(_) => return Err(CutOff),
    };
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(path) = call.path.strip_prefix("/_sim/") {
        return Ok(control::answer(&shared, &call, path).await.into_response());
    }
    if let Some(name) = call.path.strip_prefix("/_receivers/") {
        return receivers::answer(&shared, &call, name).await.map(Answer::into_response).ok_or(CutOff);
    }
    graph::answer(&shared, &call).await.map(Answer::into_response).ok_or(CutOff)
}

fn too_large() -> Answer {
    let message = "The request body is larger than 32 MiB";
    Answer::json(413, &json!({"error": {"message": message, "type": "OAuthException", "code": 1}}))
}
