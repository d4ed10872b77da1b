//! Time and randomness.

use std::future::Future;

use crate::time::UnixMillis;

/// Reads and passes time. Tests run handlers on virtual time through it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> UnixMillis;

    /// Waits `ms` milliseconds.
    fn sleep_ms(&self, ms: u64) -> impl Future<Output = ()> + Send;
}

/// A source of random bytes fit for keys and nonces.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);

    /// `N` random bytes.
    fn array<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A number in `0..=max`, near enough to uniform for jitter (not for keys).
    fn up_to(&self, max: u64) -> u64
    where
        Self: Sized,
    {
        let random = u64::from_le_bytes(self.array());
        max.checked_add(1).map_or(random, |bound| random % bound)
    }
}
