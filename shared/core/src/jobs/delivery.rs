//! What became of a call of a tenant's webhook.

use serde::{Deserialize, Serialize};

use super::job::{JOB_WORK_VERSION, JobWork};
use crate::ids::{LeadId, TenantId};
use crate::time::UnixMillis;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried again.
    Retrying,
    /// The receiver took it.
    Delivered,
    /// It is not tried any more: a dead letter, until somebody asks for it again.
    Dead,
}

/// What became of a call of a tenant's webhook. Holds nothing of the lead but its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose.
    pub tenant: TenantId,
    /// `webhook-id`.
    pub id: String,
    /// Of which lead.
    pub lead: LeadId,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was to be told first.
    pub first_at: UnixMillis,
    /// When it was tried last.
    pub last_at: UnixMillis,
    /// The next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<UnixMillis>,
    /// The receiver's last HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Why the last try failed: `timeout`, `refused`, `http_status`, `not_public`, `redirect`, `tls`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Delivery {
    /// The delivery as it is when somebody asks for it again, and the message that has it tried at once, as often as a new
    /// one. Whoever sends the message writes the delivery first.
    #[must_use]
    pub fn again(&self, now: UnixMillis) -> (Self, JobWork) {
        let delivery =
            Self { state: DeliveryState::Retrying, attempts: 0, next_at: Some(now), ..self.clone() };
        let work = JobWork::Webhook {
            v: JOB_WORK_VERSION,
            tenant: self.tenant.clone(),
            lead: self.lead.clone(),
            delivery: self.id.clone(),
            first_at: self.first_at,
            attempt: 0,
        };
        (delivery, work)
    }
}
