//! A stub of an AWS service that speaks its JSON protocol: it keeps what it was asked and answers by script.

use std::sync::{Arc, Mutex};

use adrelay_aws::sdk::Sdk;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::IntoResponse;
use serde_json::Value;
use tokio::sync::watch;

type Script = dyn Fn(usize, &Value) -> (u16, Value) + Send + Sync;

/// What the stub was asked: the operation, e.g. `SendMessage`, and its input.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) input: Value,
}

#[derive(Clone)]
pub(crate) struct Stub {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
    answered: watch::Sender<usize>,
    /// So many calls are answered before the first.
    before_first: usize,
    pub(crate) url: String,
}

impl Stub {
    /// Starts a stub that answers the nth call, from 0, with `script(n, input)`: status and body.
    pub(crate) async fn start(
        script: impl Fn(usize, &Value) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        Self::first_after(0, script).await
    }

    /// The same, but the first call gets its answer only after so many others got theirs.
    pub(crate) async fn first_after(
        before_first: usize,
        script: impl Fn(usize, &Value) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (answered, _) = watch::channel(0);
        let stub = Self { calls: Arc::default(), script: Arc::new(script), answered, before_first, url };
        let router = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        stub
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// The SDK as a function makes it, pointed at the stub.
    pub(crate) fn sdk(&self) -> Sdk {
        let variable = |name| match name {
            "AWS_ENDPOINT_URL" => Some(self.url.clone()),
            "AWS_REGION" => Some("us-east-1".to_owned()),
            "AWS_SESSION_TOKEN" | "AWS_CALL_LOG_DIR" => None,
            _ => Some("test".to_owned()),
        };
        Sdk::from_variables(variable).unwrap()
    }
}

async fn answer(State(stub): State<Stub>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let target = headers.get("x-amz-target").map(|target| target.to_str().unwrap()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    let input: Value = serde_json::from_slice(&body).unwrap();
    let nth = {
        let mut calls = stub.calls.lock().unwrap();
        calls.push(Call { operation, input: input.clone() });
        calls.len() - 1
    };
    let (status, body) = (stub.script)(nth, &input);
    if nth == 0 {
        let mut answered = stub.answered.subscribe();
        answered.wait_for(|answered| *answered >= stub.before_first).await.unwrap();
    }
    stub.answered.send_modify(|answered| *answered += 1);
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/x-amz-json-1.0")], body.to_string())
}
