//! Pixels: the datasets of Meta that events go to.

use adrelay_core::config::{Connection, Health, Pixel, Source};
use adrelay_core::ids::{ConnectionId, PixelId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, MAX_PAGE, Records as _, Revised};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, List, created, nothing, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::{Change, vouched};
use crate::health::HealthView;
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::{connections, rules, sources};

pub(crate) const UNKNOWN: &str = "pixel_unknown";

/// Pages of sources that one deletion looks through.
const MAX_SOURCE_PAGES: usize = 50;

/// A dataset of Meta's that events go to. It belongs to one tenant.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Pixel))]
pub(crate) struct PixelView {
    /// Meta's id of it.
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// Whose token its events are sent with.
    connection_id: String,
    /// Shows its events in Meta's *Test events* view as well.
    test_event_code: Option<String>,
    /// Events of a disabled pixel end as receipt `skipped`.
    enabled: bool,
    /// Whether Meta takes its events.
    health: HealthView,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When a person last changed it.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
}

impl From<Pixel> for PixelView {
    fn from(pixel: Pixel) -> Self {
        Self {
            id: pixel.id.to_string(),
            tenant_id: pixel.tenant_id.to_string(),
            connection_id: pixel.connection_id.to_string(),
            test_event_code: pixel.test_event_code,
            enabled: pixel.enabled,
            health: pixel.health.into(),
            created_at: pixel.created_at.rfc3339(),
            updated_at: pixel.updated_at.rfc3339(),
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn create_pixel(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let id = fields.required("pixel_id", rules::id::<PixelId>);
        let connection = fields.required("connection_id", rules::id::<ConnectionId>);
        let test_event_code = fields.optional("test_event_code", rules::test_event_code);
        let enabled = fields.required("enabled", rules::boolean);
        fields.finish()?;
        call.query.finish()?;
        let tenant_id = call.tenant_named(tenant)?;
        self.existing(&call, &tenant_id).await?;
        let connection_id = vouched(connection)?;
        self.known_connection(&tenant_id, &connection_id).await?;
        let now = self.now();
        let pixel = Pixel {
            tenant_id,
            id: vouched(id)?,
            connection_id,
            test_event_code,
            enabled: vouched(enabled)?,
            health: Health::Ok,
            created_at: now,
            updated_at: now,
        };
        self.create(&pixel, "pixel_taken").await?;
        created(&PixelView::from(pixel))
    }

    async fn known_connection(&self, tenant: &TenantId, id: &ConnectionId) -> Result<(), Problem> {
        let found = self.referred::<Connection>(tenant, id, "connection_id", connections::UNKNOWN);
        found.await.map(|_| ())
    }

    pub(crate) async fn list_pixels(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let after = asked.cursor.as_deref().map(PixelId::parse).transpose().map_err(|_| bad_cursor())?;
        let page = self.list::<Pixel>(&tenant, after.as_ref(), asked.limit).await?;
        let items = page.items.into_iter().map(PixelView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn get_pixel(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let found: Revised<Pixel> = self.get(&tenant, &call.id(UNKNOWN)?, UNKNOWN).await?;
        ok(&PixelView::from(found.value))
    }

    /// Whatever a person changes may be what cures the pixel, so it counts as well until Meta refuses it again.
    pub(crate) async fn change_pixel(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: PixelId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let connection = fields.replace("connection_id", rules::id::<ConnectionId>);
        let test_event_code = fields.change("test_event_code", rules::test_event_code);
        let enabled = fields.replace("enabled", rules::boolean);
        fields.finish()?;
        call.query.finish()?;
        if connection.is_none() && enabled.is_none() && test_event_code == Change::Keep {
            let found: Revised<Pixel> = self.get(&tenant, &id, UNKNOWN).await?;
            return ok(&PixelView::from(found.value));
        }
        if let Some(connection) = &connection {
            self.known_connection(&tenant, connection).await?;
        }
        let now = self.now();
        let change = |pixel: &mut Pixel| {
            if let Some(connection) = &connection {
                pixel.connection_id.clone_from(connection);
            }
            pixel.enabled = enabled.unwrap_or(pixel.enabled);
            test_event_code.clone().apply(&mut pixel.test_event_code);
            pixel.health = Health::Ok;
            pixel.updated_at = now;
            Ok(HealthWrite::Replace)
        };
        let pixel = self.modify(&tenant, &id, UNKNOWN, change).await?;
        self.release(&tenant, &[id]).await?;
        ok(&PixelView::from(pixel))
    }

    /// A person says that the pixel was put right, in Meta's own tools perhaps.
    pub(crate) async fn release_pixel(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let id: PixelId = call.id(UNKNOWN)?;
        let heal = |pixel: &mut Pixel| {
            pixel.health = Health::Ok;
            Ok(HealthWrite::Replace)
        };
        let pixel = self.modify(&tenant, &id, UNKNOWN, heal).await?;
        self.release(&tenant, &[id]).await?;
        Ok(adrelay_lambda::respond::json(202, &PixelView::from(pixel)))
    }

    /// What waits for a deleted pixel is released too: it ends as `skipped`, not in silence.
    pub(crate) async fn delete_pixel(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let id: PixelId = call.id(UNKNOWN)?;
        let found: Revised<Pixel> = self.get(&tenant, &id, UNKNOWN).await?;
        if let Some(source) = self.source_with(&tenant, &id).await? {
            let detail = format!("The source {} sends to it.", source.id);
            return Err(Problem::new(409, "pixel_in_use", detail));
        }
        self.ports.config().delete(&found.value).await.map_err(store)?;
        self.release(&tenant, &[id]).await?;
        Ok(nothing())
    }

    async fn source_with(&self, tenant: &TenantId, pixel: &PixelId) -> Result<Option<Source>, Problem> {
        let mut after = None;
        for _ in 0..MAX_SOURCE_PAGES {
            let page = self.list::<Source>(tenant, after.as_ref(), MAX_PAGE).await?;
            if let Some(source) = page.items.into_iter().find(|source| source.pixel_ids.contains(pixel)) {
                return Ok(Some(source));
            }
            match page.next_cursor {
                None => return Ok(None),
                Some(next) => after = Some(sources::cursor(&next)?),
            }
        }
        Err(Problem::new(409, "too_many_sources", "The tenant has more sources than one call looks through."))
    }
}
