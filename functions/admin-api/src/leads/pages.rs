//! Pages: whose leads are taken.

use adrelay_core::config::{Connection, Page, Pixel, Source, Subscription};
use adrelay_core::ids::{ConnectionId, PageId, PixelId, SourceId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, MAX_PAGE, Records as _, Revised};
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use serde::Serialize;

use super::page_tokens::PageToken;
use crate::answer::{Answer, List, created, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::{Change, vouched};
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::{connections, pixels, rules, sources};

pub(super) const UNKNOWN: &str = "page_unknown";

/// Pages of the list that one look through a tenant's pages reads.
const MAX_PAGES: usize = 50;

/// A Facebook page whose leads are taken. It belongs to one tenant.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Page))]
pub(crate) struct PageView {
    /// Meta's id of it.
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// Its name at Meta.
    name: Option<String>,
    /// Whose token its leads are read with: a connection of kind `page`.
    connection_id: String,
    /// Whose people its leads become.
    source_id: String,
    /// Where the stages of its leads are told to Meta, unless their form says otherwise; null: all pixels of the source.
    feedback_pixel_id: Option<String>,
    /// Leads of a disabled page are not taken.
    enabled: bool,
    /// Whether Meta sends us its leads.
    subscription: SubscriptionView,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When a person last changed it.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
}

/// Whether Meta sends us a page's leads.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Subscription))]
struct SubscriptionView {
    /// `missing`: leads come later, by looking through the forms, until somebody subscribes again.
    #[cfg_attr(test, schema(pattern = "^(unknown|subscribed|missing)$"))]
    state: &'static str,
    /// When Meta was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schema(format = DateTime))]
    checked_at: Option<String>,
    /// Why subscribing failed, by a stable code: `token_invalid`, `permission_missing`, `refused`, `rate_limited`,
    /// `meta_unavailable`, `token_unreadable`; absent where it was found to be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of a page that is no longer ours.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = DeletedPage))]
pub(crate) struct DeletedPageView {
    /// The page.
    id: String,
    /// Whether Meta took our subscription back. If not, what it still sends is dropped.
    unsubscribed: bool,
    /// Why it did not, by a stable code.
    reason: Option<&'static str>,
}

impl From<Subscription> for SubscriptionView {
    fn from(subscription: Subscription) -> Self {
        let (state, checked_at, reason) = match subscription {
            Subscription::Unknown => ("unknown", None, None),
            Subscription::Subscribed { checked_at } => ("subscribed", Some(checked_at), None),
            Subscription::Missing { checked_at, reason } => ("missing", Some(checked_at), reason),
        };
        Self { state, checked_at: checked_at.map(adrelay_core::time::UnixMillis::rfc3339), reason }
    }
}

impl From<Page> for PageView {
    fn from(page: Page) -> Self {
        Self {
            id: page.id.to_string(),
            tenant_id: page.tenant_id.to_string(),
            name: page.name,
            connection_id: page.connection_id.to_string(),
            source_id: page.source_id.to_string(),
            feedback_pixel_id: page.feedback_pixel_id.map(|pixel| pixel.to_string()),
            enabled: page.enabled,
            subscription: page.subscription.into(),
            created_at: page.created_at.rfc3339(),
            updated_at: page.updated_at.rfc3339(),
        }
    }
}

impl<P: Ports> AdminApi<P> {
    pub(super) async fn known_source(&self, tenant: &TenantId, id: &SourceId) -> Result<(), Problem> {
        self.referred::<Source>(tenant, id, "source_id", sources::UNKNOWN).await.map(|_| ())
    }

    pub(super) async fn known_pixel(&self, tenant: &TenantId, id: &PixelId) -> Result<(), Problem> {
        self.referred::<Pixel>(tenant, id, "feedback_pixel_id", pixels::UNKNOWN).await.map(|_| ())
    }

    pub(crate) async fn create_page(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let id = fields.required("page_id", rules::id::<PageId>);
        let connection = fields.required("connection_id", rules::id::<ConnectionId>);
        let source = fields.required("source_id", rules::id::<SourceId>);
        let feedback_pixel_id = fields.optional("feedback_pixel_id", rules::id::<PixelId>);
        let enabled = fields.optional("enabled", rules::boolean).unwrap_or(true);
        fields.finish()?;
        call.query.finish()?;
        let tenant_id = call.tenant_named(tenant)?;
        self.existing(&call, &tenant_id).await?;
        let (id, source_id) = (vouched(id)?, vouched(source)?);
        self.known_source(&tenant_id, &source_id).await?;
        if let Some(pixel) = &feedback_pixel_id {
            self.known_pixel(&tenant_id, pixel).await?;
        }
        let token = self.page_token(&tenant_id, &vouched(connection)?, &id).await?;
        let now = self.now();
        let page = Page {
            tenant_id,
            id,
            name: token.name.clone(),
            connection_id: token.connection.id.clone(),
            source_id,
            feedback_pixel_id,
            enabled,
            subscription: Subscription::Unknown,
            created_at: now,
            updated_at: now,
        };
        if let Err(problem) = self.create(&page, "page_taken").await {
            self.forget_token(&token).await;
            return Err(problem);
        }
        let page = if enabled { self.subscribed(page, &token.connection).await? } else { page };
        created(&PageView::from(page))
    }

    pub(crate) async fn list_pages(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let after = asked.cursor.as_deref().map(PageId::parse).transpose().map_err(|_| bad_cursor())?;
        let page = self.list::<Page>(&tenant, after.as_ref(), asked.limit).await?;
        let items = page.items.into_iter().map(PageView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn get_page(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let found: Revised<Page> = self.get(&tenant, &call.id(UNKNOWN)?, UNKNOWN).await?;
        ok(&PageView::from(found.value))
    }

    /// Another token, or switching it on, may be what brings its leads: Meta is asked for them again.
    pub(crate) async fn change_page(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: PageId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let connection = fields.replace("connection_id", rules::id::<ConnectionId>);
        let source = fields.replace("source_id", rules::id::<SourceId>);
        let feedback_pixel = fields.change("feedback_pixel_id", rules::id::<PixelId>);
        let enabled = fields.replace("enabled", rules::boolean);
        fields.finish()?;
        call.query.finish()?;
        let before = self.get::<Page>(&tenant, &id, UNKNOWN).await?.value;
        if let Some(source) = &source {
            self.known_source(&tenant, source).await?;
        }
        if let Change::Set(pixel) = &feedback_pixel {
            self.known_pixel(&tenant, pixel).await?;
        }
        let token = match &connection {
            Some(connection) => Some(self.page_token(&tenant, connection, &id).await?),
            None => None,
        };
        let now = self.now();
        let change = |page: &mut Page| {
            if let Some(PageToken { connection, name, .. }) = &token {
                page.connection_id.clone_from(&connection.id);
                page.name = name.clone().or(page.name.take());
            }
            if let Some(source) = &source {
                page.source_id.clone_from(source);
            }
            feedback_pixel.clone().apply(&mut page.feedback_pixel_id);
            page.enabled = enabled.unwrap_or(page.enabled);
            page.updated_at = now;
            Ok(HealthWrite::Keep)
        };
        let page = match self.modify(&tenant, &id, UNKNOWN, change).await {
            Ok(page) => page,
            Err(problem) => {
                if let Some(token) = &token {
                    self.forget_token(token).await;
                }
                return Err(problem);
            }
        };
        if page.connection_id != before.connection_id {
            self.drop_derived(&tenant, &before.connection_id).await;
        }
        let again = page.enabled && (token.is_some() || !before.enabled);
        let page = if again { self.subscribe_with_own(page).await? } else { page };
        ok(&PageView::from(page))
    }

    /// Asks Meta whether the subscription is there, and subscribes where it is not.
    pub(crate) async fn subscribe_page(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let id: PageId = call.id(UNKNOWN)?;
        let page = self.get::<Page>(&tenant, &id, UNKNOWN).await?.value;
        ok(&PageView::from(self.subscribe_with_own(page).await?))
    }

    async fn subscribe_with_own(&self, page: Page) -> Result<Page, Problem> {
        let connection: Revised<Connection> =
            self.get(&page.tenant_id, &page.connection_id, connections::UNKNOWN).await?;
        self.subscribed(page, &connection.value).await
    }

    /// Leads that are stored stay.
    pub(crate) async fn delete_page(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let id: PageId = call.id(UNKNOWN)?;
        let page = self.get::<Page>(&tenant, &id, UNKNOWN).await?.value;
        // First ours, then Meta's: what it sends meanwhile is dropped as nobody's.
        self.ports.config().delete(&page).await.map_err(store)?;
        let reason = self.unsubscribed(&page).await.err();
        self.drop_derived(&tenant, &page.connection_id).await;
        Ok(respond::json(
            200,
            &DeletedPageView { id: id.to_string(), unsubscribed: reason.is_none(), reason },
        ))
    }

    /// All pages of a tenant.
    pub(crate) async fn pages_of(&self, tenant: &TenantId) -> Result<Vec<Page>, Problem> {
        let mut pages = Vec::new();
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let found = self.list::<Page>(tenant, after.as_ref(), MAX_PAGE).await?;
            pages.extend(found.items);
            match found.next_cursor.as_deref().map(PageId::parse) {
                None => return Ok(pages),
                Some(next) => after = Some(next.map_err(|_| Problem::internal())?),
            }
        }
        Err(Problem::new(409, "too_many_pages", "The tenant has more pages than one call looks through."))
    }
}
