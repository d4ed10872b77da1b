//! The function on parts in memory.

use std::sync::{Arc, Mutex};

use adrelay_core::leads::LeadWork;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;
use adrelay_lambda::problem::Problem;
use fakes::{MemoryQueue, NOON, QueueRules, VirtualClock};
use hmac::{Hmac, KeyInit as _, Mac as _};
use lambda_http::{Body, Request, Response};
use leadgen_webhook::LeadgenWebhook;
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) const APP_SECRET: &str = "shhh-app-secret";
pub(crate) const VERIFY_TOKEN: &str = "a verify token";
pub(crate) const PATH: &str = "/webhooks/leadgen";

/// What Secrets Manager does.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    Holds(String),
    Refuses,
    IsSilent,
}

/// The secrets' port: a cache that is never fresh before a store that can be told to fail.
#[derive(Debug, Clone)]
pub(crate) struct AppStore {
    store: Arc<Mutex<Store>>,
    cached: Arc<Mutex<Option<Secret>>>,
    calls: Arc<Mutex<usize>>,
}

impl AppStore {
    pub(crate) fn set(&self, store: Store) {
        *self.store.lock().unwrap() = store;
    }

    /// How often it was asked.
    pub(crate) fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    async fn read(&self) -> Result<Secret, StoreError> {
        *self.calls.lock().unwrap() += 1;
        let store = self.store.lock().unwrap().clone();
        match store {
            Store::Holds(text) => Ok(Secret::new(text)),
            Store::Refuses => Err(StoreError::Unavailable("AccessDeniedException".to_owned())),
            Store::IsSilent => std::future::pending().await,
        }
    }
}

impl Secrets for AppStore {
    async fn secret(&self, id: &str) -> Result<Secret, StoreError> {
        assert_eq!(id, "meta-app");
        let cached = self.cached.lock().unwrap().clone();
        if let (Some(cached), Store::Holds(_)) = (cached, self.store.lock().unwrap().clone()) {
            return Ok(cached);
        }
        let secret = self.read().await?;
        *self.cached.lock().unwrap() = Some(secret.clone());
        Ok(secret)
    }

    async fn refresh(&self, id: &str) -> Result<Secret, StoreError> {
        assert_eq!(id, "meta-app");
        let secret = self.read().await?;
        *self.cached.lock().unwrap() = Some(secret.clone());
        Ok(secret)
    }
}

pub(crate) struct World {
    pub(crate) function: LeadgenWebhook<MemoryQueue, AppStore, VirtualClock>,
    pub(crate) queue: MemoryQueue,
    pub(crate) store: AppStore,
    pub(crate) clock: VirtualClock,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) text: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(true, app(APP_SECRET, VERIFY_TOKEN))
    }

    pub(crate) fn with(enabled: bool, store: Store) -> Self {
        let clock = VirtualClock::at(NOON);
        let queue = MemoryQueue::new(clock.clone(), QueueRules::default());
        let store =
            AppStore { store: Arc::new(Mutex::new(store)), cached: Arc::default(), calls: Arc::default() };
        let meta_app = "meta-app".to_owned();
        let function = LeadgenWebhook::new(enabled, meta_app, queue.clone(), store.clone(), clock.clone());
        Self { function, queue, store, clock }
    }

    pub(crate) async fn ask(&self, request: &Request) -> Answer {
        answer(self.function.handle(request).await)
    }

    /// A genuine delivery of this body.
    pub(crate) async fn deliver(&self, body: &str) -> Answer {
        self.ask(&signed(body)).await
    }

    /// What is on the queue.
    pub(crate) fn work(&self) -> Vec<LeadWork> {
        self.queue.bodies().iter().map(|body| LeadWork::parse(body).unwrap()).collect()
    }

    /// (page, lead) of everything on the queue.
    pub(crate) fn leads(&self) -> Vec<(String, String)> {
        let leads = |work: LeadWork| {
            let LeadWork::Announced { page, leads, received_at, attempt, .. } = work else {
                panic!("no announcement")
            };
            assert_eq!((received_at, attempt), (NOON, 0));
            assert!((1..=10).contains(&leads.len()), "{}", leads.len());
            leads.into_iter().map(move |lead| (page.to_string(), lead.lead.to_string())).collect::<Vec<_>>()
        };
        self.work().into_iter().flat_map(leads).collect()
    }
}

pub(crate) fn app(app_secret: &str, verify_token: &str) -> Store {
    Store::Holds(json!({"app_id": "1", "app_secret": app_secret, "verify_token": verify_token}).to_string())
}

pub(crate) fn signature(body: &[u8], app_secret: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(app_secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

pub(crate) fn post(body: &str, signature: Option<&str>) -> Request {
    let mut request =
        http::Request::builder().method("POST").uri(PATH).header("content-type", "application/json");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    request.body(Body::Text(body.to_owned())).unwrap()
}

pub(crate) fn signed(body: &str) -> Request {
    post(body, Some(&signature(body.as_bytes(), APP_SECRET)))
}

pub(crate) fn answer(response: Result<Response<Body>, Problem>) -> Answer {
    let response = response.unwrap_or_else(Problem::into_response);
    let status = response.status().as_u16();
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let Body::Text(text) = response.body() else { panic!("no text") };
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    Answer { status, code: json["code"].as_str().unwrap_or_default().to_owned(), text: text.clone() }
}

/// A delivery of these changes, all in one entry of page 1.
pub(crate) fn delivery(changes: &[Value]) -> String {
    json!({"object": "page", "entry": [{"id": "1", "time": 1_438_292_065, "changes": changes}]}).to_string()
}

/// A change that announces a lead of page 1.
pub(crate) fn lead(id: u64) -> Value {
    json!({"field": "leadgen", "value": {"leadgen_id": id, "page_id": 1, "form_id": 7, "created_time": 1_440_120_384}})
}
