//! Meta by script.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use adrelay_core::message::QueuedEvent;
use adrelay_core::ports::meta::{
    Accepted, CapiAnswer, CapiRequest, ConversionsApi, Failure, MetaError, Usage, Verdict,
};

/// Decides on a call: event ids, token, and the number of the call from 0.
type Script = dyn Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync;

struct State {
    calls: Vec<Vec<String>>,
    held: HashSet<String>,
    script: Arc<Script>,
}

/// Takes what its script lets through, and remembers it. Clones share it.
#[derive(Clone)]
pub struct ScriptedMeta(Arc<Mutex<State>>);

impl Default for ScriptedMeta {
    fn default() -> Self {
        let script: Arc<Script> = Arc::new(|_, _, _| Ok(()));
        Self(Arc::new(Mutex::new(State { calls: Vec::new(), held: HashSet::new(), script })))
    }
}

impl ScriptedMeta {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets `script` decide on every call from now on.
    pub fn script(
        &self,
        script: impl Fn(&[String], &str, usize) -> Result<(), Failure> + Send + Sync + 'static,
    ) {
        self.with(|state| state.script = Arc::new(script));
    }

    /// The event ids of every call so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Vec<String>> {
        self.with(|state| state.calls.clone())
    }

    /// The ids of events taken so far, each once.
    #[must_use]
    pub fn held(&self) -> HashSet<String> {
        self.with(|state| state.held.clone())
    }

    /// A failure with this verdict, code and subcode.
    #[must_use]
    pub fn failure(verdict: Verdict, code: i64, subcode: Option<i64>) -> Failure {
        Failure { verdict, error: MetaError { code, subcode, http_status: 400, ..MetaError::default() } }
    }
}

impl ConversionsApi for ScriptedMeta {
    async fn send(&self, request: CapiRequest<'_>) -> CapiAnswer {
        tokio::task::yield_now().await;
        let id_of = |json: &&str| {
            let raw = serde_json::value::RawValue::from_string((*json).to_owned()).ok()?;
            Some(QueuedEvent::from_raw(raw).ok()?.head().event_id.to_string())
        };
        let ids: Vec<String> = request.events.iter().filter_map(id_of).collect();
        let token = request.credentials.token.expose();
        let (script, nth) = self.with(|state| {
            state.calls.push(ids.clone());
            (Arc::clone(&state.script), state.calls.len() - 1)
        });
        let result = script(&ids, token, nth).map(|()| {
            self.with(|state| state.held.extend(ids.iter().cloned()));
            let fbtrace_id = Some(format!("trace-{nth}"));
            Accepted { events_received: ids.len() as u64, fbtrace_id, messages: vec![] }
        });
        CapiAnswer { result, usage: Usage::default() }
    }
}
