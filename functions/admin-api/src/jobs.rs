//! Jobs: what takes longer than a request.

use adrelay_core::ids::JobId;
use adrelay_core::jobs::{EXPORT_TTL_HOURS, Job, JobKind, JobState};
use adrelay_core::ports::jobs::{FileLinks as _, JobStore as _};
use adrelay_core::ports::queue::{EventQueue, Outgoing};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::ports::Ports;

const UNKNOWN: &str = "job_unknown";

/// Seconds that a link works.
const LINK_S: u64 = 15 * 60;

/// A job.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Job))]
pub(crate) struct JobView {
    /// Its id.
    id: String,
    /// What it does.
    #[cfg_attr(test, schema(pattern = "^(lead_export|lead_sync)$"))]
    kind: &'static str,
    /// How far it has come.
    #[cfg_attr(test, schema(pattern = "^(queued|running|done|failed)$"))]
    state: &'static str,
    /// How much of it is done.
    progress: ProgressView,
    /// What it made; null until it is done, and for an export from 24 hours after that on.
    result: Option<ResultView>,
    /// Why it failed, by a stable code.
    error: Option<String>,
    /// The name of the key that asked for it.
    by: String,
    /// When it was asked for.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When it last got further.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
    /// When it ended.
    #[cfg_attr(test, schema(format = DateTime))]
    finished_at: Option<String>,
}

/// How much of a job is done.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Progress))]
struct ProgressView {
    /// Rows, leads or forms done.
    done: u64,
    /// Of how many; null where nobody knows.
    total: Option<u64>,
}

/// What an export made.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = JobResult))]
struct ResultView {
    /// Where the file is. Whoever has the link has the file.
    url: String,
    /// How long the link works; asking again gives another one while the file is there.
    #[cfg_attr(test, schema(format = DateTime))]
    expires_at: String,
}

impl std::fmt::Debug for ResultView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResultView(…)")
    }
}

impl<P: Ports> AdminApi<P> {
    /// Puts messages on a queue, all of them or 503.
    pub(crate) async fn queue(&self, queue: &P::Queue, outgoing: Vec<Outgoing>) -> Result<(), Problem> {
        let results = queue.send(outgoing).await;
        match results.into_iter().find_map(Result::err) {
            None => Ok(()),
            Some(error) => {
                tracing::error!(%error, "a message can't be queued");
                Err(Problem::unavailable())
            }
        }
    }

    /// Notes that a job was never queued.
    pub(crate) async fn fail_job(&self, job: Job) {
        let now = self.now();
        let failed = Job {
            state: JobState::Failed,
            error: Some("not_queued".to_owned()),
            updated_at: now,
            finished_at: Some(now),
            ..job
        };
        if let Err(error) = self.ports.jobs().save_job(&failed).await {
            tracing::warn!(%error, job = %failed.id, "a job that nobody works on stays");
        }
    }

    pub(crate) async fn get_job(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let id: JobId = call.id(UNKNOWN)?;
        let job = self.ports.jobs().job(&tenant, &id).await.map_err(store)?;
        ok(&self.job_view(job.ok_or_else(|| not_found(UNKNOWN))?).await?)
    }

    /// A job, with a link to its file while there is one.
    pub(crate) async fn job_view(&self, job: Job) -> Result<JobView, Problem> {
        let result = self.result_of(&job).await?;
        Ok(JobView {
            id: job.id.to_string(),
            kind: match job.kind {
                JobKind::LeadExport => "lead_export",
                JobKind::LeadSync => "lead_sync",
            },
            state: match job.state {
                JobState::Queued => "queued",
                JobState::Running => "running",
                JobState::Done => "done",
                JobState::Failed => "failed",
            },
            progress: ProgressView { done: job.done, total: job.total },
            result,
            error: job.error,
            by: job.by,
            created_at: job.created_at.rfc3339(),
            updated_at: job.updated_at.rfc3339(),
            finished_at: job.finished_at.map(UnixMillis::rfc3339),
        })
    }

    async fn result_of(&self, job: &Job) -> Result<Option<ResultView>, Problem> {
        let (JobState::Done, Some(file), Some(finished_at)) = (job.state, &job.file, job.finished_at) else {
            return Ok(None);
        };
        let gone_at = finished_at.plus_ms(EXPORT_TTL_HOURS * 3_600_000);
        let left_s = u64::try_from(gone_at.ms_since(self.now()) / 1_000).unwrap_or(0);
        if left_s == 0 {
            return Ok(None);
        }
        let seconds = LINK_S.min(left_s);
        let name = format!("leads-{}.csv", job.id);
        let url = self.ports.files().link(file, &name, seconds).await.map_err(|error| {
            tracing::error!(%error, "a link can't be signed");
            Problem::unavailable()
        })?;
        let expires_at = self.now().plus_ms(i64::try_from(seconds).unwrap_or(0) * 1_000).rfc3339();
        Ok(Some(ResultView { url, expires_at }))
    }
}
