//! Calls of the tenant's webhook that did not succeed, and trying one again.

use adrelay_core::jobs::{Delivery, DeliveryState};
use adrelay_core::ports::jobs::DeliveryStore as _;
use adrelay_core::ports::queue::Outgoing;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use serde::Serialize;

use super::list::listed;
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::page::Asked;
use crate::ports::Ports;

const UNKNOWN: &str = "delivery_unknown";

/// Milliseconds after its next try from which on a delivery counts as stuck: whoever was to try it is gone.
const STUCK_MS: i64 = 30 * 60_000;

/// What became of a call of the tenant's webhook.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Delivery))]
pub(crate) struct DeliveryView {
    /// Its id: the header `webhook-id`, the same through all its tries.
    id: String,
    /// Of which lead.
    lead_id: String,
    /// `dead`: it is not tried any more, until somebody asks for it again.
    #[cfg_attr(test, schema(pattern = "^(retrying|delivered|dead)$"))]
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    /// When it was to be told first.
    #[cfg_attr(test, schema(format = DateTime))]
    first_at: String,
    /// When it was tried last.
    #[cfg_attr(test, schema(format = DateTime))]
    last_at: String,
    /// When it is tried next.
    #[cfg_attr(test, schema(format = DateTime))]
    next_at: Option<String>,
    /// The receiver's last HTTP status.
    http_status: Option<u16>,
    /// Why the last try failed, by a stable code: `timeout`, `refused`, `http_status`, …
    error: Option<String>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            lead_id: delivery.lead.to_string(),
            state: match delivery.state {
                DeliveryState::Retrying => "retrying",
                DeliveryState::Delivered => "delivered",
                DeliveryState::Dead => "dead",
            },
            attempts: delivery.attempts,
            first_at: delivery.first_at.rfc3339(),
            last_at: delivery.last_at.rfc3339(),
            next_at: delivery.next_at.map(UnixMillis::rfc3339),
            http_status: delivery.http_status,
            error: delivery.error,
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn list_deliveries(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let page = self.ports.jobs().open_deliveries(&tenant, limit, cursor.as_deref()).await;
        let page = page.map_err(listed)?;
        let items = page.items.into_iter().map(DeliveryView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn redeliver(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let jobs = self.ports.jobs();
        let found = jobs.delivery(&tenant, &call.id).await.map_err(store)?;
        let before = found.ok_or_else(|| not_found(UNKNOWN))?;
        let now = self.now();
        let due = before.next_at.unwrap_or(before.last_at);
        if before.state == DeliveryState::Retrying && now.ms_since(due) < STUCK_MS {
            return Err(Problem::new(409, "delivery_retrying", "It is tried again on its own."));
        }
        // Otherwise there is nobody to call, and the try would end in silence.
        self.webhook(&tenant).await?;
        let (delivery, work) = before.again(now);
        jobs.put_delivery(&delivery).await.map_err(store)?;
        let body = work.body().map_err(|_| Problem::internal())?;
        let outgoing = vec![Outgoing { body, group: tenant.to_string(), delay_s: 0 }];
        if let Err(problem) = self.queue(self.ports.jobs_queue(), outgoing).await {
            if let Err(error) = jobs.put_delivery(&before).await {
                tracing::warn!(%error, "a delivery that is not tried shows as if it were, for 30 minutes");
            }
            return Err(problem);
        }
        Ok(respond::json(202, &DeliveryView::from(delivery)))
    }
}
