//! Sources: what sends events.

use adrelay_core::config::{Pixel, Source};
use adrelay_core::ids::{PixelId, SourceId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, MAX_PAGE, Revised};
use adrelay_core::ports::receipts::{Page, ReceiptReader as _};
use adrelay_lambda::problem::Problem;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::answer::{Answer, List, created, ok, store};
use crate::api::{AdminApi, Call};
use crate::day;
use crate::fields::{invalid_field, vouched};
use crate::page::{Asked, bad_cursor};
use crate::pixels;
use crate::ports::Ports;
use crate::query::Query;
use crate::rules;
use crate::source_fields::SourceFields;
use crate::source_view::{CountsView, SourceView};

pub(crate) const UNKNOWN: &str = "source_unknown";

/// Pages of the table that one filtered list reads.
const MAX_FILTERED_PAGES: usize = 20;

/// Sources whose events are counted at the same time.
const CONCURRENT_COUNTS: usize = 8;

/// A cursor of a list of sources: the id of the last one on the page before.
pub(crate) fn cursor(text: &str) -> Result<SourceId, Problem> {
    SourceId::parse(text).map_err(|_| bad_cursor())
}

/// Which sources a list shows.
struct Filter {
    text: Option<String>,
    flag: Option<String>,
}

impl Filter {
    fn take(query: &mut Query) -> Result<Self, Problem> {
        let text = query.text("q")?.map(|text| text.to_lowercase());
        Ok(Self { text, flag: query.text("flag")? })
    }

    fn shows(&self, source: &Source) -> bool {
        let named = |text: &String| {
            source.name.to_lowercase().contains(text) || source.id.as_str().to_lowercase().contains(text)
        };
        self.text.as_ref().is_none_or(named)
            && self.flag.as_ref().is_none_or(|flag| source.flags.contains(flag))
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn create_source(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let id = fields.required("id", rules::id::<SourceId>);
        let new = SourceFields::of_new(&mut fields);
        fields.finish()?;
        call.query.finish()?;
        let tenant = call.tenant_named(tenant)?;
        self.existing(&call, &tenant).await?;
        self.known_pixels(&tenant, new.pixel_ids.as_deref()).await?;
        let source = new.create(tenant, vouched(id)?, self.now())?;
        self.create(&source, "already_exists").await?;
        created(&SourceView::new(source, None))
    }

    /// Refuses pixels that the tenant does not have.
    async fn known_pixels(&self, tenant: &TenantId, pixels: Option<&[PixelId]>) -> Result<(), Problem> {
        for pixel in pixels.unwrap_or_default() {
            self.referred::<Pixel>(tenant, pixel, "pixel_ids", pixels::UNKNOWN).await?;
        }
        Ok(())
    }

    pub(crate) async fn list_sources(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        let filter = Filter::take(&mut call.query)?;
        let day = self.counted_day(&mut call.query)?;
        call.query.finish()?;
        let page = self.filtered(&tenant, &asked, &filter).await?;
        let views = page.items.into_iter().map(|source| self.counted(source, day.as_deref()));
        let items = stream::iter(views).buffered(CONCURRENT_COUNTS).try_collect().await?;
        ok(&List { items, next_cursor: page.next_cursor })
    }

    /// Reads on until the page is full. A list that stops early for its filter's sake has a cursor to go on from.
    async fn filtered(
        &self,
        tenant: &TenantId,
        asked: &Asked,
        filter: &Filter,
    ) -> Result<Page<Source>, Problem> {
        let mut after = asked.cursor.as_deref().map(cursor).transpose()?;
        let mut items: Vec<Source> = Vec::new();
        for _ in 0..MAX_FILTERED_PAGES {
            let page = self.list::<Source>(tenant, after.as_ref(), MAX_PAGE).await?;
            for source in page.items {
                if items.len() == asked.limit {
                    let next_cursor = after.map(|id| id.to_string());
                    return Ok(Page { items, next_cursor });
                }
                after = Some(source.id.clone());
                if filter.shows(&source) {
                    items.push(source);
                }
            }
            if page.next_cursor.is_none() {
                return Ok(Page { items, next_cursor: None });
            }
        }
        Ok(Page { items, next_cursor: after.map(|id| id.to_string()) })
    }

    /// The day to count, where the query includes counts.
    fn counted_day(&self, query: &mut Query) -> Result<Option<String>, Problem> {
        let include = query.text("include")?;
        let day = day::take(query)?;
        match (include.as_deref(), day) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(invalid_field("day", "invalid", "goes with include=counts")),
            (Some("counts"), day) => Ok(Some(day.unwrap_or_else(|| self.now().utc_day()))),
            (Some(_), _) => Err(invalid_field("include", "invalid", "must be counts")),
        }
    }

    async fn counted(&self, source: Source, day: Option<&str>) -> Result<SourceView, Problem> {
        let Some(day) = day else { return Ok(SourceView::new(source, None)) };
        let counts = self.ports.receipts().day_counts(&source.tenant_id, &source.id, day).await;
        let counts = CountsView::new(day, counts.map_err(store)?);
        Ok(SourceView::new(source, Some(counts)))
    }

    pub(crate) async fn get_source(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let day = self.counted_day(&mut call.query)?;
        call.query.finish()?;
        let found: Revised<Source> = self.get(&tenant, &call.id(UNKNOWN)?, UNKNOWN).await?;
        ok(&self.counted(found.value, day.as_deref()).await?)
    }

    pub(crate) async fn change_source(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: SourceId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let changes = SourceFields::changed(&mut fields);
        fields.finish()?;
        call.query.finish()?;
        self.known_pixels(&tenant, changes.pixel_ids.as_deref()).await?;
        let now = self.now();
        let change = |source: &mut Source| {
            changes.clone().apply(source, now);
            Ok(HealthWrite::Keep)
        };
        let source = self.modify(&tenant, &id, UNKNOWN, change).await?;
        ok(&SourceView::new(source, None))
    }
}
