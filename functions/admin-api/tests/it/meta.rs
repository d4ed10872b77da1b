//! Meta by script.

use std::sync::{Arc, Mutex};

use admin_api::ports::{MetaObject, MetaProbe};
use adrelay_core::ids::PixelId;
use adrelay_core::ports::meta::{
    Accepted, CapiAnswer, CapiRequest, ConversionsApi, Credentials, Failure, MetaError, Usage, Verdict,
};
use serde_json::Value;

/// An event that Meta was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) pixel: String,
    pub(crate) token: String,
    pub(crate) app_secret: Option<String>,
    pub(crate) test_event_code: Option<String>,
    pub(crate) event: Value,
}

#[derive(Debug, Default)]
struct State {
    failure: Option<Failure>,
    sent: Vec<Sent>,
    asked_with: Vec<String>,
}

/// Says yes, or what it was told to say. Clones share the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeMeta(Arc<Mutex<State>>);

impl FakeMeta {
    /// Makes Meta refuse everything from now on.
    pub(crate) fn fail(&self, verdict: Verdict, code: i64) {
        let message = format!("code {code}");
        let error = MetaError { code, http_status: 400, message, ..MetaError::default() };
        self.0.lock().unwrap().failure = Some(Failure { verdict, error });
    }

    /// Makes Meta take everything again.
    pub(crate) fn recover(&self) {
        self.0.lock().unwrap().failure = None;
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.0.lock().unwrap().sent.clone()
    }

    /// The tokens that were asked about.
    pub(crate) fn asked_with(&self) -> Vec<String> {
        self.0.lock().unwrap().asked_with.clone()
    }

    fn verdict(&self) -> Result<(), Failure> {
        self.0.lock().unwrap().failure.clone().map_or(Ok(()), Err)
    }
}

impl MetaProbe for FakeMeta {
    async fn whose(&self, credentials: &Credentials) -> Result<MetaObject, Failure> {
        self.0.lock().unwrap().asked_with.push(credentials.token.expose().to_owned());
        self.verdict()?;
        Ok(MetaObject { id: "100200300".to_owned(), name: Some("The system user".to_owned()) })
    }

    async fn pixel(&self, _: &Credentials, pixel: &PixelId) -> Result<MetaObject, Failure> {
        self.verdict()?;
        Ok(MetaObject { id: pixel.to_string(), name: None })
    }
}

impl ConversionsApi for FakeMeta {
    async fn send(&self, request: CapiRequest<'_>) -> CapiAnswer {
        let sent = request.events.iter().map(|event| Sent {
            pixel: request.pixel_id.to_string(),
            token: request.credentials.token.expose().to_owned(),
            app_secret: request.credentials.app_secret.as_ref().map(|secret| secret.expose().to_owned()),
            test_event_code: request.test_event_code.map(str::to_owned),
            event: serde_json::from_str(event).unwrap(),
        });
        self.0.lock().unwrap().sent.extend(sent);
        let accepted =
            Accepted { events_received: 1, fbtrace_id: Some("trace-1".to_owned()), messages: Vec::new() };
        CapiAnswer { result: self.verdict().map(|()| accepted), usage: Usage::default() }
    }
}
