//! Receivers outside, by script.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::outside::{OutsideCall, OutsideCaller, OutsideFault};

use crate::VirtualClock;

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
    state: Arc<Mutex<State>>,
    clock: VirtualClock,
}

impl MemoryOutside {
    /// Nobody, on `clock`.
    #[must_use]
    pub fn new(clock: VirtualClock) -> Self {
        Self { state: Arc::default(), clock }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets how the receiver at `url` behaves from now on.
    pub fn set(&self, url: &str, receiver: Receiver) {
        self.with(|state| state.receivers.insert(url.to_owned(), receiver));
    }

    /// Calls of a URL, in their order.
    #[must_use]
    pub fn calls(&self, url: &str) -> Vec<OutsideCall> {
        self.with(|state| state.calls.iter().filter(|call| call.url == url).cloned().collect())
    }

    /// URLs in the order in which their calls ended, well or not.
    #[must_use]
    pub fn ended(&self) -> Vec<String> {
        self.with(|state| state.ended.clone())
    }
}

impl OutsideCaller for MemoryOutside {
    #[expect(clippy::panic, reason = "a panic is among the things to be survived")]
    async fn post(&self, call: OutsideCall) -> Result<u16, OutsideFault> {
        tokio::task::yield_now().await;
        let url = call.url.clone();
        let receiver = self.with(|state| {
            state.calls.push(call);
            state.receivers.get(&url).copied()
        });
        let answer = match receiver {
            None => Err(OutsideFault { code: "dns" }),
            Some(Receiver::Answers(status)) => Ok(status),
            Some(Receiver::Fails(code)) => Err(OutsideFault { code }),
            Some(Receiver::Panics) => panic!("scripted panic"),
            Some(Receiver::Hangs) => {
                // In steps, so that whatever does not hang ends first.
                for _ in 0..100 {
                    self.clock.sleep_ms(100).await;
                }
                Err(OutsideFault { code: "timeout" })
            }
        };
        self.with(|state| state.ended.push(url));
        answer
    }
}
