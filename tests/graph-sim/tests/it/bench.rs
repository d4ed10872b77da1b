//! A simulator with one token and one pixel, its clock standing still, and a client for it.

use std::sync::Once;

use graph_sim::{EventFilter, Sim, SimConfig, StoredEvent, Token};
use reqwest::{Client, Response};
use serde_json::{Value, json};

pub(crate) const NOW_S: i64 = 1_795_219_200;
pub(crate) const TOKEN: &str = "EAAB-test-token";
pub(crate) const PIXEL: &str = "700000000000001";
pub(crate) const HASH: &str = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";

pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) http: Client,
}

/// What came back, read completely.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    /// (status, code, subcode) of an error.
    pub(crate) fn error(&self) -> (u16, Option<i64>, Option<i64>) {
        let error = &self.body["error"];
        (self.status, error["code"].as_i64(), error["error_subcode"].as_i64())
    }

    pub(crate) fn header(&self, name: &str) -> Option<Value> {
        self.headers.get(name).map(|value| serde_json::from_slice(value.as_bytes()).unwrap())
    }
}

pub(crate) fn client() -> Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    });
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(SimConfig::default())
    }

    pub(crate) fn with(config: SimConfig) -> Self {
        let sim = Sim::start(SimConfig { now_ms: Some(NOW_S * 1_000), ..config }).unwrap();
        sim.add_token(token(TOKEN)).unwrap();
        Self { sim, http: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sim.base_url())
    }

    pub(crate) fn events_url(&self) -> String {
        self.url(&format!("/v26.0/{PIXEL}/events"))
    }

    /// Sends events as most clients do: a JSON body, the token in the header.
    pub(crate) async fn send(&self, events: &[Value]) -> Reply {
        self.try_send(events).await.unwrap()
    }

    pub(crate) async fn try_send(&self, events: &[Value]) -> reqwest::Result<Reply> {
        let request = self.http.post(self.events_url()).bearer_auth(TOKEN).json(&json!({ "data": events }));
        Ok(Reply::of(request.send().await?).await)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(self.url(path)).bearer_auth(TOKEN).send().await.unwrap()).await
    }

    pub(crate) async fn get_owned(&self, path: String) -> Value {
        self.get(&path).await.body
    }

    pub(crate) async fn control(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.http.post(self.url(path)).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.http.delete(self.url(path)).send().await.unwrap()).await
    }

    pub(crate) fn stored(&self) -> Vec<StoredEvent> {
        self.sim.events(&EventFilter::default())
    }
}

pub(crate) fn token(text: &str) -> Token {
    Token { token: text.to_owned(), pixels: [PIXEL.to_owned()].into(), ..Token::default() }
}

pub(crate) fn event(id: &str) -> Value {
    json!({
        "event_name": "Lead", "event_time": NOW_S - 60, "event_id": id, "action_source": "website",
        "event_source_url": "https://shop.example/", "user_data": {"em": [HASH], "client_user_agent": "agent"},
    })
}
