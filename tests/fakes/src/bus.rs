//! An event bus in memory.

use adrelay_core::ports::bus::{BusError, BusEvent, EventBus};

use crate::shared::Shared;
use crate::{ANY, Faults};

/// Keeps every event. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus(Shared<Vec<BusEvent>>);

impl MemoryBus {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// Everything that was put, in order; what was put again stands there again.
    #[must_use]
    pub fn events(&self) -> Vec<BusEvent> {
        self.0.with(|events| events.clone())
    }

    /// Makes the bus refuse every event, or take them again.
    pub fn set_refusing(&self, refuse: bool) {
        self.0.faults.set_down(ANY, refuse);
    }
}

impl EventBus for MemoryBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        self.0
            .call("put", |events| {
                events.push(event.clone());
                Ok(())
            })
            .await
    }
}
