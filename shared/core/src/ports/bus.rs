//! The event bus on which others in the same AWS account hear of leads.

use std::future::Future;

use crate::ids::TenantId;
use crate::time::UnixMillis;

/// Something that happened. Its detail holds ids and times only: whoever may know more asks the API.
#[derive(Debug, Clone, PartialEq)]
pub struct BusEvent {
    /// EventBridge's `detail-type`, e.g. `lead.created`.
    pub name: &'static str,
    /// Whose; stands in the detail as `tenant_id`.
    pub tenant: TenantId,
    /// When it happened.
    pub at: UnixMillis,
    /// An object.
    pub detail: serde_json::Value,
}

/// The bus did not take an event, after the adapter's own tries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event bus refused the event: {0}")]
pub struct BusError(pub String);

/// Puts events on the bus.
pub trait EventBus: Send + Sync {
    /// Puts one event. At least once: the detail's `id` stays the same when it is put again.
    fn put(&self, event: &BusEvent) -> impl Future<Output = Result<(), BusError>> + Send;
}
