//! A client of adrelay's HTTP API, as any script would write it.

use anyhow::Context as _;
use serde_json::Value;

/// An HTTP answer with its JSON body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Content-Type`, without parameters.
    pub content_type: String,
    /// The body as JSON; a string where it is none.
    pub body: Value,
}

impl Answer {
    /// The problem's stable `code`; empty where there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Calls one base URL.
#[derive(Debug, Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
}

impl Api {
    /// A client of `base`, which has no slash at its end.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        // A second install is refused and harmless.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build()?;
        Ok(Self { http, base: base.to_owned() })
    }

    /// The base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Makes a call; `key` goes out as a bearer token.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Self::answer(request).await
    }

    /// Posts `body` as it is.
    ///
    /// # Errors
    /// Where no answer comes.
    pub async fn post_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Self::answer(request).await
    }

    async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, content_type, body })
    }

    /// Posts JSON and expects `status`.
    ///
    /// # Errors
    /// Where the status is another one, with the answer.
    pub async fn post(&self, path: &str, key: &str, body: &Value, status: u16) -> anyhow::Result<Value> {
        self.expect("POST", path, key, Some(body), status).await
    }

    /// Gets JSON with status 200.
    ///
    /// # Errors
    /// Where the status is another one, with the answer.
    pub async fn get(&self, path: &str, key: &str) -> anyhow::Result<Value> {
        self.expect("GET", path, key, None, 200).await
    }

    /// Makes a call and expects `status`.
    ///
    /// # Errors
    /// Where the status is another one, with the answer.
    pub async fn expect(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
        status: u16,
    ) -> anyhow::Result<Value> {
        let answer =
            self.call(method, path, Some(key), body).await.with_context(|| format!("{method} {path}"))?;
        anyhow::ensure!(
            answer.status == status,
            "{method} {path}: {} instead of {status}: {}",
            answer.status,
            answer.body
        );
        Ok(answer.body)
    }
}
