//! A fake's state, shared by its clones, behind calls that can be made to fail.

use std::sync::{Arc, Mutex, PoisonError};

use crate::errors::Failing;
use crate::{Faults, When};

/// State of which clones share one, with its faults.
#[derive(Debug, Default)]
pub(crate) struct Shared<S> {
    state: Arc<Mutex<S>>,
    pub(crate) faults: Faults,
}

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self { state: Arc::clone(&self.state), faults: self.faults.clone() }
    }
}

impl<S: Send> Shared<S> {
    pub(crate) fn new(state: S) -> Self {
        Self { state: Arc::new(Mutex::new(state)), faults: Faults::default() }
    }

    /// Looks at the state, or sets it up, past all faults.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// One call fails, after `calls_before` others, and no other that was to fail.
    pub(crate) fn stumble(&self, calls_before: u64, done_all_the_same: bool) {
        let when = if done_all_the_same { When::After } else { When::Before };
        self.faults.stumble(calls_before + 1, when);
    }

    /// One call of a port.
    pub(crate) async fn call<T: Send, E: Failing + Send>(
        &self,
        method: &'static str,
        act: impl FnOnce(&mut S) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        self.faults.call(method, || self.with(act)).await
    }
}
