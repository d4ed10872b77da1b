//! Health as callers see it, and bringing back what waits.

use adrelay_core::config::{Connection, Health, Pixel};
use adrelay_core::ids::{ConnectionId, PixelId, TenantId};
use adrelay_core::message::{QueueMessage, WaitingRoomRef};
use adrelay_core::ports::admin::MAX_PAGE;
use adrelay_core::ports::queue::{EventQueue as _, Outgoing};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::api::AdminApi;
use crate::ports::Ports;

/// Pages of pixels that one change of a connection looks through.
const MAX_PIXEL_PAGES: usize = 50;

/// Whether something works, or a person must act first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Health))]
pub(crate) struct HealthView {
    /// `ok`, or `needs_attention`: its events wait until a person has put it right.
    #[cfg_attr(test, schema(pattern = "^(ok|needs_attention)$"))]
    state: &'static str,
    /// Why, by a stable code: `token_invalid`, `permission_missing`, `pixel_unknown_to_meta`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Meta's error code, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    /// Meta's error subcode, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    subcode: Option<i64>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(format = DateTime))]
    since: Option<String>,
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        match health {
            Health::Ok => Self { state: "ok", reason: None, code: None, subcode: None, since: None },
            Health::NeedsAttention { reason, code, subcode, since } => Self {
                state: "needs_attention",
                reason: Some(reason),
                code,
                subcode,
                since: Some(since.rfc3339()),
            },
        }
    }
}

impl<P: Ports> AdminApi<P> {
    /// Has what waits for these pixels queued again. Called after what makes them well was written, so that who parks
    /// meanwhile sees it.
    pub(crate) async fn release(&self, tenant: &TenantId, pixels: &[PixelId]) -> Result<(), Problem> {
        let mut outgoing = Vec::new();
        for pixel in pixels {
            let room = WaitingRoomRef::new(tenant.clone(), pixel.clone());
            let body = QueueMessage::Release(room).to_body().map_err(|_| Problem::internal())?;
            outgoing.push(Outgoing { body, group: pixel.to_string(), delay_s: 0 });
        }
        if outgoing.is_empty() {
            return Ok(());
        }
        let results = self.ports.queue().send(outgoing).await;
        match results.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(error) => {
                tracing::error!(%error, "a release can't be queued");
                Err(Problem::unavailable())
            }
        }
    }

    /// The pixels that use a connection.
    pub(crate) async fn pixels_of(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
    ) -> Result<Vec<PixelId>, Problem> {
        let mut pixels = Vec::new();
        let mut after = None;
        for _ in 0..MAX_PIXEL_PAGES {
            let page = self.list::<Pixel>(tenant, after.as_ref(), MAX_PAGE).await?;
            let using = page.items.into_iter().filter(|pixel| pixel.connection_id == *connection);
            pixels.extend(using.map(|pixel| pixel.id));
            match page.next_cursor.as_deref().map(PixelId::parse) {
                None => return Ok(pixels),
                Some(next) => after = Some(next.map_err(|_| Problem::internal())?),
            }
        }
        Err(Problem::new(409, "too_many_pixels", "The tenant has more pixels than one call looks through."))
    }

    /// Notes that Meta took what was sent with this connection to this pixel.
    pub(crate) async fn both_well(&self, pixel: &Pixel, connection: &Connection) -> Result<(), Problem> {
        use adrelay_core::ports::admin::HealthWrite::{Keep, Replace};
        let tenant = &pixel.tenant_id;
        if !pixel.health.is_ok() {
            let heal = |now: &mut Pixel| {
                let same = now.connection_id == pixel.connection_id;
                now.health = Health::Ok;
                Ok(if same { Replace } else { Keep })
            };
            self.modify(tenant, &pixel.id, crate::pixels::UNKNOWN, heal).await?;
        }
        if !connection.health.is_ok() {
            let heal = |now: &mut Connection| {
                let same = now.token_version == connection.token_version;
                now.health = Health::Ok;
                Ok(if same { Replace } else { Keep })
            };
            self.modify(tenant, &connection.id, crate::connections::UNKNOWN, heal).await?;
        }
        Ok(())
    }
}
