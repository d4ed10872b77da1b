//! The simulator's clock: real by default, frozen or shifted when a test says so.

use std::time::{SystemTime, UNIX_EPOCH};

/// What time the simulator believes it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// The machine's clock plus a shift.
    Real {
        /// How far ahead of the machine, in milliseconds.
        shift_ms: i64,
    },
    /// Stands still until it is moved.
    Frozen {
        /// Unix milliseconds.
        now_ms: i64,
    },
}

impl Clock {
    pub(crate) fn new(frozen_at_ms: Option<i64>) -> Self {
        frozen_at_ms.map_or(Self::Real { shift_ms: 0 }, |now_ms| Self::Frozen { now_ms })
    }

    pub(crate) fn now_ms(self) -> i64 {
        match self {
            Self::Real { shift_ms } => machine_ms().saturating_add(shift_ms),
            Self::Frozen { now_ms } => now_ms,
        }
    }

    /// Unix seconds.
    pub(crate) fn now_s(self) -> i64 {
        self.now_ms().div_euclid(1000)
    }

    pub(crate) fn is_real(self) -> bool {
        matches!(self, Self::Real { .. })
    }

    /// Moves either kind of clock; a real one keeps running from its new position.
    pub(crate) fn advance(&mut self, by_ms: i64) {
        match self {
            Self::Real { shift_ms } => *shift_ms = shift_ms.saturating_add(by_ms),
            Self::Frozen { now_ms } => *now_ms = now_ms.saturating_add(by_ms),
        }
    }
}

fn machine_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let mut clock = Clock::new(Some(1_500));
        assert_eq!((clock.now_ms(), clock.now_s()), (1_500, 1));
        clock.advance(2_000);
        assert_eq!(clock.now_ms(), 3_500);
        assert!(!clock.is_real());
    }

    #[test]
    fn a_shifted_real_clock_keeps_running_from_its_new_position() {
        let plain = Clock::new(None);
        let mut shifted = plain;
        shifted.advance(3_600_000);
        let plain_ms = plain.now_ms();
        assert!(shifted.now_ms() >= plain_ms + 3_600_000);
        assert!(shifted.is_real());
    }
}
