//! Receivers outside, by script.

use std::collections::HashMap;

use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::outside::{OutsideCall, OutsideCaller, OutsideFault};

use crate::shared::Shared;
use crate::{Faults, VirtualClock};

/// How a receiver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// It answers with this status.
    Answers(u16),
    /// It never answers: the caller gives up after 10 seconds.
    Hangs,
    /// The call fails at once with this code.
    Fails(&'static str),
    /// The caller panics.
    Panics,
}

#[derive(Debug, Default)]
struct State {
    receivers: HashMap<String, Receiver>,
    calls: Vec<OutsideCall>,
    ended: Vec<String>,
}

/// What stands outside, by URL; an address that nobody has can't be found. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryOutside {
    state: Shared<State>,
    clock: VirtualClock,
}

impl MemoryOutside {
    /// Nobody, on `clock`.
    #[must_use]
    pub fn new(clock: VirtualClock) -> Self {
        Self { state: Shared::default(), clock }
    }

    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }

    /// Sets how the receiver at `url` behaves from now on.
    pub fn set(&self, url: &str, receiver: Receiver) {
        self.state.with(|state| state.receivers.insert(url.to_owned(), receiver));
    }

    /// Calls of a URL, in their order.
    #[must_use]
    pub fn calls(&self, url: &str) -> Vec<OutsideCall> {
        self.state.with(|state| state.calls.iter().filter(|call| call.url == url).cloned().collect())
    }

    /// URLs in the order in which their calls ended, well or not.
    #[must_use]
    pub fn ended(&self) -> Vec<String> {
        self.state.with(|state| state.ended.clone())
    }
}

impl OutsideCaller for MemoryOutside {
    #[expect(clippy::panic, reason = "a panic is among the things to be survived")]
    async fn post(&self, call: OutsideCall) -> Result<u16, OutsideFault> {
        let url = call.url.clone();
        let called = self.state.call("post", |state| {
            state.calls.push(call);
            Ok(state.receivers.get(&url).copied())
        });
        let answer = match called.await {
            Err(fault) => Err(fault),
            Ok(None) => Err(OutsideFault { code: "dns" }),
            Ok(Some(Receiver::Answers(status))) => Ok(status),
            Ok(Some(Receiver::Fails(code))) => Err(OutsideFault { code }),
            Ok(Some(Receiver::Panics)) => panic!("scripted panic"),
            Ok(Some(Receiver::Hangs)) => {
                // In steps, so that whatever does not hang ends first.
                for _ in 0..100 {
                    self.clock.sleep_ms(100).await;
                }
                Err(OutsideFault { code: "timeout" })
            }
        };
        self.state.with(|state| state.ended.push(url));
        answer
    }
}
