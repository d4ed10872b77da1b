//! What an invocation did with leads.

/// Counts of one invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Leads that messages announced.
    pub announced: u64,
    /// Those of pages that no tenant has, or that are disabled.
    pub unowned: u64,
    /// Leads stored for the first time.
    pub stored: u64,
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
    /// Messages on which the work panicked.
    pub panics: u64,
}

impl Report {
    /// Takes another part's counts in.
    pub fn add(&mut self, other: &Self) {
        let Self {
            announced,
            unowned,
            stored,
            repeated,
            deferred,
            given_up,
            feedback_queued,
            feedback_skipped,
            swept,
            unswept,
            panics,
        } = *other;
        self.announced += announced;
        self.unowned += unowned;
        self.stored += stored;
        self.repeated += repeated;
        self.deferred += deferred;
        self.given_up += given_up;
        self.feedback_queued += feedback_queued;
        self.feedback_skipped += feedback_skipped;
        self.swept += swept;
        self.unswept += unswept;
        self.panics += panics;
    }
}
