//! Lead forms: what Meta tells of them, and what the tenant says.

use adrelay_core::config::Page;
use adrelay_core::ids::{FormId, PageId, PixelId, SourceId, TenantId};
use adrelay_core::leads::{LeadForm, LeadWork, Question, WORK_VERSION};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::Revised;
use adrelay_core::ports::leads::FormStore as _;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use serde::Serialize;
use serde_json::Value;

use super::pages::{PageView, UNKNOWN as PAGE_UNKNOWN};
use crate::answer::{Answer, List, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Change, invalid_field};
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::rules;

pub(super) const UNKNOWN: &str = "form_unknown";

/// A lead form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LeadForm))]
pub(crate) struct FormView {
    /// Meta's id of it.
    id: String,
    /// Its page.
    page_id: String,
    /// Its name.
    name: Option<String>,
    /// Meta's word: `ACTIVE`, `ARCHIVED`, `DELETED`, `DRAFT`.
    status: String,
    /// Its language, e.g. `en_US`.
    locale: Option<String>,
    /// What it asks.
    questions: Vec<QuestionView>,
    /// Leads that Meta counts.
    leads_count: Option<u64>,
    /// Leads that Meta no longer has (it keeps them for 90 days).
    expired_leads_count: Option<u64>,
    /// Leads that no ad brought.
    organic_leads_count: Option<u64>,
    /// Its privacy policy.
    privacy_policy_url: Option<String>,
    /// What it shows in the end, as Meta tells it.
    #[cfg_attr(test, schema(value_type = Option<std::collections::BTreeMap<String, Value>>))]
    thank_you_page: Option<Value>,
    /// Where the stages of its leads are told to Meta, in place of the page's.
    feedback_pixel_id: Option<String>,
    /// Whose people its leads become, in place of the page's.
    source_id: Option<String>,
    /// When it was created at Meta.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: Option<String>,
    /// When Meta was asked last.
    #[cfg_attr(test, schema(format = DateTime))]
    synced_at: String,
}

/// A question of a form.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Question))]
struct QuestionView {
    /// The name of its answers.
    key: String,
    /// What people see.
    label: Option<String>,
    /// Meta's type, e.g. `EMAIL`, `FULL_NAME`, `CUSTOM`.
    #[serde(rename = "type")]
    kind: String,
    /// Its choices.
    options: Vec<QuestionOptionView>,
}

/// A choice of a question.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = QuestionOption))]
struct QuestionOptionView {
    /// What answers hold.
    key: String,
    /// What people see.
    value: String,
}

impl From<Question> for QuestionView {
    fn from(question: Question) -> Self {
        let Question { key, label, kind, options, .. } = question;
        let options = options.into_iter();
        let options =
            options.map(|option| QuestionOptionView { key: option.key, value: option.value }).collect();
        Self { key, label, kind, options }
    }
}

impl From<LeadForm> for FormView {
    fn from(form: LeadForm) -> Self {
        let LeadForm { page, meta, settings, synced_at, .. } = form;
        Self {
            id: meta.id.to_string(),
            page_id: page.to_string(),
            name: meta.name,
            status: meta.status,
            locale: meta.locale,
            questions: meta.questions.into_iter().map(QuestionView::from).collect(),
            leads_count: meta.leads_count,
            expired_leads_count: meta.expired_leads_count,
            organic_leads_count: meta.organic_leads_count,
            privacy_policy_url: meta.privacy_policy_url,
            thank_you_page: meta.thank_you_page,
            feedback_pixel_id: settings.feedback_pixel_id.map(|pixel| pixel.to_string()),
            source_id: settings.source_id.map(|source| source.to_string()),
            created_at: meta.created_at_s.map(|at_s| UnixMillis::from_secs(at_s).rfc3339()),
            synced_at: synced_at.rfc3339(),
        }
    }
}

impl<P: Ports> AdminApi<P> {
    /// Has lead-worker look at the page: its subscription, its forms, then the leads of each.
    pub(crate) async fn sync_forms(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        call.query.finish()?;
        let id: PageId = call.id(PAGE_UNKNOWN)?;
        let page = self.get::<Page>(&tenant, &id, PAGE_UNKNOWN).await?.value;
        if !page.enabled {
            return Err(page_disabled());
        }
        let work = LeadWork::Page { v: WORK_VERSION, tenant, page: id, attempt: 0, days: None, job: None };
        self.queue_lead_work(&[work]).await?;
        Ok(respond::json(202, &PageView::from(page)))
    }

    pub(crate) async fn list_forms(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let page: Option<PageId> = call.query.id("page_id")?;
        let Asked { limit, cursor } = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let page = page.ok_or_else(|| invalid_field("page_id", "required", "name a page"))?;
        let _: Revised<Page> = self.get(&tenant, &page, PAGE_UNKNOWN).await?;
        let found = self.ports.leads().forms(&tenant, &page, limit, cursor.as_deref()).await;
        let found = found.map_err(|error| match error {
            // The only condition of a read is that its cursor is one of ours.
            StoreError::Conflict => bad_cursor(),
            other => store(other),
        })?;
        let items = found.items.into_iter().map(FormView::from).collect();
        ok(&List { items, next_cursor: found.next_cursor })
    }

    /// A form, or 404.
    pub(super) async fn form(&self, tenant: &TenantId, id: &FormId) -> Result<LeadForm, Problem> {
        let leads = self.ports.leads();
        let page = leads.page_of(tenant, id).await.map_err(store)?.ok_or_else(|| not_found(UNKNOWN))?;
        leads.form(tenant, &page, id).await.map_err(store)?.ok_or_else(|| not_found(UNKNOWN))
    }

    pub(crate) async fn get_form(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let form = self.form(&tenant, &call.id(UNKNOWN)?).await?;
        ok(&FormView::from(form))
    }

    pub(crate) async fn change_form(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: FormId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let pixel = fields.change("feedback_pixel_id", rules::id::<PixelId>);
        let source = fields.change("source_id", rules::id::<SourceId>);
        fields.finish()?;
        call.query.finish()?;
        let mut form = self.form(&tenant, &id).await?;
        if let Change::Set(pixel) = &pixel {
            self.known_pixel(&tenant, pixel).await?;
        }
        if let Change::Set(source) = &source {
            self.known_source(&tenant, source).await?;
        }
        pixel.apply(&mut form.settings.feedback_pixel_id);
        source.apply(&mut form.settings.source_id);
        let written = self.ports.leads().set_form(&tenant, &form.page, &id, &form.settings).await;
        written.map_err(store)?;
        ok(&FormView::from(form))
    }
}

/// 409 for what needs a page that is on.
pub(super) fn page_disabled() -> Problem {
    Problem::new(409, "page_disabled", "The page is disabled: its leads are not taken.")
}
