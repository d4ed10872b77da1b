//! Jobs that wait for runs: how many forms are looked through, of how many.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ids::{FormId, JobId, PageId, TenantId};
use crate::jobs::{Job, JobState};
use crate::leads::calling::Trouble;
use crate::leads::desk::{LeadDesk, Ports};
use crate::ports::StoreError;
use crate::ports::clock::{Clock as _, Entropy as _};
use crate::ports::jobs::JobStore as _;
use crate::time::UnixMillis;

/// How often a job is read again where somebody else was faster: a page's forms may end together.
const SAVE_TRIES: u32 = 20;

/// The longest wait before the next try, in milliseconds.
const SAVE_WAIT_MS: u64 = 50;

/// The plan of a [`crate::jobs::JobKind::LeadSync`] job: what it was asked for, and what is still to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncPlan {
    /// Days to look back; absent: from the watermarks on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u16>,
    /// Pages that are to be looked at, one message each.
    pub pages: BTreeSet<PageId>,
    /// Pages that were looked at: their forms are counted in the job's total.
    pub seen: BTreeSet<PageId>,
    /// Forms that are still to be looked through.
    pub open: BTreeSet<FormId>,
}

impl SyncPlan {
    /// To look at these pages.
    pub fn new(pages: impl IntoIterator<Item = PageId>, days: Option<u16>) -> Self {
        Self { days, pages: pages.into_iter().collect(), ..Self::default() }
    }

    fn is_done(&self) -> bool {
        self.open.is_empty() && self.pages.is_subset(&self.seen)
    }
}

/// What happened that a job waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// A page was looked at: these forms are to be looked through.
    Page(&'a PageId, &'a [FormId]),
    /// A page can't be looked at, for this reason: a stable code.
    PageLost(&'a PageId, &'a str),
    /// A form was looked through.
    Form(&'a FormId),
    /// A form can't be looked through, for this reason: a stable code.
    FormLost(&'a FormId, &'a str),
}

/// A stable code for why a page or form was lost.
pub(super) const fn reason(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Retry => "no_answer",
        Trouble::NotBefore(_) => "limit_reached",
        Trouble::Attention { reason, .. } => reason,
        Trouble::Refused(_) => "refused",
        Trouble::Unavailable(_) => "unavailable",
    }
}

impl Step<'_> {
    /// Takes the step in a job; whether that changes anything.
    fn take(self, job: &mut Job, now: UnixMillis) -> bool {
        let mut plan: SyncPlan = serde_json::from_value(job.plan.clone()).unwrap_or_default();
        let changed = match self {
            Self::Page(page, forms) => {
                let first = plan.seen.insert(page.clone());
                if first {
                    let count = u64::try_from(forms.len()).unwrap_or(u64::MAX);
                    job.total = Some(job.total.unwrap_or(0) + count);
                    plan.open.extend(forms.iter().cloned());
                }
                first
            }
            Self::PageLost(page, _) => plan.seen.insert(page.clone()),
            Self::Form(form) | Self::FormLost(form, _) => plan.open.remove(form),
        };
        if !changed {
            return false;
        }
        if let Self::PageLost(_, reason) | Self::FormLost(_, reason) = self {
            job.error = Some(reason.to_owned());
        }
        let open = u64::try_from(plan.open.len()).unwrap_or(u64::MAX);
        job.done = job.total.unwrap_or(0).saturating_sub(open);
        job.state = match (plan.is_done(), &job.error) {
            (false, _) => JobState::Running,
            (true, None) => JobState::Done,
            (true, Some(_)) => JobState::Failed,
        };
        job.finished_at = plan.is_done().then_some(now);
        job.updated_at = now;
        // A plan of ids and numbers is always JSON.
        job.plan = serde_json::to_value(&plan).unwrap_or_default();
        true
    }
}

impl<P: Ports> LeadDesk<P> {
    /// Takes a step in a job, once however often it is told. A job that is no more is nobody's loss.
    pub(super) async fn advance(&self, tenant: &TenantId, id: &JobId, step: Step<'_>) -> Result<(), Trouble> {
        let (jobs, clock) = (self.ports.jobs(), self.ports.clock());
        for _ in 0..SAVE_TRIES {
            let Some(mut job) = jobs.job(tenant, id).await? else { return Ok(()) };
            if !step.take(&mut job, self.now()) {
                return Ok(());
            }
            match jobs.save_job(&job).await {
                Err(StoreError::Conflict) => clock.sleep_ms(self.ports.entropy().up_to(SAVE_WAIT_MS)).await,
                saved => return Ok(saved?),
            }
        }
        Err(Trouble::Unavailable("a job is changed by too many at once".to_owned()))
    }

    /// Takes a step in each of these jobs.
    pub(super) async fn advance_all(
        &self,
        tenant: &TenantId,
        ids: &[JobId],
        step: Step<'_>,
    ) -> Result<(), Trouble> {
        for id in ids {
            self.advance(tenant, id, step).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::JobKind;

    const NOW: UnixMillis = UnixMillis(5);

    fn job(plan: &SyncPlan) -> Job {
        Job {
            tenant: TenantId::parse("acme").unwrap(),
            id: JobId::parse("job_1").unwrap(),
            rev: 1,
            kind: JobKind::LeadSync,
            state: JobState::Queued,
            done: 0,
            total: None,
            created_at: UnixMillis(0),
            by: "key".to_owned(),
            updated_at: UnixMillis(0),
            finished_at: None,
            error: None,
            file: None,
            plan: serde_json::to_value(plan).unwrap(),
        }
    }

    fn page(id: &str) -> PageId {
        PageId::parse(id).unwrap()
    }

    fn form(id: &str) -> FormId {
        FormId::parse(id).unwrap()
    }

    #[test]
    fn a_job_is_done_when_every_form_of_every_page_is_whatever_is_told_twice() {
        let (one, two) = (page("1"), page("2"));
        let mut job = job(&SyncPlan::new([one.clone(), two.clone()], Some(7)));
        let forms = [form("11"), form("12")];
        let mut take = |step: Step<'_>| {
            let changed = step.take(&mut job, NOW);
            (changed, job.state, job.done, job.total)
        };
        assert_eq!(take(Step::Page(&one, &forms)), (true, JobState::Running, 0, Some(2)));
        assert_eq!(take(Step::Form(&forms[0])), (true, JobState::Running, 1, Some(2)));
        assert_eq!(take(Step::Page(&one, &forms)), (false, JobState::Running, 1, Some(2)));
        assert_eq!(take(Step::Form(&forms[0])), (false, JobState::Running, 1, Some(2)));
        assert_eq!(take(Step::Form(&forms[1])), (true, JobState::Running, 2, Some(2)));
        assert_eq!(take(Step::Page(&two, &[])), (true, JobState::Done, 2, Some(2)));
        assert_eq!((job.finished_at, job.error), (Some(NOW), None));
    }

    #[test]
    fn a_job_whose_page_or_form_is_lost_fails_but_ends() {
        let (one, two) = (page("1"), page("2"));
        let mut job = job(&SyncPlan::new([one.clone(), two.clone()], None));
        assert!(Step::PageLost(&one, "token_invalid").take(&mut job, NOW));
        assert_eq!((job.state, job.error.as_deref()), (JobState::Running, Some("token_invalid")));
        assert!(Step::Page(&two, &[form("5")]).take(&mut job, NOW));
        assert!(Step::FormLost(&form("5"), "refused").take(&mut job, NOW));
        assert_eq!((job.state, job.error.as_deref()), (JobState::Failed, Some("refused")));
    }
}
