//! Meta by script.

use std::sync::{Arc, Mutex};

use admin_api::ports::{MetaObject, MetaProbe};
use adrelay_core::ids::{FormId, LeadId, PageId, PixelId};
use adrelay_core::leads::{MetaForm, Submission};
use adrelay_core::ports::leads_api::{Answered, LeadsApi, ManagedPage, Rows};
use adrelay_core::ports::meta::{
    Accepted, CapiAnswer, CapiRequest, ConversionsApi, Credentials, Failure, MetaError, Usage, Verdict,
};
use fakes::{MemoryLeadsApi, VirtualClock};
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
    me: Option<String>,
    failure: Option<Failure>,
    sent: Vec<Sent>,
    asked_with: Vec<String>,
}

/// Says yes, or what it was told to say. Clones share the state.
#[derive(Debug, Clone)]
pub(crate) struct FakeMeta {
    state: Arc<Mutex<State>>,
    /// Its lead ads.
    pub(crate) leads: MemoryLeadsApi,
}

impl FakeMeta {
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self { state: Arc::default(), leads: MemoryLeadsApi::new(clock) }
    }

    /// Whom `/me` names from now on.
    pub(crate) fn be(&self, id: &str) {
        self.state.lock().unwrap().me = Some(id.to_owned());
    }

    /// Makes Meta refuse everything from now on.
    pub(crate) fn fail(&self, verdict: Verdict, code: i64) {
        let message = format!("code {code}");
        let error = MetaError { code, http_status: 400, message, ..MetaError::default() };
        self.state.lock().unwrap().failure = Some(Failure { verdict, error });
    }

    /// Makes Meta take everything again.
    pub(crate) fn recover(&self) {
        self.state.lock().unwrap().failure = None;
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state.lock().unwrap().sent.clone()
    }

    /// The tokens that were asked about.
    pub(crate) fn asked_with(&self) -> Vec<String> {
        self.state.lock().unwrap().asked_with.clone()
    }

    fn verdict(&self) -> Result<(), Failure> {
        self.state.lock().unwrap().failure.clone().map_or(Ok(()), Err)
    }
}

impl MetaProbe for FakeMeta {
    async fn whose(&self, credentials: &Credentials) -> Result<MetaObject, Failure> {
        self.state.lock().unwrap().asked_with.push(credentials.token.expose().to_owned());
        self.verdict()?;
        let id = self.state.lock().unwrap().me.clone().unwrap_or_else(|| "100200300".to_owned());
        Ok(MetaObject { id, name: Some("The system user".to_owned()) })
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
        self.state.lock().unwrap().sent.extend(sent);
        let accepted =
            Accepted { events_received: 1, fbtrace_id: Some("trace-1".to_owned()), messages: Vec::new() };
        CapiAnswer { result: self.verdict().map(|()| accepted), usage: Usage::default() }
    }
}

impl LeadsApi for FakeMeta {
    async fn lead(&self, credentials: &Credentials, id: &LeadId) -> Answered<Submission> {
        self.leads.lead(credentials, id).await
    }

    async fn form_leads(
        &self,
        credentials: &Credentials,
        form: &FormId,
        since_s: i64,
        after: Option<&str>,
    ) -> Answered<Rows<Submission>> {
        self.leads.form_leads(credentials, form, since_s, after).await
    }

    async fn test_leads(&self, credentials: &Credentials, form: &FormId) -> Answered<Vec<LeadId>> {
        self.leads.test_leads(credentials, form).await
    }

    async fn forms(
        &self,
        credentials: &Credentials,
        page: &PageId,
        after: Option<&str>,
    ) -> Answered<Rows<MetaForm>> {
        self.leads.forms(credentials, page, after).await
    }

    async fn managed_pages(
        &self,
        credentials: &Credentials,
        after: Option<&str>,
    ) -> Answered<Rows<ManagedPage>> {
        self.leads.managed_pages(credentials, after).await
    }

    async fn is_subscribed(
        &self,
        credentials: &Credentials,
        page: &PageId,
        app_id: Option<&str>,
    ) -> Answered<bool> {
        self.leads.is_subscribed(credentials, page, app_id).await
    }

    async fn subscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.leads.subscribe(credentials, page).await
    }

    async fn unsubscribe(&self, credentials: &Credentials, page: &PageId) -> Answered<()> {
        self.leads.unsubscribe(credentials, page).await
    }
}
