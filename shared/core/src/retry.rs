//! One retry policy for everything: capped exponential growth, and jitter over the whole range.

/// How long to wait between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The bound of the first wait in milliseconds.
    pub base_ms: u64,
    /// The bound of any wait in milliseconds.
    pub max_ms: u64,
}

impl Backoff {
    /// The bound of the wait after `attempt` failures, from 0: `base × 2^attempt`, at most `max`.
    #[must_use]
    pub fn bound_ms(self, attempt: u32) -> u64 {
        self.base_ms.saturating_mul(1_u64.checked_shl(attempt.min(32)).unwrap_or(u64::MAX)).min(self.max_ms)
    }

    /// Full jitter: somewhere in `0..=bound`, by a random number.
    #[must_use]
    pub fn full_jitter_ms(self, attempt: u32, random: u64) -> u64 {
        random % (self.bound_ms(attempt) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_doubling_up_to_its_cap() {
        let backoff = Backoff { base_ms: 10, max_ms: 900 };
        let bounds: Vec<u64> = (0..9).map(|attempt| backoff.bound_ms(attempt)).collect();
        assert_eq!(bounds, [10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(backoff.bound_ms(u32::MAX), 900);
    }

    #[test]
    fn jitter_stays_within_the_bound() {
        let backoff = Backoff { base_ms: 10, max_ms: 900 };
        assert!((0..1000).all(|random| backoff.full_jitter_ms(3, random) <= 80));
        assert_eq!(backoff.full_jitter_ms(0, 10), 10);
    }
}
