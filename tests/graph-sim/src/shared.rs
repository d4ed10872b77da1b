//! What every connection shares: the state behind its lock, and the signal to stop.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::state::State;

/// State and stop signal.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), stop: watch::Sender::new(false) }
    }

    /// The state. A panic in another call leaves it usable: every write to it is complete by itself.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
