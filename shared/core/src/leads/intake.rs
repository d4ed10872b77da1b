//! From an announcement to a stored lead, or to another try.
//!
//! A message is done with only when each of its leads is stored, is nobody's, is on the queue again, or is noted as missing
//! and given up. So nothing but bugs and what can't be read reaches the dead letters.

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::calling::Trouble;
use super::desk::{LeadDesk, Ports};
use super::lead::{Arrival, MissingLead};
use super::place::Place;
use super::reconcile::{Announcing, FormLook, FormTask, PageLook, PageTask};
use super::report::Report;
use super::take::Taken;
use super::work::{Announced, LeadWork, WORK_VERSION};
use crate::ids::PageId;
use crate::ports::leads::{LeadStore as _, SyncStore as _};
use crate::ports::leads_api::LeadsApi as _;
use crate::ports::queue::{EventQueue as _, Outgoing};
use crate::time::UnixMillis;

/// Messages that are worked on at the same time.
const CONCURRENT_MESSAGES: usize = 4;

/// Leads of a message that are worked on at the same time: 8 with [`CONCURRENT_MESSAGES`].
const CONCURRENT_LEADS: usize = 2;

/// What must be left of an invocation to begin with another lead, in milliseconds.
const LEAD_MS: i64 = 5_000;

/// How long a lead is tried that Meta refuses, in milliseconds: as long as Meta redelivers a webhook, 36 hours.
pub const NOT_READABLE_MS: i64 = 36 * 3_600_000;

/// How long a lead is tried for which something else has to become well first, in milliseconds: 14 days. Reconciliation
/// finds it for 90.
pub const UNWELL_MS: i64 = 14 * 86_400_000;

/// From this try on a lead stands among the missing ones.
const NOTED_FROM: u32 = 3;

/// A message of announced leads.
struct Announcement {
    page: PageId,
    received_at: UnixMillis,
    attempt: u32,
    leads: Vec<Announced>,
}

/// What became of an announced lead.
enum Outcome {
    Taken(Taken),
    GivenUp,
    /// To be tried again, later each time.
    Again(Announced),
    /// To be tried again then; it was not tried now.
    After(Announced, UnixMillis),
    /// Its message must be received again.
    Panicked,
}

impl<P: Ports> LeadDesk<P> {
    /// Works through messages until `deadline`. Returns the places of those that must be received again.
    ///
    /// A panic while a message is worked on is that message's: the others are done with.
    pub async fn handle(&self, work: Vec<LeadWork>, deadline: UnixMillis) -> (Vec<usize>, Report) {
        let results: Vec<(usize, bool, Report)> = stream::iter(work.into_iter().enumerate())
            .map(|(place, work)| async move {
                let done = AssertUnwindSafe(self.one(work, deadline)).catch_unwind().await;
                let (done, report) =
                    done.unwrap_or_else(|_| (false, Report { panics: 1, ..Report::default() }));
                (place, done, report)
            })
            .buffer_unordered(CONCURRENT_MESSAGES)
            .collect()
            .await;
        let (mut failed, mut report) = (Vec::new(), Report::default());
        for (place, done, part) in results {
            report.add(part);
            if !done {
                failed.push(place);
            }
        }
        failed.sort_unstable();
        report.take(&self.tally);
        (failed, report)
    }

    async fn one(&self, work: LeadWork, deadline: UnixMillis) -> (bool, Report) {
        match work {
            LeadWork::Announced { page, received_at, attempt, leads, .. } => {
                self.announced(Announcement { page, received_at, attempt, leads }, deadline).await
            }
            LeadWork::Page { tenant, page, attempt, days, job, .. } => {
                self.page(&PageTask { tenant, page, attempt, days, job }).await
            }
            LeadWork::Form { tenant, page, form, run, attempt, .. } => {
                let task = FormTask { tenant, page, form, run, attempt };
                self.run(&task, deadline.plus_ms(-LEAD_MS)).await
            }
        }
    }

    async fn page(&self, task: &PageTask) -> (bool, Report) {
        let mut report = Report::default();
        match self.look_at_page(task).await {
            Ok(PageLook::Looked(found)) => {
                let silent = matches!(found.announcing, Announcing::No | Announcing::Again);
                report.unsubscribed = u64::from(silent);
            }
            Ok(PageLook::Later(_) | PageLook::GivenUp(_)) => report.looks_failed = 1,
            Ok(PageLook::Gone) => {}
            Err(_) => return (false, report),
        }
        (true, report)
    }

    async fn run(&self, task: &FormTask, until: UnixMillis) -> (bool, Report) {
        let mut report = Report::default();
        let Ok(slice) = self.look_through_form(task, until).await else { return (false, report) };
        (report.stored, report.found_by_poll) = (slice.found, slice.found);
        match slice.look {
            FormLook::Ended(form) => report.forms.push(form),
            FormLook::Later(_) | FormLook::GivenUp(_) => report.looks_failed = 1,
            FormLook::GoesOn | FormLook::Stale => {}
        }
        (true, report)
    }

    async fn announced(&self, message: Announcement, deadline: UnixMillis) -> (bool, Report) {
        let count = message.leads.len() as u64;
        let mut report = Report::default();
        if message.attempt == 0 {
            report.announced = count;
        }
        let outcomes = match self.try_leads(&message, deadline).await {
            Ok(Some(outcomes)) => outcomes,
            Ok(None) => {
                report.unowned = count;
                return (true, report);
            }
            // Nothing of it could be looked at.
            Err(_) => message.leads.iter().cloned().map(Outcome::Again).collect(),
        };
        let (mut again, mut after, mut done) = (Vec::new(), Vec::new(), true);
        let mut not_before = self.now();
        for outcome in outcomes {
            match outcome {
                Outcome::Taken(Taken::Stored) => report.stored += 1,
                Outcome::Taken(Taken::Known) => report.repeated += 1,
                Outcome::GivenUp => report.given_up += 1,
                Outcome::Again(lead) => again.push(lead),
                Outcome::After(lead, at) => {
                    not_before = not_before.max(at);
                    after.push(lead);
                }
                Outcome::Panicked => {
                    report.panics += 1;
                    done = false;
                }
            }
        }
        report.deferred = (again.len() + after.len()) as u64;
        let attempt = message.attempt.saturating_add(1);
        let delays = [
            (again, attempt, self.delay_s(attempt)),
            (after, message.attempt, self.delay_until_s(not_before)),
        ];
        done &= self.send_anew(&message, delays).await;
        (done, report)
    }

    /// Nothing where the page is nobody's, or its leads are not wanted.
    async fn try_leads(
        &self,
        message: &Announcement,
        deadline: UnixMillis,
    ) -> Result<Option<Vec<Outcome>>, Trouble> {
        let Some(tenant) = self.owner(&message.page).await? else { return Ok(None) };
        let place = self.place(&tenant, &message.page).await?;
        let Some(place) = place.filter(|place| place.page.enabled) else { return Ok(None) };
        let ids: Vec<_> = message.leads.iter().map(|announced| announced.lead.clone()).collect();
        let known = self.ports.leads().known(&tenant, &ids).await?;
        let (place, known) = (&place, &known);
        let outcomes = stream::iter(message.leads.clone())
            .map(|announced| async move {
                if known.contains(&announced.lead) {
                    return Outcome::Taken(Taken::Known);
                }
                let work = self.try_lead(place, message, announced, deadline);
                AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Outcome::Panicked)
            })
            .buffer_unordered(CONCURRENT_LEADS)
            .collect()
            .await;
        Ok(Some(outcomes))
    }

    async fn try_lead(
        &self,
        place: &Place,
        message: &Announcement,
        announced: Announced,
        deadline: UnixMillis,
    ) -> Outcome {
        if self.now().plus_ms(LEAD_MS) > deadline {
            return Outcome::After(announced, self.now());
        }
        match self.fetch(place, &announced).await {
            Ok(taken) => Outcome::Taken(taken),
            Err(Trouble::NotBefore(until)) => Outcome::After(announced, until),
            Err(trouble) => self.missed(place, message, announced, &trouble).await,
        }
    }

    async fn fetch(&self, place: &Place, announced: &Announced) -> Result<Taken, Trouble> {
        let credentials = self.ready(place).await?;
        let answered = self.ports.meta().lead(&credentials, &announced.lead).await;
        let mut submission = self.heard(place, answered).await?;
        // Who may not read ads is not told the ad by the lead; the announcement names it.
        submission.ads.ad_id = submission.ads.ad_id.or_else(|| announced.ad.clone());
        let form = submission.form.clone().or_else(|| announced.form.clone());
        let form = form.ok_or(Trouble::attention("form_unknown"))?;
        self.take(place, &form, submission, Arrival::Webhook).await
    }

    /// A lead that could not be had: it is tried again, noted as missing from the third try on, and given up in the end.
    async fn missed(
        &self,
        place: &Place,
        message: &Announcement,
        announced: Announced,
        trouble: &Trouble,
    ) -> Outcome {
        let (reason, code, patience_ms) = match trouble {
            Trouble::Refused(error) => ("not_readable", Some(error.code), NOT_READABLE_MS),
            Trouble::Attention { reason, code } => (*reason, *code, UNWELL_MS),
            Trouble::Retry | Trouble::NotBefore(_) => ("meta_unavailable", None, UNWELL_MS),
            Trouble::Unavailable(_) => ("unavailable", None, UNWELL_MS),
        };
        let attempts = message.attempt.saturating_add(1);
        let given_up = self.now().ms_since(message.received_at) >= patience_ms;
        // Not each time: an outage must not cost a write per lead and try.
        let telling = attempts == NOTED_FROM || (attempts > NOTED_FROM && attempts.is_power_of_two());
        if !given_up && !telling {
            return Outcome::Again(announced);
        }
        let missing = MissingLead {
            tenant: place.page.tenant_id.clone(),
            id: announced.lead.clone(),
            page: message.page.clone(),
            form: announced.form.clone(),
            announced_at: message.received_at,
            attempts,
            reason: reason.to_owned(),
            code: code.filter(|code| *code != 0),
            given_up,
        };
        match self.ports.leads().note_missing(&missing).await {
            Ok(()) if given_up => Outcome::GivenUp,
            Ok(()) | Err(_) => Outcome::Again(announced),
        }
    }

    /// Whether everything is on the queue again.
    async fn send_anew(&self, message: &Announcement, delays: [(Vec<Announced>, u32, u16); 2]) -> bool {
        let mut messages = Vec::new();
        for (leads, attempt, delay_s) in delays {
            if leads.is_empty() {
                continue;
            }
            let (page, received_at) = (message.page.clone(), message.received_at);
            let work = LeadWork::Announced { v: WORK_VERSION, page, received_at, attempt, leads };
            let Ok(body) = work.body() else { return false };
            messages.push(Outgoing { body, group: message.page.to_string(), delay_s });
        }
        messages.is_empty() || self.ports.leads_queue().send(messages).await.iter().all(Result::is_ok)
    }
}
