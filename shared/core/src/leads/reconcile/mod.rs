//! Reconciliation: leads that no webhook told of are found in their forms' lists, and each day's completeness is known.
//!
//! ```text
//!  tick ──► turn? ──► every page: Page ──► subscription · forms ──► each form: begin a run, Form
//!                                                                            │
//!        ┌── state saved, Form sent again, while the list goes on ◄── a page of the list: known? take!
//!        ▼                                                                   │
//!  a page of the list …                     end: each day's check, jobs, watermark ──► report
//! ```
//!
//! Each message can be delivered twice, and each step done twice: leads are stored once, counts are saved with the
//! cursor that they belong to, and of two that work on one run the one that saves first goes on.
//!
//! | file | is about |
//! |---|---|
//! | `state` | what is stored of a form between messages, and when a new run begins |
//! | `page` | looking at a page: its forms, whose runs begin |
//! | `subscription` | whether Meta still announces the page's leads |
//! | `form` | going on with a form's run |
//! | `finish` | the end of a run: checks, watermark, report |
//! | `progress` | jobs that wait for runs |

mod finish;
mod form;
mod page;
mod progress;
mod state;
mod subscription;

use super::calling::Trouble;
use super::desk::{LeadDesk, Ports};
use super::work::{LeadWork, WORK_VERSION};
use crate::ids::{PageId, TenantId};
use crate::ports::config::PageDirectory as _;
use crate::ports::leads::LeadOutbox as _;
use crate::ports::queue::{EventQueue as _, Outgoing};
use crate::time::UnixMillis;

pub use finish::FormReport;
pub use form::{FormLook, FormSlice, FormTask};
pub use page::{PageLook, PageReport, PageTask};
pub use progress::SyncPlan;
pub use subscription::Announcing;

/// Names the turn that one process takes at each interval.
const TURN: &str = "reconcile";

/// Pages that one message to the queue's adapter brings at once.
const PAGES_AT_ONCE: usize = 100;

/// What a tick queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tick {
    /// Pages that are to be looked at.
    pub pages: u64,
    /// Whether time ran out before all pages were queued. The others wait for the next turn.
    pub cut: bool,
}

impl<P: Ports> LeadDesk<P> {
    /// Has every page of every tenant looked at, once each [`super::Settings::reconcile_interval_s`] over all processes.
    /// After `until` no more are queued.
    ///
    /// # Errors
    /// [`Trouble::Unavailable`]; what was not queued waits for the next turn.
    pub async fn reconcile_tick(&self, until: UnixMillis) -> Result<Tick, Trouble> {
        let interval_ms = self.settings.reconcile_interval_s.saturating_mul(1_000);
        let mut tick = Tick::default();
        if !self.ports.leads().turn(TURN, self.now(), interval_ms).await? {
            return Ok(tick);
        }
        let mut after: Option<(TenantId, PageId)> = None;
        loop {
            let pages = self.ports.config().pages(after.as_ref(), PAGES_AT_ONCE).await?;
            let Some(last) = pages.last() else { return Ok(tick) };
            after = Some(last.clone());
            let work = pages.into_iter().map(|(tenant, page)| LeadWork::Page {
                v: WORK_VERSION,
                tenant,
                page,
                attempt: 0,
                days: None,
                job: None,
            });
            let work: Vec<_> = work.collect();
            tick.pages += u64::try_from(work.len()).unwrap_or(u64::MAX);
            self.queue(work, 0).await?;
            if self.now() >= until {
                tick.cut = true;
                return Ok(tick);
            }
        }
    }

    /// Puts work on the queue, to be received after `delay_s`.
    async fn queue(&self, work: Vec<LeadWork>, delay_s: u16) -> Result<(), Trouble> {
        let message = |work: LeadWork| {
            let body = work.body().map_err(|error| Trouble::Unavailable(error.to_string()))?;
            Ok(Outgoing { body, group: work.group().to_string(), delay_s })
        };
        let messages = work.into_iter().map(message).collect::<Result<Vec<_>, Trouble>>()?;
        if messages.is_empty() {
            return Ok(());
        }
        let sent: Result<(), _> = self.ports.leads_queue().send(messages).await.into_iter().collect();
        sent.map_err(|error| Trouble::Unavailable(error.to_string()))
    }
}
