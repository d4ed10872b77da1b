//! Stages as Meta is told them (Conversion Leads), and what is still to be told: the outbox.
//!
//! Source: Meta's payload specification for Conversion Leads.

use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::ids::{EventId, EventName, LeadId, TenantId};
use crate::time::UnixMillis;

/// What became of a stage event so far. Once it is queued, its receipt tells the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FeedbackState {
    /// It stands in the outbox.
    Pending,
    /// It is on the way to Meta; the receipts of its event id say what became of it.
    Queued {
        /// Since when.
        at: UnixMillis,
    },
    /// It is not sent.
    Skipped {
        /// Why: a stable code, `no_pixel`, `test_lead`, `erased`, `too_old`, or the field and code of a refused event.
        reason: String,
    },
}

/// One stage of a lead as Meta is told it. Written with the change of status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The lead's `rev` after the change.
    pub nth: u64,
    /// The stage.
    pub stage: Status,
    /// The event's name.
    pub event_name: EventName,
    /// The event's id, derived from the lead and `nth`.
    pub event_id: EventId,
    /// Unix seconds; later than that of the stage before.
    pub event_time_s: i64,
    /// What became of it.
    pub state: FeedbackState,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutboxTopic {
    /// A new lead, to the bus and the tenant's webhook.
    Created,
    /// The stage of this `nth`, to Meta.
    Feedback(u64),
}

/// Something that is still to be told. A look-up item: it holds nothing but ids and a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboxEntry {
    /// When whoever sweeps may take it. Who wrote it tells at once, so that this comes to count only after a crash.
    pub due: UnixMillis,
    /// Whose.
    pub tenant: TenantId,
    /// Of which lead.
    pub lead: LeadId,
    /// What.
    pub topic: OutboxTopic,
}
