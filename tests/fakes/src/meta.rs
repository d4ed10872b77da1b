//! Meta by script.

use std::collections::HashSet;
use std::sync::Arc;

use adrelay_core::ids::PixelId;
use adrelay_core::message::QueuedEvent;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::meta::{
    Accepted, CapiAnswer, CapiRequest, ConversionsApi, Failure, MetaError, Usage, Verdict,
};
use adrelay_core::time::UnixMillis;

use crate::shared::Shared;
use crate::{Faults, NOON, VirtualClock};

/// Decides on a call: event ids, token, and the number of the call from 0.
type Script = dyn Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync;

/// What the headers of a call say, by its number from 0.
type UsageScript = dyn Fn(usize) -> Usage + Send + Sync;

/// A request as Meta got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentRequest {
    /// The dataset.
    pub pixel: PixelId,
    /// The access token.
    pub token: String,
    /// Where its events are shown as tests.
    pub test_event_code: Option<String>,
    /// The upload that they belong to.
    pub upload_tag: Option<String>,
    /// The events' ids, in their order.
    pub ids: Vec<String>,
    /// The events' JSON texts, in their order.
    pub events: Vec<String>,
    /// When it arrived.
    pub at: UnixMillis,
    /// Whether its events were taken, also where the answer was lost.
    pub taken: bool,
}

struct State {
    requests: Vec<SentRequest>,
    script: Arc<Script>,
    usage: Arc<UsageScript>,
}

/// Takes what its script lets through, and remembers it. Clones share it.
#[derive(Clone)]
pub struct ScriptedMeta {
    state: Shared<State>,
    clock: VirtualClock,
}

impl Default for ScriptedMeta {
    /// On a clock of its own, at noon.
    fn default() -> Self {
        Self::new(VirtualClock::at(NOON))
    }
}

impl ScriptedMeta {
    /// Takes everything, and tells the time by `clock`.
    #[must_use]
    pub fn new(clock: VirtualClock) -> Self {
        let script: Arc<Script> = Arc::new(|_, _, _| Ok(()));
        let usage: Arc<UsageScript> = Arc::new(|_| Usage::default());
        Self { state: Shared::new(State { requests: Vec::new(), script, usage }), clock }
    }

    /// What goes wrong with its calls. One that fails before it takes effect never arrived, and may be tried again; one
    /// that fails after may have been carried out.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Lets `script` decide on every call from now on.
    pub fn script(
        &self,
        script: impl Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync + 'static,
    ) {
        self.state.with(|state| state.script = Arc::new(script));
    }

    /// Lets `usage` decide what the headers of every call say from now on.
    pub fn usage(&self, usage: impl Fn(usize) -> Usage + Send + Sync + 'static) {
        self.state.with(|state| state.usage = Arc::new(usage));
    }

    /// Every request that arrived, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<SentRequest> {
        self.state.with(|state| state.requests.clone())
    }

    /// The event ids of every request that arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.state.with(|state| state.requests.iter().map(|request| request.ids.clone()).collect())
    }

    /// The ids of events that were taken, in order, as often as they were.
    #[must_use]
    pub fn taken(&self) -> Vec<String> {
        self.state.with(|state| {
            let taken = state.requests.iter().filter(|request| request.taken);
            taken.flat_map(|request| request.ids.iter().cloned()).collect()
        })
    }

    /// The ids of events taken so far, each once.
    #[must_use]
    pub fn held(&self) -> HashSet<String> {
        self.taken().into_iter().collect()
    }

    /// A failure with this verdict, code and subcode.
    #[must_use]
    pub fn failure(verdict: Verdict, code: i64, subcode: Option<i64>) -> Failure {
        Failure { verdict, error: MetaError { code, subcode, http_status: 400, ..MetaError::default() } }
    }
}

fn id_of(json: &str) -> Option<String> {
    let raw = serde_json::value::RawValue::from_string(json.to_owned()).ok()?;
    Some(QueuedEvent::from_raw(raw).ok()?.head().event_id.to_string())
}

impl ConversionsApi for ScriptedMeta {
    async fn send(&self, request: CapiRequest<'_>) -> CapiAnswer {
        let mut usage = Usage::default();
        let seen = &mut usage;
        let carry_out = || {
            let events: Vec<String> = request.events.iter().map(|&event| event.to_owned()).collect();
            let sent = SentRequest {
                pixel: request.pixel_id.clone(),
                token: request.credentials.token.expose().to_owned(),
                test_event_code: request.test_event_code.map(str::to_owned),
                upload_tag: request.upload_tag.map(str::to_owned),
                ids: events.iter().filter_map(|event| id_of(event)).collect(),
                events,
                at: self.clock.now(),
                taken: false,
            };
            let (script, usage, nth) = self.state.with(|state| {
                state.requests.push(sent.clone());
                (Arc::clone(&state.script), Arc::clone(&state.usage), state.requests.len() - 1)
            });
            *seen = usage(nth);
            script(&sent.ids, &sent.token, nth)?;
            self.state.with(|state| state.requests[nth].taken = true);
            let fbtrace_id = Some(format!("trace-{nth}"));
            Ok(Accepted { events_received: sent.ids.len() as u64, fbtrace_id, messages: vec![] })
        };
        let result = self.state.faults.call("send", carry_out).await;
        CapiAnswer { result, usage }
    }
}
