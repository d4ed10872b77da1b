//! A stub of an AWS service with a REST protocol, S3: it keeps what it was asked and answers by script.

use std::sync::{Arc, Mutex};

use adrelay_aws::sdk::Sdk;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::HeaderMap;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;

/// An answer: status, `ETag` where there is one, body.
pub(crate) type Answer = (u16, Option<&'static str>, String);

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// What the stub was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct RestStub {
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Script>,
    pub(crate) url: String,
}

impl RestStub {
    /// Starts a stub that answers every call by script.
    pub(crate) async fn start(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stub = Self { asked: Arc::default(), script: Arc::new(script), url };
        // Parts are megabytes.
        let router = Router::new().fallback(answer).layer(axum::extract::DefaultBodyLimit::disable());
        let router = router.with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        stub
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
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

async fn answer(
    State(stub): State<RestStub>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.to_vec(),
    };
    stub.asked.lock().unwrap().push(asked.clone());
    let (status, etag, body) = (stub.script)(&asked);
    let mut headers = HeaderMap::new();
    headers.extend(etag.map(|etag| (axum::http::header::ETAG, etag.parse().unwrap())));
    (StatusCode::from_u16(status).unwrap(), headers, body)
}
