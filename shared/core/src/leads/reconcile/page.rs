//! Looking at a page: whether Meta still announces its leads, its forms, and a run for each of them.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::progress::{Step, reason};
use super::state::{Start, SyncState, Wish};
use super::subscription::Announcing;
use crate::ids::{FormId, JobId, PageId, TenantId};
use crate::leads::calling::Trouble;
use crate::leads::desk::{LeadDesk, Ports};
use crate::leads::form::MetaForm;
use crate::leads::place::Place;
use crate::leads::work::{LeadWork, WORK_VERSION};
use crate::ports::StoreError;
use crate::ports::clock::Entropy as _;
use crate::ports::leads::{FormStore as _, SyncStore as _};
use crate::ports::leads_api::LeadsApi as _;

/// Pages of a page's forms that are read, of ≤ 100 each.
const MAX_FORM_PAGES: usize = 20;

/// Forms that are worked on at once.
const AT_ONCE: usize = 8;

/// How often a look that the schedule asked for is tried; the next turn looks anyway.
const SCHEDULED_TRIES: u32 = 5;

/// How often a look that a job asked for is tried: about a day.
const JOB_TRIES: u32 = 100;

/// How often a form's state is read again where somebody else was faster.
const SAVE_TRIES: usize = 5;

/// Meta's word for a form that nobody can have filled in.
const DRAFT: &str = "DRAFT";

/// Meta's words for forms that take no leads any more.
const CLOSED: [&str; 2] = ["ARCHIVED", "DELETED"];

/// A look at a page ([`LeadWork::Page`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageTask {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub page: PageId,
    /// How often this has been sent anew.
    pub attempt: u32,
    /// Days to look back, 1 to 90; absent: from the watermark on.
    pub days: Option<u16>,
    /// The job that asked for it.
    pub job: Option<JobId>,
}

/// What a look at a page found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageReport {
    /// Whether Meta announces its leads.
    pub announcing: Announcing,
    /// Its forms.
    pub forms: u64,
    /// Rows of forms that could not be read.
    pub unreadable: u64,
    /// Runs whose message was sent.
    pub runs: u64,
    /// Whether the page has more forms than are read.
    pub cut: bool,
}

/// What became of a look at a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageLook {
    /// It was looked at.
    Looked(PageReport),
    /// There is no such page, or it is disabled.
    Gone,
    /// It is looked at later: the message was sent anew.
    Later(Trouble),
    /// It is not tried any more for now.
    GivenUp(Trouble),
}

/// The forms of a page.
struct Listed {
    forms: Vec<MetaForm>,
    unreadable: u64,
    cut: bool,
}

impl PageTask {
    fn again(&self) -> LeadWork {
        LeadWork::Page {
            v: WORK_VERSION,
            tenant: self.tenant.clone(),
            page: self.page.clone(),
            attempt: self.attempt + 1,
            days: self.days,
            job: self.job.clone(),
        }
    }

    fn tries(&self, trouble: &Trouble) -> u32 {
        match trouble {
            // A person must act first: a job that waits for that would wait unseen.
            Trouble::Attention { .. } => SCHEDULED_TRIES,
            _ if self.job.is_some() || self.days.is_some() => JOB_TRIES,
            _ => SCHEDULED_TRIES,
        }
    }
}

impl<P: Ports> LeadDesk<P> {
    /// Looks at a page: checks its subscription, stores its forms, begins a run for each that can have leads.
    ///
    /// # Errors
    /// [`Trouble`] where not even the message could be sent anew: it is to be delivered again.
    pub async fn look_at_page(&self, task: &PageTask) -> Result<PageLook, Trouble> {
        match self.try_page(task).await {
            Ok(look) => Ok(look),
            Err(trouble) if task.attempt < task.tries(&trouble) => {
                let delay_s = match &trouble {
                    Trouble::NotBefore(until) => self.delay_until_s(*until),
                    _ => self.delay_s(task.attempt + 1),
                };
                self.queue(vec![task.again()], delay_s).await?;
                Ok(PageLook::Later(trouble))
            }
            Err(trouble) => {
                if let Some(job) = &task.job {
                    let lost = Step::PageLost(&task.page, reason(&trouble));
                    self.advance(&task.tenant, job, lost).await?;
                }
                Ok(PageLook::GivenUp(trouble))
            }
        }
    }

    async fn try_page(&self, task: &PageTask) -> Result<PageLook, Trouble> {
        let place = self.place(&task.tenant, &task.page).await?.filter(|place| place.page.enabled);
        let Some(place) = place else {
            if let Some(job) = &task.job {
                self.advance(&task.tenant, job, Step::PageLost(&task.page, "page_unknown")).await?;
            }
            return Ok(PageLook::Gone);
        };
        let announcing = self.check_subscription(&place).await?;
        let listed = self.sync_forms(&place).await?;
        let forms: Vec<&MetaForm> = listed.forms.iter().filter(|form| form.status != DRAFT).collect();
        if let Some(job) = &task.job {
            let ids: Vec<FormId> = forms.iter().map(|form| form.id.clone()).collect();
            self.advance(&task.tenant, job, Step::Page(&task.page, &ids)).await?;
        }
        let beginning: Vec<_> = forms.into_iter().map(|form| self.begin(task, form)).collect();
        let begun = stream::iter(beginning).buffer_unordered(AT_ONCE);
        let begun: Vec<Option<LeadWork>> = begun.try_collect().await?;
        let runs: Vec<LeadWork> = begun.into_iter().flatten().collect();
        let count = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
        let report = PageReport {
            announcing,
            forms: count(listed.forms.len()),
            unreadable: listed.unreadable,
            runs: count(runs.len()),
            cut: listed.cut,
        };
        self.queue(runs, 0).await?;
        Ok(PageLook::Looked(report))
    }

    /// Reads the page's forms and stores what Meta tells of them.
    async fn sync_forms(&self, place: &Place) -> Result<Listed, Trouble> {
        let (tenant, page) = (&place.page.tenant_id, &place.page.id);
        let mut listed = Listed { forms: Vec::new(), unreadable: 0, cut: true };
        let mut after: Option<String> = None;
        for _ in 0..MAX_FORM_PAGES {
            let credentials = self.ready(place).await?;
            let answered = self.ports.meta().forms(&credentials, page, after.as_deref()).await;
            let rows = self.heard(place, answered).await?;
            let at = self.now();
            // Collected first: of a closure over references inside a stream `Send` can't be proven.
            let storing = rows.rows.iter().map(|form| self.ports.leads().put_form(tenant, page, form, at));
            let storing: Vec<_> = storing.collect();
            stream::iter(storing).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            listed.forms.extend(rows.rows);
            listed.unreadable += u64::try_from(rows.unreadable).unwrap_or(u64::MAX);
            after = rows.after;
            if after.is_none() {
                listed.cut = false;
                break;
            }
        }
        Ok(listed)
    }

    /// Begins a form's run where one is due: the message that goes on with it.
    async fn begin(&self, task: &PageTask, form: &MetaForm) -> Result<Option<LeadWork>, Trouble> {
        let (tenant, leads) = (&task.tenant, self.ports.leads());
        for _ in 0..SAVE_TRIES {
            let (rev, stored) = leads.sync_state(tenant, &form.id).await?;
            let open = !CLOSED.contains(&form.status.as_str());
            let wish = Wish { now: self.now(), days: task.days, job: task.job.as_ref(), open };
            let id = hex::encode(self.ports.entropy().array::<8>());
            let (state, send) = match SyncState::read(stored).start(wish, id) {
                Start::No => return Ok(None),
                Start::Nudge(run) => return Ok(Some(message(task, form, run))),
                Start::Later => return Err(Trouble::Retry),
                Start::Join(state) => (state, false),
                Start::Begin(state) => (state, true),
            };
            match leads.save_sync_state(tenant, &form.id, rev, &state.document()).await {
                Ok(()) => {
                    let run = state.run.filter(|run| send || run.steps == 0);
                    return Ok(run.map(|run| message(task, form, run.id)));
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Trouble::Retry)
    }
}

fn message(task: &PageTask, form: &MetaForm, run: String) -> LeadWork {
    LeadWork::Form {
        v: WORK_VERSION,
        tenant: task.tenant.clone(),
        page: task.page.clone(),
        form: form.id.clone(),
        run,
        attempt: 0,
    }
}
