//! Going on with a form's run: page by page of Meta's list, what is not stored yet is taken.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::finish::FormReport;
use super::progress::{Step, reason};
use super::state::{Run, SyncState};
use crate::ids::{FormId, LeadId, PageId, TenantId};
use crate::leads::calling::Trouble;
use crate::leads::desk::{LeadDesk, Ports};
use crate::leads::lead::{Arrival, Submission};
use crate::leads::place::Place;
use crate::leads::take::Taken;
use crate::leads::work::{LeadWork, WORK_VERSION};
use crate::ports::StoreError;
use crate::ports::leads::{LeadStore as _, SyncStore as _};
use crate::ports::leads_api::{LeadsApi as _, Rows};
use crate::ports::meta::MetaError;
use crate::time::UnixMillis;

/// Leads that are taken at once.
const TAKEN_AT_ONCE: usize = 4;

/// Pages of a list that one message looks through.
const MAX_PAGES_PER_MESSAGE: u32 = 100;

/// Pages of a list that one run looks through, of ≤ 100 leads each: a list that goes on for ever is a mistake.
const MAX_PAGES_PER_RUN: u32 = 20_000;

/// How often a run begins again because Meta has forgotten its cursor.
const MAX_RESTARTS: u32 = 3;

/// Tries after which a lead that can't be stored keeps the others waiting no longer.
const MISSED_AFTER_TRIES: u32 = 3;

/// Tries after which a message that can't even read the run's state is given up: about two days.
const MAX_TRIES: u32 = 200;

/// What goes on with a form's run ([`LeadWork::Form`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormTask {
    /// Whose.
    pub tenant: TenantId,
    /// Of which page.
    pub page: PageId,
    /// Which.
    pub form: FormId,
    /// The run that is to go on.
    pub run: String,
    /// How often this has been sent anew without getting further.
    pub attempt: u32,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormSlice {
    /// Leads that were found and stored.
    pub found: u64,
    /// How the run stands.
    pub look: FormLook,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormLook {
    /// It has ended.
    Ended(FormReport),
    /// It goes on with the next message.
    GoesOn,
    /// It goes on later: the message was sent anew.
    Later(Trouble),
    /// It is not tried any more; another one begins in its time.
    GivenUp(Trouble),
    /// It is over, or somebody else is at it.
    Stale,
}

/// A run as it was read, with the revision under which it is saved.
pub(super) struct Reading<'a> {
    pub(super) task: &'a FormTask,
    pub(super) place: Arc<Place>,
    pub(super) rev: u64,
    pub(super) watermark_s: Option<i64>,
    pub(super) run: Run,
}

/// Why a slice ends before the list does.
pub(super) enum Halt {
    /// It may go on later.
    Trouble(Trouble),
    /// The list can't be read to its end.
    Over(Trouble),
    /// Somebody else is at it.
    Stale,
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Stale,
            error => Self::Trouble(error.into()),
        }
    }
}

impl FormTask {
    fn again(&self, attempt: u32) -> LeadWork {
        LeadWork::Form {
            v: WORK_VERSION,
            tenant: self.tenant.clone(),
            page: self.page.clone(),
            form: self.form.clone(),
            run: self.run.clone(),
            attempt,
        }
    }
}

impl<P: Ports> LeadDesk<P> {
    /// Goes on with a form's run from its cursor on. After `until` no further lead is begun with; a few always are.
    ///
    /// # Errors
    /// [`Trouble`] where not even the message could be sent anew: it is to be delivered again.
    pub async fn look_through_form(&self, task: &FormTask, until: UnixMillis) -> Result<FormSlice, Trouble> {
        let mut reading = match self.reading(task).await {
            Ok(Some(reading)) => reading,
            Ok(None) => return Ok(FormSlice { found: 0, look: FormLook::Stale }),
            Err(trouble) => {
                let look = self.later(task, task.attempt, trouble).await?;
                return Ok(FormSlice { found: 0, look });
            }
        };
        let (steps, found) = (reading.run.steps, reading.run.found);
        let ended = match self.slice(&mut reading, until).await {
            Ok(false) if reading.run.steps == steps && reading.run.is_stale(self.now()) => {
                Err(Halt::Over(Trouble::Retry))
            }
            Ok(false) => {
                let attempt = if reading.run.steps > steps { 0 } else { task.attempt };
                self.queue(vec![task.again(attempt)], 0).await?;
                Ok(FormLook::GoesOn)
            }
            Ok(true) => self.finish(&reading).await.map(FormLook::Ended),
            Err(halt) => Err(halt),
        };
        let look = match ended {
            Ok(look) => look,
            Err(Halt::Stale) => FormLook::Stale,
            Err(Halt::Over(trouble)) => self.give_up(&reading, trouble).await?,
            Err(Halt::Trouble(trouble)) if reading.run.is_stale(self.now()) => {
                self.give_up(&reading, trouble).await?
            }
            Err(Halt::Trouble(trouble)) => {
                let attempt = if reading.run.steps > steps { 0 } else { task.attempt };
                self.later(task, attempt, trouble).await?
            }
        };
        Ok(FormSlice { found: reading.run.found - found, look })
    }

    /// The run that the message is about; nothing where it is over, or its page is gone.
    async fn reading<'a>(&self, task: &'a FormTask) -> Result<Option<Reading<'a>>, Trouble> {
        let (rev, stored) = self.ports.leads().sync_state(&task.tenant, &task.form).await?;
        let state = SyncState::read(stored);
        let Some(run) = state.run.filter(|run| run.id == task.run) else { return Ok(None) };
        let place = self.place(&task.tenant, &task.page).await?.filter(|place| place.page.enabled);
        let Some(place) = place else {
            let lost = Step::FormLost(&task.form, "page_unknown");
            self.advance_all(&task.tenant, &run.jobs, lost).await?;
            return Ok(None);
        };
        Ok(Some(Reading { task, place, rev, watermark_s: state.watermark_s, run }))
    }

    /// Looks through the list until its end (`true`) or until time is up. The list's last page is not saved but by what
    /// ends the run: should that fail, it is looked through again.
    async fn slice(&self, reading: &mut Reading<'_>, until: UnixMillis) -> Result<bool, Halt> {
        let mut attempt = reading.task.attempt;
        for _ in 0..MAX_PAGES_PER_MESSAGE {
            if reading.run.steps >= MAX_PAGES_PER_RUN {
                return Err(Halt::Over(Trouble::Refused(MetaError::default())));
            }
            let Some(rows) = self.rows(reading).await? else { continue };
            let last = rows.after.is_none();
            if !self.take_rows(reading, rows, attempt, until).await? {
                break;
            }
            if last {
                return Ok(true);
            }
            self.save(reading).await?;
            attempt = 0;
            if self.now() >= until {
                break;
            }
        }
        Ok(false)
    }

    /// The next page of the list; nothing where Meta has forgotten the cursor, and the run begins again.
    async fn rows(&self, reading: &mut Reading<'_>) -> Result<Option<Rows<Submission>>, Halt> {
        let (run, form) = (&mut reading.run, &reading.task.form);
        let credentials = self.ready(&reading.place).await?;
        // Meta takes what is later than an instant; the first second of a day belongs to it.
        let since_s = run.since_s - 1;
        let answered = self.ports.meta().form_leads(&credentials, form, since_s, run.after.as_deref()).await;
        match self.heard(&reading.place, answered).await {
            Ok(rows) => Ok(Some(rows)),
            Err(Trouble::Refused(_)) if run.after.is_some() && run.restarts < MAX_RESTARTS => {
                run.restart(self.now());
                self.save(reading).await?;
                Ok(None)
            }
            Err(trouble @ Trouble::Refused(_)) => Err(Halt::Over(trouble)),
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Takes the leads of a page that are not stored yet, and counts all of them: whether there was time for that. Where
    /// there was not, those that were taken are known the next time.
    async fn take_rows(
        &self,
        reading: &mut Reading<'_>,
        rows: Rows<Submission>,
        attempt: u32,
        until: UnixMillis,
    ) -> Result<bool, Halt> {
        let (task, place) = (reading.task, Arc::clone(&reading.place));
        let ids: Vec<LeadId> = rows.rows.iter().map(|row| row.id.clone()).collect();
        let mut stored = self.ports.leads().known(&task.tenant, &ids).await?;
        let leads: Vec<(LeadId, i64)> =
            rows.rows.iter().map(|row| (row.id.clone(), row.created_at_s)).collect();
        let fresh = rows.rows.into_iter().filter(|row| !stored.contains(&row.id)).collect::<Vec<_>>();
        let in_time = |nth: usize| nth < TAKEN_AT_ONCE || self.now() < until;
        let (place, count) = (&place, fresh.len());
        let taking = fresh.into_iter().enumerate().map(|(nth, submission)| async move {
            if in_time(nth) { Some(self.take_row(place, task, submission).await) } else { None }
        });
        let taken: Vec<_> = stream::iter(taking).buffer_unordered(TAKEN_AT_ONCE).collect().await;
        let (mut tried, mut missed) = (0, None);
        for (id, taken) in taken.into_iter().flatten() {
            tried += 1;
            match taken {
                Ok(taken) => {
                    reading.run.found += u64::from(taken == Taken::Stored);
                    stored.insert(id);
                }
                Err(trouble) => missed = Some(trouble),
            }
        }
        // A lead that can't be stored is tried again, but does not keep the others waiting for ever: completeness tells.
        if let Some(trouble) = missed.filter(|_| attempt < MISSED_AFTER_TRIES) {
            return Err(Halt::Trouble(trouble));
        }
        if tried < count {
            return Ok(false);
        }
        let leads = leads.into_iter().map(|(id, at_s)| (id.clone(), at_s, stored.contains(&id)));
        reading.run.count(&leads.collect::<Vec<_>>(), rows.unreadable, rows.after, self.now());
        Ok(true)
    }

    async fn take_row(
        &self,
        place: &Place,
        task: &FormTask,
        submission: Submission,
    ) -> (LeadId, Result<Taken, Trouble>) {
        let id = submission.id.clone();
        // A lead on which the work panics is one that can't be stored, and no more.
        let taking = AssertUnwindSafe(self.take(place, &task.form, submission, Arrival::Poll));
        let panicked = |_| Err(Trouble::Unavailable("panicked".to_owned()));
        (id, taking.catch_unwind().await.unwrap_or_else(panicked))
    }

    async fn save(&self, reading: &mut Reading<'_>) -> Result<(), Halt> {
        let state = SyncState { watermark_s: reading.watermark_s, run: Some(reading.run.clone()) };
        self.save_state(reading.task, reading.rev, &state).await?;
        reading.rev += 1;
        Ok(())
    }

    pub(super) async fn save_state(
        &self,
        task: &FormTask,
        rev: u64,
        state: &SyncState,
    ) -> Result<(), StoreError> {
        let leads = self.ports.leads();
        leads.save_sync_state(&task.tenant, &task.form, rev, &state.document()).await
    }

    /// Sends the message anew, as one that has been tried `attempt` times.
    async fn later(&self, task: &FormTask, attempt: u32, trouble: Trouble) -> Result<FormLook, Trouble> {
        if attempt >= MAX_TRIES {
            return Ok(FormLook::GivenUp(trouble));
        }
        let (attempt, delay_s) = match &trouble {
            Trouble::NotBefore(until) => (attempt, self.delay_until_s(*until)),
            _ => (attempt + 1, self.delay_s(attempt + 1)),
        };
        self.queue(vec![task.again(attempt)], delay_s).await?;
        Ok(FormLook::Later(trouble))
    }

    /// Ends a run before its time: the watermark stays, so that the next one looks at the same again.
    async fn give_up(&self, reading: &Reading<'_>, trouble: Trouble) -> Result<FormLook, Trouble> {
        let task = reading.task;
        let lost = Step::FormLost(&task.form, reason(&trouble));
        self.advance_all(&task.tenant, &reading.run.jobs, lost).await?;
        let state = SyncState { watermark_s: reading.watermark_s, run: None };
        match self.save_state(task, reading.rev, &state).await {
            Ok(()) => Ok(FormLook::GivenUp(trouble)),
            Err(StoreError::Conflict) => Ok(FormLook::Stale),
            Err(error) => Err(error.into()),
        }
    }
}
