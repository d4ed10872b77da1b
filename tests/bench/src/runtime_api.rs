//! The Lambda Runtime API, as far as a function needs it (AWS: Lambda runtime API): hands out invocations and notes
//! when they were asked for, handed out and answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long a function may take for anything before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a function did.
#[derive(Debug)]
enum Sign {
    /// It asked for an invocation.
    Next(Instant),
    /// It answered one.
    Response(Instant, Bytes),
    /// It failed at an invocation, or to start.
    Failed(Bytes),
}

#[derive(Clone)]
struct Shared {
    signs: UnboundedSender<Sign>,
    payloads: Arc<Mutex<UnboundedReceiver<Bytes>>>,
    handed_at: Arc<StdMutex<Option<Instant>>>,
}

/// A Runtime API for one process of a function.
pub(crate) struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` is to be.
    pub(crate) address: SocketAddr,
    signs: UnboundedReceiver<Sign>,
    payloads: UnboundedSender<Bytes>,
    handed_at: Arc<StdMutex<Option<Instant>>>,
}

/// An invocation that was answered.
#[derive(Debug)]
pub(crate) struct Answered {
    /// From handing out the payload to the answer's arrival.
    pub(crate) wall: Duration,
    /// The function's answer.
    pub(crate) body: Bytes,
}

impl RuntimeApi {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding the Runtime API")?;
        let address = listener.local_addr()?;
        let (signs_in, signs) = unbounded_channel();
        let (payloads, payloads_out) = unbounded_channel();
        let handed_at = Arc::default();
        let shared = Shared {
            signs: signs_in,
            payloads: Arc::new(Mutex::new(payloads_out)),
            handed_at: Arc::clone(&handed_at),
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, signs, payloads, handed_at })
    }

    /// Waits until the function asks for an invocation.
    pub(crate) async fn asked(&mut self) -> anyhow::Result<Instant> {
        match self.sign().await? {
            Sign::Next(at) => Ok(at),
            Sign::Response(..) => bail!("the function answered what nobody asked"),
            Sign::Failed(why) => bail!("the function failed: {}", String::from_utf8_lossy(&why)),
        }
    }

    /// Hands out an invocation and waits for its answer, and until the function asks for the next.
    pub(crate) async fn invoke(&mut self, payload: Bytes) -> anyhow::Result<Answered> {
        self.payloads.send(payload).context("the Runtime API is gone")?;
        let (at, body) = match self.sign().await? {
            Sign::Response(at, body) => (at, body),
            Sign::Next(_) => bail!("the function asked for more before it had answered"),
            Sign::Failed(why) => bail!("the function failed: {}", String::from_utf8_lossy(&why)),
        };
        let handed_at = *self.handed_at.lock().unwrap_or_else(PoisonError::into_inner);
        let handed_at = handed_at.context("answered before it was handed out")?;
        self.asked().await?;
        Ok(Answered { wall: at.duration_since(handed_at), body })
    }

    async fn sign(&mut self) -> anyhow::Result<Sign> {
        let sign = tokio::time::timeout(PATIENCE, self.signs.recv()).await;
        sign.context("the function is silent")?.context("the Runtime API is gone")
    }
}

async fn next(State(shared): State<Shared>) -> Result<(HeaderMap, Bytes), StatusCode> {
    let asked_at = Instant::now();
    let mut payloads = shared.payloads.lock().await;
    shared.signs.send(Sign::Next(asked_at)).map_err(|_| StatusCode::GONE)?;
    let payload = payloads.recv().await.ok_or(StatusCode::GONE)?;
    let deadline = SystemTime::now() + PATIENCE;
    let deadline_ms = deadline.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:bench";
    let headers = HeaderMap::from_iter([
        header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        header("lambda-runtime-deadline-ms", &deadline_ms.to_string()),
        header("lambda-runtime-invoked-function-arn", arn),
    ]);
    *shared.handed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    Ok((headers, payload))
}

fn header(name: &'static str, value: &str) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
    (HeaderName::from_static(name), value)
}

async fn response(State(shared): State<Shared>, Path(_id): Path<String>, body: Bytes) -> StatusCode {
    let told = shared.signs.send(Sign::Response(Instant::now(), body));
    if told.is_ok() { StatusCode::ACCEPTED } else { StatusCode::GONE }
}

async fn failed(State(shared): State<Shared>, body: Bytes) -> StatusCode {
    let told = shared.signs.send(Sign::Failed(body));
    if told.is_ok() { StatusCode::ACCEPTED } else { StatusCode::GONE }
}
