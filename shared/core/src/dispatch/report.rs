//! What an invocation did, in numbers.

/// Counts of one invocation: ids and contents never get in here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Events that Meta took.
    pub sent: u64,
    /// Events that Meta refused for good.
    pub rejected: u64,
    /// Events that grew too old.
    pub expired: u64,
    /// Events that were not to be sent.
    pub skipped: u64,
    /// Events of people who were erased.
    pub erased: u64,
    /// Copies of events that were sent already.
    pub repeats: u64,
    /// Events put on the queue again.
    pub resent: u64,
    /// Events put into the waiting room.
    pub parked: u64,
    /// Events put on the queue from the waiting room.
    pub released: u64,
    /// Receipts that could not be written; their events go out again and Meta deduplicates them.
    pub receipts_failed: u64,
    /// Calls that Meta accepted.
    pub calls_ok: u64,
    /// Calls that Meta refused, by whatever reason.
    pub calls_refused: u64,
    /// Calls that failed on the way or on Meta's side.
    pub calls_failed: u64,
    /// Calls that Meta answered with a limit.
    pub calls_limited: u64,
    /// The largest request in events.
    pub batch_size_max: u64,
    /// Sum of milliseconds from queueing to Meta's yes, over `sent`.
    pub latency_sum_ms: u64,
    /// The longest of them.
    pub latency_max_ms: u64,
    /// Seconds until the first deadline of the events that still wait; absent where none do.
    pub seconds_to_deadline_min: Option<i64>,
    /// Events sent with an e-mail, phone or external id.
    pub matchable: u64,
    /// Pixels or connections found to need attention.
    pub attention: u64,
    /// Groups whose handling panicked.
    pub panics: u64,
}

impl Report {
    pub(super) fn panicked() -> Self {
        Self { panics: 1, ..Self::default() }
    }

    pub(super) fn deadline(&mut self, seconds: i64) {
        self.seconds_to_deadline_min =
            Some(self.seconds_to_deadline_min.map_or(seconds, |least| least.min(seconds)));
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.sent, other.sent),
            (&mut self.rejected, other.rejected),
            (&mut self.expired, other.expired),
            (&mut self.skipped, other.skipped),
            (&mut self.erased, other.erased),
            (&mut self.repeats, other.repeats),
            (&mut self.resent, other.resent),
            (&mut self.parked, other.parked),
            (&mut self.released, other.released),
            (&mut self.receipts_failed, other.receipts_failed),
            (&mut self.calls_ok, other.calls_ok),
            (&mut self.calls_refused, other.calls_refused),
            (&mut self.calls_failed, other.calls_failed),
            (&mut self.calls_limited, other.calls_limited),
            (&mut self.latency_sum_ms, other.latency_sum_ms),
            (&mut self.matchable, other.matchable),
            (&mut self.attention, other.attention),
            (&mut self.panics, other.panics),
        ] {
            *mine += theirs;
        }
        self.batch_size_max = self.batch_size_max.max(other.batch_size_max);
        self.latency_max_ms = self.latency_max_ms.max(other.latency_max_ms);
        if let Some(seconds) = other.seconds_to_deadline_min {
            self.deadline(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(from: u64) -> Report {
        let mut next = from;
        let mut number = || {
            next += 1;
            next
        };
        Report {
            sent: number(),
            rejected: number(),
            expired: number(),
            skipped: number(),
            erased: number(),
            repeats: number(),
            resent: number(),
            parked: number(),
            released: number(),
            receipts_failed: number(),
            calls_ok: number(),
            calls_refused: number(),
            calls_failed: number(),
            calls_limited: number(),
            latency_sum_ms: number(),
            matchable: number(),
            attention: number(),
            panics: number(),
            ..Report::default()
        }
    }

    #[test]
    fn counts_add_up_and_extremes_stay() {
        let mut sum =
            Report { batch_size_max: 7, latency_max_ms: 9, seconds_to_deadline_min: Some(5), ..report(100) };
        let other = Report {
            batch_size_max: 8,
            latency_max_ms: 3,
            seconds_to_deadline_min: Some(-4),
            ..report(1_000)
        };
        sum.add(&other);
        // From 101 and 1,001 on, so that no two fields have the same sum.
        let mut expected = report(0);
        for (nth, field) in [
            &mut expected.sent,
            &mut expected.rejected,
            &mut expected.expired,
            &mut expected.skipped,
            &mut expected.erased,
            &mut expected.repeats,
            &mut expected.resent,
            &mut expected.parked,
            &mut expected.released,
            &mut expected.receipts_failed,
            &mut expected.calls_ok,
            &mut expected.calls_refused,
            &mut expected.calls_failed,
            &mut expected.calls_limited,
            &mut expected.latency_sum_ms,
            &mut expected.matchable,
            &mut expected.attention,
            &mut expected.panics,
        ]
        .into_iter()
        .enumerate()
        {
            *field = 1_102 + 2 * nth as u64;
        }
        (expected.batch_size_max, expected.latency_max_ms) = (8, 9);
        expected.seconds_to_deadline_min = Some(-4);
        assert_eq!(sum, expected);
        sum.add(&Report::default());
        assert_eq!(sum, expected);
        sum.add(&Report { batch_size_max: 1, seconds_to_deadline_min: Some(60), ..Report::default() });
        assert_eq!(sum, expected, "neither larger nor sooner");
    }

    #[test]
    fn a_panic_is_one_panic_and_nothing_else() {
        assert_eq!(Report::panicked(), Report { panics: 1, ..Report::default() });
    }
}
