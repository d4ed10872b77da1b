//! Endpoints of other people: they keep what they get, and answer as they are told.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::graph::Call;
use crate::request_log;
use crate::shared::Shared;
use crate::sim::SimError;

/// A receiver. The body of `POST /_sim/receivers`; one of the same name gets the new answer and keeps its record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// Its name: letters, digits, `-` and `_`. Its endpoint is `/_receivers/<name>`.
    pub name: String,
    /// What it answers.
    #[serde(default)]
    pub answer: ReceiverAnswer,
}

/// What a receiver answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiverAnswer {
    /// Its status. Default 200.
    pub status: u16,
    /// Real milliseconds before it answers.
    pub hang_ms: u64,
    /// Its body.
    pub body: String,
    /// Further headers, such as `location`.
    pub headers: BTreeMap<String, String>,
}

impl Default for ReceiverAnswer {
    fn default() -> Self {
        Self { status: 200, hang_ms: 0, body: String::new(), headers: BTreeMap::new() }
    }
}

#[derive(Debug, Default)]
struct Kept {
    answer: ReceiverAnswer,
    got: Vec<Value>,
    total: u64,
}

/// Every receiver.
#[derive(Debug, Default)]
pub(crate) struct Receivers {
    by_name: BTreeMap<String, Kept>,
}

impl Receivers {
    const MAX: usize = 1_000;
    /// Requests that are kept of each receiver, the first ones.
    const MAX_KEPT: usize = 10_000;
    const MAX_HANG_MS: u64 = 600_000;

    pub(crate) fn put(&mut self, receiver: Receiver) -> Result<(), SimError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if receiver.name.is_empty() || receiver.name.len() > 64 || !receiver.name.bytes().all(plain) {
            return Err(SimError::Invalid("name must be 1 to 64 letters, digits, - or _"));
        }
        if !(200..=599).contains(&receiver.answer.status) {
            return Err(SimError::Invalid("answer.status must be between 200 and 599"));
        }
        if receiver.answer.hang_ms > Self::MAX_HANG_MS {
            return Err(SimError::Invalid("answer.hang_ms must be at most 600000"));
        }
        if self.by_name.len() >= Self::MAX && !self.by_name.contains_key(&receiver.name) {
            return Err(SimError::TooMany("receivers"));
        }
        let kept = self.by_name.entry(receiver.name).or_default();
        kept.answer = receiver.answer;
        Ok(())
    }

    /// What it got: `{"total","requests":[{"at_ms","method","query","headers","body"}]}`, oldest first.
    pub(crate) fn inspected(&self, name: &str) -> Option<Value> {
        self.by_name.get(name).map(|kept| json!({"total": kept.total, "requests": kept.got}))
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.by_name.remove(name).is_some()
    }

    pub(crate) fn forget(&mut self) {
        self.by_name.clear();
    }

    /// Keeps a request and tells what to answer.
    fn take(&mut self, name: &str, request: Value) -> Option<ReceiverAnswer> {
        let kept = self.by_name.get_mut(name)?;
        kept.total += 1;
        if kept.got.len() < Self::MAX_KEPT {
            kept.got.push(request);
        }
        Some(kept.answer.clone())
    }
}

/// Answers a call of `/_receivers/{name}`; `None` where the simulator stops meanwhile.
pub(crate) async fn answer(shared: &Shared, call: &Call, name: &str) -> Option<Answer> {
    let told = {
        let mut state = shared.lock();
        let request = json!({
            "at_ms": state.clock.now_ms(),
            "method": call.method,
            "query": call.query,
            "headers": request_log::shown(&call.headers),
            "body": String::from_utf8_lossy(&call.body),
        });
        state.receivers.take(name, request)
    };
    let Some(told) = told else { return Some(Answer::json(404, &json!({"error": "no such receiver"}))) };
    if !shared.wait(Duration::from_millis(told.hang_ms)).await {
        return None;
    }
    let mut answer = Answer::raw(told.status, told.body);
    for (name, value) in told.headers {
        answer.set_header(&name, value);
    }
    Some(answer)
}
