//! A slice of an export: part after part, as long as there is time.

use super::job::{Job, JobState};
use super::plan::{ExportPlan, export_key};
use super::report::Report;
use super::trouble::Trouble;
use super::worker::{JobWorker, Ports};
use crate::leads::csv::{CONTENT_TYPE, Columns, Rows};
use crate::leads::{LEAD_PURPOSE, Lead, LeadPii};
use crate::ports::jobs::{FileStore as _, JobStore as _};
use crate::ports::leads::LeadStore as _;
use crate::ports::vault::CredentialError;
use crate::seal::SealContext;
use crate::time::UnixMillis;

/// The least bytes of a file's part but the last (S3's rule).
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// What must be left of an invocation to begin with another page or part, in milliseconds.
const SLICE_MARGIN_MS: i64 = 3_000;

/// Parts of one file: with those of 5 MiB about 10 GB, and a job's item stays far below the store's limit.
const MAX_PARTS: usize = 2_000;

/// How a slice ended.
pub(super) enum Ended {
    /// There is nothing left to do.
    Over,
    /// There was no time left.
    Unfinished,
}

/// A job that this invocation works on.
pub(super) struct Slice<'a, P: Ports> {
    worker: &'a JobWorker<P>,
    job: Job,
    plan: ExportPlan,
    columns: Columns,
    /// Whether it got further than it was.
    pub(super) moved: bool,
}

/// Rows for one part.
struct Piece {
    bytes: Vec<u8>,
    rows: u64,
    unreadable: u64,
    /// Where the next one begins; absent: there is none.
    cursor: Option<String>,
}

impl<'a, P: Ports> Slice<'a, P> {
    pub(super) const fn new(worker: &'a JobWorker<P>, job: Job, plan: ExportPlan, columns: Columns) -> Self {
        Self { worker, job, plan, columns, moved: false }
    }

    /// Notes that the job is worked on.
    pub(super) async fn begin(&mut self) -> Result<(), Trouble> {
        self.job.state = JobState::Running;
        self.save().await
    }

    /// Works until there is nothing left, or no time.
    pub(super) async fn run(&mut self, deadline: UnixMillis, report: &mut Report) -> Result<Ended, Trouble> {
        let deadline = deadline.plus_ms(-SLICE_MARGIN_MS);
        while !self.plan.ended {
            let Some(piece) = self.piece(deadline).await? else { return Ok(Ended::Unfinished) };
            self.write(piece, report).await?;
            if !self.plan.ended && self.worker.now() >= deadline {
                return Ok(Ended::Unfinished);
            }
        }
        self.finish(report).await
    }

    /// Leaves the job to whoever comes next.
    pub(super) async fn release(&mut self) -> Result<(), Trouble> {
        self.plan.lease_until = None;
        self.plan.claims = 0;
        self.save().await
    }

    /// Pages of leads, until they fill a part; nothing where there is no time for that.
    async fn piece(&mut self, deadline: UnixMillis) -> Result<Option<Piece>, Trouble> {
        let columns = self.columns.clone();
        let first = self.plan.parts.is_empty();
        let mut rows = if first { Rows::with_header(&columns)? } else { Rows::following(&columns) };
        let (mut query, mut unreadable) = (self.plan.query.clone(), 0);
        loop {
            let page = self.worker.ports.leads().list(&query).await?;
            for lead in page.items {
                if let Some(pii) = self.opened(&lead).await? {
                    rows.push(&lead, &pii)?;
                } else {
                    rows.push_unreadable(&lead)?;
                    unreadable += 1;
                }
            }
            let cursor = page.next_cursor;
            if cursor.is_none() || rows.bytes_len() >= self.worker.settings.part_bytes {
                let count = rows.count();
                return Ok(Some(Piece { bytes: rows.into_bytes()?, rows: count, unreadable, cursor }));
            }
            if rows.count() == 0 {
                // Much was looked through and nothing found: this much need not be looked through again.
                self.plan.query.cursor.clone_from(&cursor);
                self.moved = true;
            }
            query.cursor = cursor;
            if self.worker.now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// A lead's sealed part: empty for an erased one, nothing where it does not open.
    async fn opened(&self, lead: &Lead) -> Result<Option<LeadPii>, Trouble> {
        let Some(sealed) = &lead.sealed else { return Ok(Some(LeadPii::default())) };
        let context =
            SealContext { tenant: lead.tenant.as_str(), owner: lead.id.as_str(), purpose: LEAD_PURPOSE };
        match self.worker.pii.open(context, sealed).await {
            Ok(opened) => Ok(serde_json::from_str(opened.expose()).ok()),
            Err(CredentialError::Unreadable(_)) => Ok(None),
            Err(CredentialError::Unavailable(_)) => Err(Trouble::Keyring),
        }
    }

    /// Writes a part, then notes it.
    async fn write(&mut self, piece: Piece, report: &mut Report) -> Result<(), Trouble> {
        let number = self.plan.parts.len() + 1;
        let Some(number) = i32::try_from(number).ok().filter(|_| number <= MAX_PARTS) else {
            return Err(Trouble::TooLarge);
        };
        let key = export_key(&self.job.tenant, &self.job.id);
        let upload = self.upload(&key).await?;
        let Piece { bytes, rows, unreadable, cursor } = piece;
        let part = self.worker.ports.files().part(&key, &upload, number, bytes).await?;
        self.plan.parts.push(part);
        self.plan.ended = cursor.is_none();
        self.plan.query.cursor = cursor;
        self.plan.unreadable += unreadable;
        self.plan.claims = 1;
        self.job.done += rows;
        self.save().await?;
        self.moved = true;
        report.rows += rows;
        report.unreadable += unreadable;
        Ok(())
    }

    /// The upload, begun and noted before anything is written to it.
    async fn upload(&mut self, key: &str) -> Result<String, Trouble> {
        if let Some(upload) = &self.plan.upload {
            return Ok(upload.clone());
        }
        let upload = self.worker.ports.files().begin(key, CONTENT_TYPE).await?;
        self.plan.upload = Some(upload.clone());
        self.save().await?;
        Ok(upload)
    }

    async fn finish(&mut self, report: &mut Report) -> Result<Ended, Trouble> {
        let key = export_key(&self.job.tenant, &self.job.id);
        let upload = self.plan.upload.clone().ok_or(Trouble::Corrupt)?;
        self.worker.ports.files().finish(&key, &upload, &self.plan.parts).await?;
        self.job.state = JobState::Done;
        self.job.file = Some(key);
        self.job.total = Some(self.job.done);
        self.job.finished_at = Some(self.worker.now());
        self.plan.lease_until = None;
        self.save().await?;
        report.jobs_done += 1;
        Ok(Ended::Over)
    }

    async fn save(&mut self) -> Result<(), Trouble> {
        self.job.plan = self.plan.value();
        self.job.updated_at = self.worker.now();
        self.worker.ports.jobs().save_job(&self.job).await?;
        self.job.rev += 1;
        Ok(())
    }
}
