//! How far a form's leads have been looked through: what is stored between two messages, and when a new run begins.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{JobId, LeadId};
use crate::time::UnixMillis;

/// A day, in seconds.
pub(super) const DAY_S: i64 = 86_400;

/// How far Meta lets us look back, in days: leads can be had for so long.
pub(super) const MAX_DAYS: u16 = 90;

/// How much of what was looked through is looked through again, in seconds: leads may become readable late.
const OVERLAP_S: i64 = DAY_S;

/// A run that has not got further for so long, in milliseconds, is given up: its message is lost, or nobody lets it.
const STALE_MS: i64 = 6 * 3_600_000;

/// Leads younger than this when a run began, in milliseconds, don't count for completeness.
const UNRIPE_MS: i64 = 2 * 3_600_000;

/// Jobs that may wait for one run.
const MAX_JOBS: usize = 50;

/// What a day's leads came to so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Listed by Meta.
    pub(super) at_meta: u64,
    /// Stored, of those.
    pub(super) stored: u64,
}

/// A look through a form's leads, from an instant on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Run {
    /// Names it; a message of another one is stale.
    pub(super) id: String,
    /// The first second that is looked at: a day's (UTC), so that whole days are counted.
    pub(super) since_s: i64,
    /// When it began.
    pub(super) started_at: UnixMillis,
    /// When it last got further.
    pub(super) touched_at: UnixMillis,
    /// Meta's cursor; absent before the first page.
    pub(super) after: Option<String>,
    /// Pages of the list that were looked through.
    pub(super) steps: u32,
    /// How often Meta forgot the cursor.
    pub(super) restarts: u32,
    /// Jobs that wait for it.
    pub(super) jobs: Vec<JobId>,
    /// Ripe leads by day.
    pub(super) days: BTreeMap<String, Counted>,
    /// Leads of the page before: a list that grows meanwhile shows some twice.
    pub(super) last: Vec<LeadId>,
    /// Rows that could not be read.
    pub(super) unreadable: u64,
    /// Leads that it stored.
    pub(super) found: u64,
    /// When the oldest lead was submitted that could not be stored, unix seconds.
    pub(super) oldest_missed_s: Option<i64>,
}

/// What is stored of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SyncState {
    /// Everything submitted before, unix seconds, was looked through.
    pub(super) watermark_s: Option<i64>,
    /// The run under way.
    pub(super) run: Option<Run>,
}

/// A wish to look through a form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// When.
    pub(super) now: UnixMillis,
    /// How many days back; absent: from the watermark on.
    pub(super) days: Option<u16>,
    /// The job that waits for it.
    pub(super) job: Option<&'a JobId>,
    /// Whether the form still takes leads.
    pub(super) open: bool,
}

/// What comes of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing is to be done: a run is under way, or the form is at rest.
    No,
    /// A run has begun whose message may never have been sent: send it (again).
    Nudge(String),
    /// Store this state, which another job waits for.
    Join(SyncState),
    /// Store this state, and send its run's message.
    Begin(SyncState),
    /// Too many wait already.
    Later,
}

impl SyncState {
    /// Reads what is stored. What can't be read is begun anew: that costs a look through 90 days.
    pub(super) fn read(stored: Option<Value>) -> Self {
        stored.and_then(|stored| serde_json::from_value(stored).ok()).unwrap_or_default()
    }

    /// What is stored.
    pub(super) fn document(&self) -> Value {
        // Of ids and numbers, so it is always JSON.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// What a wish comes to; `id` names the run, should one begin.
    pub(super) fn start(&self, wish: Wish<'_>, id: String) -> Start {
        let since_s = self.since_s(wish);
        let live = self.run.as_ref().filter(|run| !run.is_stale(wish.now));
        match live {
            Some(run) if wish.days.is_none() || run.since_s <= since_s => self.join(run, wish.job),
            None if self.is_at_rest(wish) => Start::No,
            _ => self.begin(wish, since_s, id),
        }
    }

    fn join(&self, run: &Run, job: Option<&JobId>) -> Start {
        match job.filter(|job| !run.jobs.contains(job)) {
            Some(_) if run.jobs.len() >= MAX_JOBS => Start::Later,
            Some(job) => {
                let mut state = self.clone();
                if let Some(run) = &mut state.run {
                    run.jobs.push(job.clone());
                }
                Start::Join(state)
            }
            None if run.steps == 0 => Start::Nudge(run.id.clone()),
            None => Start::No,
        }
    }

    fn begin(&self, wish: Wish<'_>, since_s: i64, id: String) -> Start {
        // Whoever waited for the run that this one takes the place of waits for this one.
        let mut jobs = self.run.as_ref().map(|run| run.jobs.clone()).unwrap_or_default();
        if let Some(job) = wish.job.filter(|job| !jobs.contains(job)) {
            jobs.push(job.clone());
        }
        if jobs.len() > MAX_JOBS {
            return Start::Later;
        }
        let run = Run { id, since_s, started_at: wish.now, touched_at: wish.now, jobs, ..Run::default() };
        Start::Begin(Self { watermark_s: self.watermark_s, run: Some(run) })
    }

    /// From where to look: never later than the watermark asks for, or what lies between would be passed over.
    fn since_s(&self, wish: Wish<'_>) -> i64 {
        let days_before = |days: u16| day_start_s(wish.now.secs() - i64::from(days) * DAY_S);
        let first = days_before(MAX_DAYS);
        let from_watermark = self.watermark_s.map_or(first, |at| day_start_s(at - OVERLAP_S).max(first));
        wish.days.map_or(from_watermark, |days| days_before(days.clamp(1, MAX_DAYS)).min(from_watermark))
    }

    /// A form that takes no leads any more is looked at once a day: its page may have hundreds of them.
    fn is_at_rest(&self, wish: Wish<'_>) -> bool {
        let lately = self.watermark_s.is_some_and(|at| wish.now.secs() - at < DAY_S);
        !wish.open && wish.days.is_none() && wish.job.is_none() && lately
    }
}

impl Run {
    /// Whether nobody goes on with it.
    pub(super) fn is_stale(&self, now: UnixMillis) -> bool {
        now.ms_since(self.touched_at) >= STALE_MS
    }

    /// Whether a lead counts for completeness: Meta may take a while to announce one and to let it be read.
    fn is_ripe(&self, created_at_s: i64) -> bool {
        self.started_at.ms_since(UnixMillis::from_secs(created_at_s)) >= UNRIPE_MS
    }

    /// Counts a page of the list, its leads as (id, when submitted, whether it is stored now), and where the next begins.
    pub(super) fn count(
        &mut self,
        leads: &[(LeadId, i64, bool)],
        unreadable: usize,
        after: Option<String>,
        now: UnixMillis,
    ) {
        let mut seen: HashSet<LeadId> = self.last.drain(..).collect();
        for (id, created_at_s, stored) in leads {
            if !seen.insert(id.clone()) {
                continue;
            }
            if !stored {
                let oldest = self.oldest_missed_s.map_or(*created_at_s, |oldest| oldest.min(*created_at_s));
                self.oldest_missed_s = Some(oldest);
            }
            // Meta may list what was submitted before the first second that was asked for; its day is not counted whole.
            if self.is_ripe(*created_at_s) && *created_at_s >= self.since_s {
                let day = self.days.entry(UnixMillis::from_secs(*created_at_s).utc_day()).or_default();
                day.at_meta += 1;
                day.stored += u64::from(*stored);
            }
        }
        self.last = leads.iter().map(|(id, ..)| id.clone()).collect();
        self.unreadable += u64::try_from(unreadable).unwrap_or(u64::MAX);
        self.after = after;
        self.steps += 1;
        self.touched_at = now;
    }

    /// Begins again, where Meta no longer knows the cursor. What was stored stays stored.
    pub(super) fn restart(&mut self, now: UnixMillis) {
        self.after = None;
        self.restarts += 1;
        self.days.clear();
        self.last.clear();
        self.unreadable = 0;
        self.oldest_missed_s = None;
        self.touched_at = now;
    }

    /// The watermark after it: its start, or the oldest lead that it could not store, as long as Meta still has that one.
    pub(super) fn watermark_s(&self) -> i64 {
        let started_s = self.started_at.secs();
        let first_s = started_s - i64::from(MAX_DAYS) * DAY_S;
        self.oldest_missed_s.map_or(started_s, |missed| missed.clamp(first_s, started_s))
    }
}

/// The first second of the UTC day.
pub(super) fn day_start_s(at_s: i64) -> i64 {
    at_s.div_euclid(DAY_S) * DAY_S
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
