//! An event bus of EventBridge.

use std::time::Duration;

use adrelay_core::ports::bus::{BusError, BusEvent, EventBus};
use adrelay_core::retry::Backoff;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata as _;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use crate::jitter::random;

/// Who says that something happened.
const SOURCE: &str = "adrelay";

/// Tries of an event that the bus did not take, the first included.
const TRIES: u32 = 3;

const TRY_PAUSES: Backoff = Backoff { base_ms: 100, max_ms: 400 };

/// A bus by its name.
#[derive(Debug, Clone)]
pub struct EventBridgeBus {
    client: Client,
    name: String,
}

impl EventBridgeBus {
    /// The bus named `name`.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

impl EventBus for EventBridgeBus {
    async fn put(&self, event: &BusEvent) -> Result<(), BusError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.name)
            .detail(event.detail.to_string())
            .time(DateTime::from_millis(event.at.0))
            .build();
        let mut why = BusError("no answer".to_owned());
        for attempt in 0..TRIES {
            if attempt > 0 {
                let pause_ms = TRY_PAUSES.full_jitter_ms(attempt - 1, random());
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
            let answer = self.client.put_events().entries(entry.clone()).send().await;
            // The SDK has tried three times already.
            let answer = answer.map_err(|error| BusError(error.code().unwrap_or("no answer").to_owned()))?;
            if answer.failed_entry_count == 0 {
                return Ok(());
            }
            // A call that is answered with success may have refused the event all the same (AWS: PutEvents).
            let failed = answer.entries.unwrap_or_default().into_iter().find_map(|entry| entry.error_code);
            why = BusError(failed.unwrap_or_else(|| "refused".to_owned()));
        }
        Err(why)
    }
}
