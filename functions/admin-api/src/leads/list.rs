//! Finding leads, and showing one.

use adrelay_core::ids::{LeadId, TenantId};
use adrelay_core::leads::{
    Feedback, FeedbackState, LEAD_PURPOSE, Lead, LeadPii, LeadQuery, MissingLead, lookup_text,
};
use adrelay_core::people::LinkHash;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadStore as _;
use adrelay_core::ports::receipts::{Page, ReceiptReader as _};
use adrelay_lambda::problem::Problem;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;

use super::filters::Filters;
use super::read;
use super::view::{FeedbackView, LeadDetailView, LeadView};
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::events::ReceiptView;
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::rules;

pub(super) const UNKNOWN: &str = "lead_unknown";

/// Receipts, and sealed parts, that are read at the same time.
const CONCURRENT: usize = 8;

/// A lead that was announced and that Meta does not let us read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = MissingLead))]
pub(crate) struct MissingLeadView {
    /// Meta's id of it.
    id: String,
    /// Its page.
    page_id: String,
    /// Its form, where the announcement said so.
    form_id: Option<String>,
    /// When it was announced.
    #[cfg_attr(test, schema(format = DateTime))]
    announced_at: String,
    /// How often it was tried.
    attempts: u32,
    /// Why it can't be read, by a stable code: `not_readable`, `token_invalid`, `permission_missing`, …
    reason: String,
    /// Meta's error code, where it gave one.
    code: Option<i64>,
    /// Whether it is not tried any more. Looking through its form still finds it if it becomes readable.
    given_up: bool,
}

impl From<MissingLead> for MissingLeadView {
    fn from(lead: MissingLead) -> Self {
        Self {
            id: lead.id.to_string(),
            page_id: lead.page.to_string(),
            form_id: lead.form.map(|form| form.to_string()),
            announced_at: lead.announced_at.rfc3339(),
            attempts: lead.attempts,
            reason: lead.reason,
            code: lead.code,
            given_up: lead.given_up,
        }
    }
}

/// What a list's failure is to the caller.
pub(super) fn listed(error: StoreError) -> Problem {
    match error {
        // The only condition of a read is that its cursor is one of ours.
        StoreError::Conflict => bad_cursor(),
        other => store(other),
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn list_leads(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let filters = Filters::take(&mut call.query)?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        self.leads_shown(filters.query(tenant, None, limit, cursor)).await
    }

    /// A POST, as nothing that identifies a person belongs in a URL.
    pub(crate) async fn search_leads(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        let mut fields = call.fields()?;
        let filters = Filters::read(&mut fields);
        let q = fields.optional("q", rules::text(read::MAX_SEARCH));
        fields.finish()?;
        call.query.finish()?;
        let text = self.text_hash(&tenant, q.as_deref()).await?;
        self.leads_shown(filters.query(tenant, text, limit, cursor)).await
    }

    /// What leads are found by in the store: the keyed hash of an e-mail address, a phone or a name.
    pub(super) async fn text_hash(
        &self,
        tenant: &TenantId,
        q: Option<&str>,
    ) -> Result<Option<LinkHash>, Problem> {
        let Some(q) = q else { return Ok(None) };
        let key = self.pii.lookup().await.map_err(store)?;
        Ok(Some(key.text(tenant, &lookup_text(q, None))))
    }

    /// Opens only what is shown.
    async fn leads_shown(&self, query: LeadQuery) -> Answer {
        let Page { items, next_cursor } = self.ports.leads().list(&query).await.map_err(listed)?;
        if items.is_empty() && query.cursor.is_none() {
            self.known_tenant(&query.tenant).await?;
        }
        let opened = items.into_iter().map(|lead| async {
            let pii = self.lead_pii(&lead).await?;
            Ok::<_, Problem>(LeadView::of(lead, pii.map(|pii| pii.contact)))
        });
        let opened: Vec<_> = opened.collect();
        let items: Vec<LeadView> = stream::iter(opened).buffered(CONCURRENT).try_collect().await?;
        ok(&List { items, next_cursor })
    }

    /// What is sealed of a lead; nothing once it is erased.
    pub(super) async fn lead_pii(&self, lead: &Lead) -> Result<Option<LeadPii>, Problem> {
        let Some(sealed) = &lead.sealed else { return Ok(None) };
        let opened = self.pii.open(&lead.tenant, lead.id.as_str(), LEAD_PURPOSE, sealed).await;
        let pii = serde_json::from_str(opened.map_err(store)?.expose());
        pii.map(Some).map_err(|_| store(StoreError::Corrupt("lead unreadable".to_owned())))
    }

    /// A lead, or 404.
    pub(super) async fn lead(&self, tenant: &TenantId, id: &LeadId) -> Result<Lead, Problem> {
        let found = self.ports.leads().lead(tenant, id).await.map_err(store)?;
        found.ok_or_else(|| not_found(UNKNOWN))
    }

    pub(crate) async fn get_lead(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let lead = self.lead(&tenant, &call.id(UNKNOWN)?).await?;
        self.whole(lead).await
    }

    /// Answers with a lead and everything about it.
    pub(super) async fn whole(&self, lead: Lead) -> Answer {
        let told = self.ports.leads().feedback(&lead.tenant, &lead.id).await.map_err(store)?;
        let told: Vec<_> = told.into_iter().map(|feedback| self.told(&lead.tenant, feedback)).collect();
        let feedback: Vec<FeedbackView> = stream::iter(told).buffered(CONCURRENT).try_collect().await?;
        let pii = self.lead_pii(&lead).await?;
        ok(&LeadDetailView::of(lead, pii, feedback))
    }

    async fn told(&self, tenant: &TenantId, feedback: Feedback) -> Result<FeedbackView, Problem> {
        let receipts = match feedback.state {
            FeedbackState::Queued { .. } => {
                let receipts = self.ports.receipts().by_event_id(tenant, &feedback.event_id).await;
                receipts.map_err(store)?
            }
            FeedbackState::Pending | FeedbackState::Skipped { .. } => Vec::new(),
        };
        Ok(FeedbackView::of(feedback, receipts.into_iter().map(ReceiptView::from).collect()))
    }

    pub(crate) async fn list_missing_leads(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let page = self.ports.leads().missing(&tenant, limit, cursor.as_deref()).await.map_err(listed)?;
        let items = page.items.into_iter().map(MissingLeadView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }
}
