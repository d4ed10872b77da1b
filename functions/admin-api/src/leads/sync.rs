//! Looking through forms for leads of the last days, because somebody asks.

use adrelay_core::config::Page;
use adrelay_core::ids::{FormId, JobId, PageId, TenantId};
use adrelay_core::jobs::{Job, JobKind, JobState};
use adrelay_core::leads::reconcile::SyncPlan;
use adrelay_core::leads::{LeadWork, WORK_VERSION};
use adrelay_core::ports::jobs::JobStore as _;
use adrelay_core::ports::leads::FormStore as _;
use adrelay_core::ports::queue::Outgoing;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;

use super::forms::{UNKNOWN as FORM_UNKNOWN, page_disabled};
use super::pages::UNKNOWN as PAGE_UNKNOWN;
use crate::answer::{Answer, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Wrong, invalid_field};
use crate::ports::Ports;
use crate::rules;

/// Days that Meta keeps leads for.
const MAX_DAYS: u16 = 90;

/// Pages of one call.
const MAX_PAGES: usize = 100;

impl<P: Ports> AdminApi<P> {
    /// Queues work of lead-worker.
    pub(super) async fn queue_lead_work(&self, works: &[LeadWork]) -> Result<(), Problem> {
        let mut outgoing = Vec::with_capacity(works.len());
        for work in works {
            let body = work.body().map_err(|_| Problem::internal())?;
            outgoing.push(Outgoing { body, group: work.group().to_string(), delay_s: 0 });
        }
        self.queue(self.ports.leads_queue(), outgoing).await
    }

    pub(crate) async fn sync_leads(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let page = fields.optional("page_id", rules::id::<PageId>);
        let form = fields.optional("form_id", rules::id::<FormId>);
        let days = fields.optional("days", rules::whole(1..=MAX_DAYS));
        if page.is_some() && form.is_some() {
            fields.wrong("form_id", Wrong::new("not_allowed", "name one of page_id and form_id"));
        }
        fields.finish()?;
        call.query.finish()?;
        self.known_tenant(&tenant).await?;
        let pages = self.pages_meant(&tenant, page, form).await?;
        let id: JobId = self.new_id("job")?;
        let now = self.now();
        let mut job = Job {
            tenant: tenant.clone(),
            id: id.clone(),
            rev: 0,
            kind: JobKind::LeadSync,
            state: JobState::Queued,
            done: 0,
            total: None,
            created_at: now,
            by: call.who.name.clone(),
            updated_at: now,
            finished_at: None,
            error: None,
            file: None,
            plan: serde_json::to_value(SyncPlan::new(pages.clone(), days))
                .map_err(|_| Problem::internal())?,
        };
        self.ports.jobs().save_job(&job).await.map_err(store)?;
        job.rev += 1;
        let works: Vec<LeadWork> = pages
            .into_iter()
            .map(|page| LeadWork::Page {
                v: WORK_VERSION,
                tenant: tenant.clone(),
                page,
                attempt: 0,
                days,
                job: Some(id.clone()),
            })
            .collect();
        if let Err(problem) = self.queue_lead_work(&works).await {
            self.fail_job(job).await;
            return Err(problem);
        }
        Ok(respond::json(202, &self.job_view(job).await?))
    }

    /// The pages that a call is about: the one it names, the one of the form it names, or all that are on.
    async fn pages_meant(
        &self,
        tenant: &TenantId,
        page: Option<PageId>,
        form: Option<FormId>,
    ) -> Result<Vec<PageId>, Problem> {
        let named = match (page, form) {
            (Some(page), _) => Some(page),
            (None, Some(form)) => {
                let page = self.ports.leads().page_of(tenant, &form).await.map_err(store)?;
                Some(page.ok_or_else(|| not_found(FORM_UNKNOWN))?)
            }
            (None, None) => None,
        };
        if let Some(id) = named {
            let page = self.get::<Page>(tenant, &id, PAGE_UNKNOWN).await?.value;
            return if page.enabled { Ok(vec![id]) } else { Err(page_disabled()) };
        }
        let pages = self.pages_of(tenant).await?.into_iter();
        let pages: Vec<PageId> = pages.filter(|page| page.enabled).map(|page| page.id).collect();
        if pages.len() > MAX_PAGES {
            let message = format!("the tenant has {}; one call looks through {MAX_PAGES}", pages.len());
            return Err(invalid_field("page_id", "required", message));
        }
        if pages.is_empty() {
            return Err(Problem::new(409, "no_pages", "The tenant has no page that is enabled."));
        }
        Ok(pages)
    }
}
