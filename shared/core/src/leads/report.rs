//! What an invocation did with leads.

use std::sync::atomic::{AtomicU64, Ordering};

use super::reconcile::FormReport;

/// Counts of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Leads that messages announced.
    pub announced: u64,
    /// Those of pages that no tenant has, or that are disabled.
    pub unowned: u64,
    /// Leads stored for the first time, by whichever way.
    pub stored: u64,
    /// Those of them that reconciliation found.
    pub found_by_poll: u64,
    /// Pages found not to send us their leads, whether or not they do again now.
    pub unsubscribed: u64,
    /// Pages and forms that could not be looked at for now.
    pub looks_failed: u64,
    /// What runs through forms' lists found that came to their end.
    pub forms: Vec<FormReport>,
    /// Leads that had been stored before.
    pub repeated: u64,
    /// Leads that are tried again later.
    pub deferred: u64,
    /// Leads that are not tried any more.
    pub given_up: u64,
    /// Stage events queued for Meta.
    pub feedback_queued: u64,
    /// Stage events that are not sent.
    pub feedback_skipped: u64,
    /// Entries of the outbox that a sweep told.
    pub swept: u64,
    /// Entries of the outbox that a sweep could not tell.
    pub unswept: u64,
    /// Connections found to need attention.
    pub attention: u64,
    /// Messages or leads on which the work panicked.
    pub panics: u64,
}

/// What is counted deep inside, until a report takes it: a process works on one invocation at a time.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) feedback_queued: AtomicU64,
    pub(super) feedback_skipped: AtomicU64,
    pub(super) attention: AtomicU64,
}

impl Tally {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Report {
    /// Takes in what was counted since the last time.
    pub(super) fn take(&mut self, tally: &Tally) {
        for (place, counter) in [
            (&mut self.feedback_queued, &tally.feedback_queued),
            (&mut self.feedback_skipped, &tally.feedback_skipped),
            (&mut self.attention, &tally.attention),
        ] {
            *place += counter.swap(0, Ordering::Relaxed);
        }
    }

    /// Takes another part's counts in.
    pub fn add(&mut self, other: Self) {
        let Self {
            announced,
            unowned,
            stored,
            found_by_poll,
            unsubscribed,
            looks_failed,
            forms,
            repeated,
            deferred,
            given_up,
            feedback_queued,
            feedback_skipped,
            swept,
            unswept,
            attention,
            panics,
        } = other;
        self.announced += announced;
        self.unowned += unowned;
        self.stored += stored;
        self.found_by_poll += found_by_poll;
        self.unsubscribed += unsubscribed;
        self.looks_failed += looks_failed;
        self.forms.extend(forms);
        self.repeated += repeated;
        self.deferred += deferred;
        self.given_up += given_up;
        self.feedback_queued += feedback_queued;
        self.feedback_skipped += feedback_skipped;
        self.swept += swept;
        self.unswept += unswept;
        self.attention += attention;
        self.panics += panics;
    }
}
