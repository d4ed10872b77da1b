//! The end of a run: how complete each day is, who waited for it, and from where the next one looks.

use std::collections::BTreeMap;

use super::form::{Halt, Reading};
use super::progress::Step;
use super::state::{Counted, DAY_S, SyncState};
use crate::ids::{FormId, PageId, TenantId};
use crate::leads::desk::{LeadDesk, Ports};
use crate::leads::form::DayCheck;
use crate::ports::leads::FormStore as _;
use crate::time::UnixMillis;

/// Days that are read before and after a run's own; a store gives ≤ 100.
const MAX_DAYS_READ: i64 = 100;

/// What a run found, of the leads that were submitted since its first day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormReport {
    /// Whose.
    pub tenant: TenantId,
    /// Of which page.
    pub page: PageId,
    /// Which form.
    pub form: FormId,
    /// Leads older than 2 hours that Meta lists, those included that can't be read from its list.
    pub at_meta: u64,
    /// Those of them that are stored.
    pub stored: u64,
    /// Rows of Meta's list that could not be read.
    pub unreadable: u64,
    /// Leads that the run stored.
    pub found: u64,
    /// Stored leads that came by webhook.
    pub by_webhook: u64,
    /// Stored leads that reconciliation found.
    pub by_poll: u64,
}

impl FormReport {
    /// Stored leads of a hundred that Meta lists; absent where it lists none. 100 only where none is missing.
    #[must_use]
    pub fn completeness_percent(&self) -> Option<f64> {
        percent(self.stored, self.at_meta)
    }

    /// Of a hundred stored leads those that came by webhook; absent where there are none.
    #[must_use]
    pub fn webhook_share_percent(&self) -> Option<f64> {
        percent(self.by_webhook, self.by_webhook + self.by_poll)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a form has fewer leads than a double counts")]
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

impl<P: Ports> LeadDesk<P> {
    /// Ends a run whose list is at its end. Each step can be repeated; the run is there until the last.
    pub(super) async fn finish(&self, reading: &Reading<'_>) -> Result<FormReport, Halt> {
        let (task, run) = (reading.task, &reading.run);
        let leads = self.ports.leads();
        let to = run.started_at;
        let from_s = run.since_s.max(to.secs() - (MAX_DAYS_READ - 1) * DAY_S);
        let from = UnixMillis::from_secs(from_s).utc_day();
        let known = leads.days(&task.tenant, &task.form, &from, &to.utc_day()).await?;

        // A day on which Meta lists nothing any more is told so.
        let checked_before = known.iter().filter(|day| day.check.is_some());
        let mut days: BTreeMap<&str, Counted> =
            checked_before.map(|day| (day.day.as_str(), Counted::default())).collect();
        days.extend(run.days.iter().map(|(day, counted)| (day.as_str(), *counted)));
        let checked_at = self.now();
        for (day, Counted { at_meta, stored }) in &days {
            let check = DayCheck { at_meta: *at_meta, stored: *stored, checked_at };
            leads.check_day(&task.tenant, &task.form, day, &check).await?;
        }

        self.advance_all(&task.tenant, &run.jobs, Step::Form(&task.form)).await?;
        let state = SyncState { watermark_s: Some(run.watermark_s()), run: None };
        self.save_state(task, reading.rev, &state).await?;
        let sum = |of: fn(&Counted) -> u64| run.days.values().map(of).sum::<u64>();
        Ok(FormReport {
            tenant: task.tenant.clone(),
            page: task.page.clone(),
            form: task.form.clone(),
            at_meta: sum(|counted| counted.at_meta) + run.unreadable,
            stored: sum(|counted| counted.stored),
            unreadable: run.unreadable,
            found: run.found,
            by_webhook: known.iter().map(|day| day.by_webhook).sum(),
            by_poll: known.iter().map(|day| day.by_poll).sum(),
        })
    }
}
