//! Leads as a file for spreadsheets: at once where they are few, else by a job.

use adrelay_core::ids::{JobId, TenantId};
use adrelay_core::jobs::{JOB_WORK_VERSION, JobWork, export_job};
use adrelay_core::leads::csv::{CONTENT_TYPE, Columns, Rows};
use adrelay_core::leads::{Lead, LeadQuery};
use adrelay_core::ports::jobs::JobStore as _;
use adrelay_core::ports::leads::LeadStore as _;
use adrelay_core::ports::queue::Outgoing;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;

use super::filters::Filters;
use super::list::listed;
use super::read::MAX_SEARCH;
use crate::answer::{Answer, store};
use crate::api::{AdminApi, Call};
use crate::jobs::JobView;
use crate::ports::Ports;
use crate::rules;

/// Leads that are answered at once.
const MAX_INLINE_LEADS: usize = 1_000;

/// Bytes that are answered at once. Lambda's 6 MB count the text as JSON, which escapes quotes and line ends.
const MAX_INLINE_BYTES: usize = 2 * 1024 * 1024;

/// Pages of the list that are read to find out how many there are.
const MAX_PAGES: usize = 5;

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn export_leads(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let filters = Filters::read(&mut fields);
        let q = fields.optional("q", rules::text(MAX_SEARCH));
        let inline = fields.optional("inline", rules::boolean).unwrap_or(true);
        fields.finish()?;
        call.query.finish()?;
        self.known_tenant(&tenant).await?;
        let form = filters.form.clone();
        let text = self.text_hash(&tenant, q.as_deref()).await?;
        let query = filters.query(tenant.clone(), text, MAX_INLINE_LEADS, None);
        if inline && let Some(leads) = self.few(&query).await? {
            let columns = match &form {
                Some(form) => self.columns(&tenant, form).await?,
                None => Columns::of_any_form(),
            };
            if let Some(csv) = self.csv(&columns, &leads).await? {
                let mut answer = respond::text(200, CONTENT_TYPE, csv);
                let attachment = HeaderValue::from_static("attachment; filename=\"leads.csv\"");
                answer.headers_mut().insert(CONTENT_DISPOSITION, attachment);
                return Ok(answer);
            }
        }
        let job = self.begin_export(query, &call.who.name).await?;
        Ok(respond::json(202, &job))
    }

    async fn columns(&self, tenant: &TenantId, form: &adrelay_core::ids::FormId) -> Result<Columns, Problem> {
        match self.form(tenant, form).await {
            Ok(form) => Ok(Columns::of_form(&form.meta)),
            // Leads may be there before their form was read.
            Err(problem) if problem.status == 404 => Ok(Columns::of_any_form()),
            Err(problem) => Err(problem),
        }
    }

    /// All leads of a query, where they are few and quickly found.
    async fn few(&self, query: &LeadQuery) -> Result<Option<Vec<Lead>>, Problem> {
        let mut query = query.clone();
        let mut leads: Vec<Lead> = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.ports.leads().list(&query).await.map_err(listed)?;
            leads.extend(page.items);
            if leads.len() > MAX_INLINE_LEADS {
                return Ok(None);
            }
            match page.next_cursor {
                None => return Ok(Some(leads)),
                cursor => query.cursor = cursor,
            }
        }
        Ok(None)
    }

    /// The file, where it is small.
    async fn csv(&self, columns: &Columns, leads: &[Lead]) -> Result<Option<String>, Problem> {
        let mut rows = Rows::with_header(columns).map_err(|_| Problem::internal())?;
        for lead in leads {
            let pii = self.lead_pii(lead).await?.unwrap_or_default();
            rows.push(lead, &pii).map_err(|_| Problem::internal())?;
            if rows.bytes_len() > MAX_INLINE_BYTES {
                return Ok(None);
            }
        }
        let bytes = rows.into_bytes().map_err(|_| Problem::internal())?;
        String::from_utf8(bytes).map(Some).map_err(|_| Problem::internal())
    }

    async fn begin_export(&self, query: LeadQuery, by: &str) -> Result<JobView, Problem> {
        let tenant = query.tenant.clone();
        let id: JobId = self.new_id("job")?;
        let mut job = export_job(&tenant, id.clone(), query, by, self.now());
        self.ports.jobs().save_job(&job).await.map_err(store)?;
        job.rev += 1;
        let group = tenant.to_string();
        let work = JobWork::Export { v: JOB_WORK_VERSION, tenant, job: id, attempt: 0 };
        let body = work.body().map_err(|_| Problem::internal())?;
        let outgoing = vec![Outgoing { body, group, delay_s: 0 }];
        if let Err(problem) = self.queue(self.ports.jobs_queue(), outgoing).await {
            self.fail_job(job).await;
            return Err(problem);
        }
        self.job_view(job).await
    }
}
