//! Leads to a CSV file: a slice of the work, as much as an invocation has time for.
//!
//! The file is written in parts, and a part ends where a page of leads ends: what is kept of a slice is the cursor of the
//! first lead that stands in no part yet. Whoever goes on rebuilds from there; nothing personal is kept between slices,
//! and however often a slice is killed, no lead stands in the file twice.
//!
//! ```text
//!  claim ─▶ page, page, … ≥ 5 MiB ─▶ part ─▶ save ─┬─▶ page, page, …
//!                                                  ├─ no time left ─▶ save, message to itself
//!                                                  └─ no leads left ─▶ put together ─▶ save: done
//! ```

use super::job::{JOB_WORK_VERSION, Job, JobKind, JobState, JobWork};
use super::plan::{ExportPlan, export_key};
use super::report::Report;
use super::slice::{Ended, Slice};
use super::trouble::Trouble;
use super::worker::{Fate, JobWorker, Ports};
use crate::ids::{JobId, TenantId};
use crate::leads::csv::Columns;
use crate::ports::StoreError;
use crate::ports::jobs::{FileStore as _, JobStore as _};
use crate::ports::leads::FormStore as _;
use crate::time::UnixMillis;

/// Slices in a row that end with an error and get nothing done, before the job fails.
pub const MAX_FUTILE_SLICES: u32 = 12;

/// Slices in a row that nobody ended: fewer than the queue's `maxReceiveCount` of 5, so that a job which kills its
/// worker fails instead of standing still.
const MAX_CLAIMS: u32 = 4;

/// Whose job it is now.
enum Claim<'a, P: Ports> {
    Ours(Box<Slice<'a, P>>),
    Theirs {
        until: UnixMillis,
    },
    /// Nobody's: it ended, or is gone.
    Over,
}

impl<P: Ports> JobWorker<P> {
    pub(super) async fn export(
        &self,
        tenant: &TenantId,
        id: &JobId,
        attempt: u32,
        deadline: UnixMillis,
        report: &mut Report,
    ) -> Fate {
        let futile = attempt.saturating_add(1);
        let mut slice = match self.claim(tenant, id, deadline).await {
            Ok(Claim::Ours(slice)) => slice,
            Ok(Claim::Theirs { until }) => {
                let wait_s = u64::try_from(until.ms_since(self.now())).unwrap_or(0).div_ceil(1_000);
                return self.resend(tenant, &work(tenant, id, attempt), wait_s, report).await;
            }
            Ok(Claim::Over) => return Fate::Done,
            Err(trouble) => return self.after(&trouble, tenant, id, futile, report).await,
        };
        let ended = slice.run(deadline, report).await;
        let attempt = if slice.moved { 0 } else { futile };
        match ended {
            Ok(Ended::Over) => Fate::Done,
            Ok(Ended::Unfinished) => {
                if attempt >= MAX_FUTILE_SLICES {
                    return self.after(&Trouble::WorkerLost, tenant, id, attempt, report).await;
                }
                // Not released in the store: then the lease runs out, which is soon.
                let _ = slice.release().await;
                self.resend(tenant, &work(tenant, id, attempt), 0, report).await
            }
            Err(trouble) => {
                let _ = slice.release().await;
                self.after(&trouble, tenant, id, attempt.max(1), report).await
            }
        }
    }

    /// Takes the job for itself until `deadline`.
    async fn claim(
        &self,
        tenant: &TenantId,
        id: &JobId,
        deadline: UnixMillis,
    ) -> Result<Claim<'_, P>, Trouble> {
        let Some(job) = self.open_job(tenant, id).await? else { return Ok(Claim::Over) };
        let Some(mut plan) = ExportPlan::read(&job.plan) else { return Err(Trouble::Corrupt) };
        if let Some(until) = plan.lease_until.filter(|until| *until > self.now()) {
            return Ok(Claim::Theirs { until });
        }
        if plan.claims >= MAX_CLAIMS {
            return Err(Trouble::WorkerLost);
        }
        let columns = match plan.columns.clone() {
            Some(columns) => columns,
            None => self.columns(&plan).await?,
        };
        plan.columns = Some(columns.clone());
        plan.claims += 1;
        plan.lease_until = Some(deadline);
        let mut slice = Slice::new(self, job, plan, columns);
        slice.begin().await?;
        Ok(Claim::Ours(Box::new(slice)))
    }

    /// The job, where it is an export that has not ended.
    async fn open_job(&self, tenant: &TenantId, id: &JobId) -> Result<Option<Job>, StoreError> {
        let job = self.ports.jobs().job(tenant, id).await?;
        let open = |job: &Job| {
            job.kind == JobKind::LeadExport && matches!(job.state, JobState::Queued | JobState::Running)
        };
        Ok(job.filter(open))
    }

    /// An export of one form has a column for each of its questions, where the form is known.
    async fn columns(&self, plan: &ExportPlan) -> Result<Columns, StoreError> {
        let Some(form) = &plan.query.form else { return Ok(Columns::of_any_form()) };
        let (leads, tenant) = (self.ports.leads(), &plan.query.tenant);
        let Some(page) = leads.page_of(tenant, form).await? else { return Ok(Columns::of_any_form()) };
        let form = leads.form(tenant, &page, form).await?;
        Ok(form.map_or_else(Columns::of_any_form, |form| Columns::of_form(&form.meta)))
    }

    /// After `attempt` slices in a row without success: later, or never.
    async fn after(
        &self,
        trouble: &Trouble,
        tenant: &TenantId,
        id: &JobId,
        attempt: u32,
        report: &mut Report,
    ) -> Fate {
        if !trouble.is_final() && attempt < MAX_FUTILE_SLICES {
            let delay_s = self.delay_s(attempt);
            return self.resend(tenant, &work(tenant, id, attempt), delay_s, report).await;
        }
        match self.fail(tenant, id, trouble).await {
            Ok(failed) => {
                report.jobs_failed += u64::from(failed);
                Fate::Done
            }
            Err(_) => Fate::Again,
        }
    }

    /// Notes that the job failed, where it is still open, and gives its upload up.
    async fn fail(&self, tenant: &TenantId, id: &JobId, trouble: &Trouble) -> Result<bool, StoreError> {
        let Some(mut job) = self.open_job(tenant, id).await? else { return Ok(false) };
        let upload = ExportPlan::read(&job.plan).and_then(|plan| plan.upload);
        let now = self.now();
        job.state = JobState::Failed;
        job.error = Some(trouble.to_string());
        (job.updated_at, job.finished_at) = (now, Some(now));
        self.ports.jobs().save_job(&job).await?;
        if let Some(upload) = upload {
            // What is left of it, the bucket's own rule for unfinished uploads removes.
            let _ = self.ports.files().abort(&export_key(tenant, id), &upload).await;
        }
        Ok(true)
    }
}

fn work(tenant: &TenantId, job: &JobId, attempt: u32) -> JobWork {
    JobWork::Export { v: JOB_WORK_VERSION, tenant: tenant.clone(), job: job.clone(), attempt }
}
