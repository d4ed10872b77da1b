//! What an invocation did, for metrics and the log.

/// Counts of an invocation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Calls that a receiver took.
    pub delivered: u64,
    /// Calls that failed and are tried again.
    pub retried: u64,
    /// Calls that are given up.
    pub dead: u64,
    /// Calls that were not to be made: the lead or the webhook is gone, or the receiver has it already.
    pub needless: u64,
    /// Rows written to parts of files.
    pub rows: u64,
    /// Rows among them whose sealed part did not open.
    pub unreadable: u64,
    /// Jobs that ended.
    pub jobs_done: u64,
    /// Jobs that failed.
    pub jobs_failed: u64,
    /// Messages sent anew.
    pub resent: u64,
    /// Messages whose handling panicked.
    pub panics: u64,
}

impl Report {
    /// Adds up.
    pub const fn add(&mut self, other: &Self) {
        let Self {
            delivered,
            retried,
            dead,
            needless,
            rows,
            unreadable,
            jobs_done,
            jobs_failed,
            resent,
            panics,
        } = other;
        self.delivered += *delivered;
        self.retried += *retried;
        self.dead += *dead;
        self.needless += *needless;
        self.rows += *rows;
        self.unreadable += *unreadable;
        self.jobs_done += *jobs_done;
        self.jobs_failed += *jobs_failed;
        self.resent += *resent;
        self.panics += *panics;
    }
}
