//! An event bus in memory.

use std::sync::{Arc, Mutex, PoisonError};

use adrelay_core::ports::bus::{BusError, BusEvent, EventBus};

#[derive(Debug, Default)]
struct State {
    events: Vec<BusEvent>,
    refuse: bool,
}

/// Keeps every event. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus(Arc<Mutex<State>>);

impl MemoryBus {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything that was put, in order; what was put again stands there again.
    #[must_use]
    pub fn events(&self) -> Vec<BusEvent> {
        self.with(|state| state.events.clone())
    }

    /// Makes the bus refuse every event, or take them again.
    pub fn set_refusing(&self, refuse: bool) {
        self.with(|state| state.refuse = refuse);
    }
}

impl EventBus for MemoryBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        tokio::task::yield_now().await;
        self.with(|state| {
            if state.refuse {
                return Err(BusError("refused".to_owned()));
            }
            state.events.push(event.clone());
            Ok(())
        })
    }
}
