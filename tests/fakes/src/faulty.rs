//! A store's state behind calls that can be made to fail.

use std::sync::{Arc, Mutex, PoisonError};

use adrelay_core::ports::StoreError;

/// A call that is to fail.
#[derive(Debug, Clone, Copy)]
struct Stumble {
    calls_before: u64,
    done_all_the_same: bool,
}

#[derive(Debug, Default)]
struct Inner<S> {
    state: S,
    down: bool,
    stumble: Option<Stumble>,
    calls: u64,
}

/// State of which clones share one.
#[derive(Debug, Default)]
pub(crate) struct Faulty<S>(Arc<Mutex<Inner<S>>>);

impl<S> Clone for Faulty<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Send> Faulty<S> {
    fn inner<T>(&self, act: impl FnOnce(&mut Inner<S>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the state, or sets it up, past all faults.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        self.inner(|inner| act(&mut inner.state))
    }

    /// One call of a port: others that run on the same thread get their turn before it, as they do where a store is
    /// asked over a network.
    pub(crate) async fn call<T>(
        &self,
        act: impl FnOnce(&mut S) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError> {
        tokio::task::yield_now().await;
        let down = || Err(StoreError::Unavailable("down".to_owned()));
        self.inner(|inner| {
            inner.calls += 1;
            match inner.stumble.take() {
                _ if inner.down => down(),
                Some(Stumble { calls_before: 0, done_all_the_same }) => {
                    if done_all_the_same {
                        let _ = act(&mut inner.state);
                    }
                    down()
                }
                other => {
                    inner.stumble =
                        other.map(|later| Stumble { calls_before: later.calls_before - 1, ..later });
                    act(&mut inner.state)
                }
            }
        })
    }

    /// One call fails, after `calls_before` others: before it does anything, or having done it all the same.
    pub(crate) fn stumble(&self, calls_before: u64, done_all_the_same: bool) {
        self.inner(|inner| inner.stumble = Some(Stumble { calls_before, done_all_the_same }));
    }

    /// Whether every call fails from now on.
    pub(crate) fn set_down(&self, down: bool) {
        self.inner(|inner| inner.down = down);
    }

    /// Calls so far, failed ones included.
    pub(crate) fn calls(&self) -> u64 {
        self.inner(|inner| inner.calls)
    }
}
