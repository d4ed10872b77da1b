//! What every connection shares: the state behind its lock, and the signal to stop.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::state::State;

/// State, stop signal, and where background work runs.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    stop: watch::Sender<bool>,
    runtime: Handle,
}

impl Shared {
    pub(crate) fn new(state: State, runtime: Handle) -> Self {
        Self { state: Mutex::new(state), stop: watch::Sender::new(false), runtime }
    }

    /// The state. A panic in another call leaves it usable: every write to it is complete by itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs something beside the calls, until it ends or the simulator does.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Resolves when the simulator stops.
    pub(crate) async fn stopped(&self) {
        let mut signal = self.stop.subscribe();
        let _closed_or_true = signal.wait_for(|stop| *stop).await;
    }

    /// Waits in real time; false when the simulator stopped meanwhile.
    pub(crate) async fn wait(&self, time: Duration) -> bool {
        if time.is_zero() {
            return true;
        }
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            () = self.stopped() => false,
        }
    }
}
