//! Signed calls of the local AWS: enough for tests to look at queues and logs and to turn things on and off.

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;

use crate::environment::{AWS_KEY, AWS_REGION};

const CALL_LIMIT: Duration = Duration::from_secs(30);

/// A client of the local AWS that signs as its root, or as whoever it was made for.
#[derive(Debug, Clone)]
pub struct AwsApi {
    endpoint: String,
    http: reqwest::Client,
    credentials: Credentials,
}

impl AwsApi {
    /// A client of the AWS that listens at `endpoint`, e.g. `http://127.0.0.1:4566`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(endpoint: &str) -> anyhow::Result<Self> {
        Ok(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            http: plain_client(CALL_LIMIT)?,
            credentials: Credentials::new(AWS_KEY, AWS_KEY, None, None, "local"),
        })
    }

    /// The same client with the credentials of a session.
    pub(crate) fn with_session(&self, key_id: &str, secret: &str, token: &str) -> Self {
        Self {
            credentials: Credentials::new(key_id, secret, Some(token.to_owned()), None, "local"),
            ..self.clone()
        }
    }

    /// Calls an operation of a JSON service, e.g. `("dynamodb", "DynamoDB_20120810.Scan", "1.0", body)`.
    ///
    /// # Errors
    /// When the service refuses, with its answer.
    pub async fn json(
        &self,
        service: &str,
        target: &str,
        version: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let content_type = format!("application/x-amz-json-{version}");
        let headers = [("content-type", content_type.as_str()), ("x-amz-target", target)];
        let answer = self.send(service, "POST", "/", &headers, body.to_string()).await?;
        parse(&answer)
    }

    /// Calls an operation of a REST service, e.g. `("lambda", "GET", "/2015-03-31/functions", None)`.
    ///
    /// # Errors
    /// When the service refuses, with its answer.
    pub async fn rest(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let headers = [("content-type", "application/json")];
        let answer = self
            .send(service, method, path, &headers, body.map(Value::to_string).unwrap_or_default())
            .await?;
        parse(&answer)
    }

    /// Calls an operation of a query service, e.g. IAM, with an encoded form; the answer is XML.
    ///
    /// # Errors
    /// When the service refuses, with its answer.
    pub async fn query(&self, service: &str, form: String) -> anyhow::Result<String> {
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        self.send(service, "POST", "/", &headers, form).await
    }

    /// Calls an operation of a REST service that answers in XML, e.g. `("s3", "GET", "/bucket?uploads=")`.
    ///
    /// # Errors
    /// When the service refuses, with its answer.
    pub async fn xml(&self, service: &str, method: &str, path: &str) -> anyhow::Result<String> {
        self.send(service, method, path, &[], String::new()).await
    }

    async fn send(
        &self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<String> {
        let url = format!("{}{path}", self.endpoint);
        let mut request = http::Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).with_context(|| format!("{method} {url}"))?;
        sign_request(&mut request, service, &self.credentials)?;
        let answer = self.http.execute(request.try_into()?).await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "{service} {method} {path}: {status} {text}");
        Ok(text)
    }
}

fn parse(text: &str) -> anyhow::Result<Value> {
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))
}

fn sign_request(
    request: &mut http::Request<String>,
    service: &str,
    credentials: &Credentials,
) -> anyhow::Result<()> {
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(AWS_REGION)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
        SignableBody::Bytes(request.body().as_bytes()),
    )?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(request);
    Ok(())
}

/// A client for plain HTTP on this machine. It keeps no connection open: tests make a runtime each, and a
/// pooled connection dies with the runtime that opened it.
pub(crate) fn plain_client(limit: Duration) -> anyhow::Result<reqwest::Client> {
    // reqwest wants a TLS provider even where every URL is plain; a second installation is refused and harmless.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(limit).pool_max_idle_per_host(0).no_proxy().build()?)
}
