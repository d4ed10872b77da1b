//! Virtual time and repeatable randomness.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use adrelay_core::ports::clock::{Clock, Entropy};
use adrelay_core::time::UnixMillis;

use crate::Faults;
use crate::turns::pause;

/// Who sleeps: until when, and the how-manieth sleeper it is.
type Sleeper = (i64, u64);

#[derive(Debug, Default)]
struct Sleepers {
    driven: bool,
    next: u64,
    waiting: BTreeMap<Sleeper, Waker>,
}

#[derive(Debug)]
struct State {
    now: AtomicI64,
    sleepers: Mutex<Sleepers>,
}

/// A clock that stands still but for sleeps, which pass at once; among tasks that run
/// [`side_by_side`](crate::side_by_side), once all of them sleep. Clones share it.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    state: Arc<State>,
    faults: Faults,
}

/// Leaves a sleeper's place when the sleep is over, or given up.
struct Bed<'a> {
    clock: &'a VirtualClock,
    sleeper: Sleeper,
}

impl Drop for Bed<'_> {
    fn drop(&mut self) {
        self.clock.sleepers(|sleepers| sleepers.waiting.remove(&self.sleeper));
    }
}

/// Ends the drive of a clock.
pub(crate) struct Driven<'a>(&'a VirtualClock);

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        self.0.sleepers(|sleepers| sleepers.driven = false);
    }
}

impl VirtualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: UnixMillis) -> Self {
        let state = State { now: AtomicI64::new(now.0), sleepers: Mutex::default() };
        Self { state: Arc::new(state), faults: Faults::default() }
    }

    fn sleepers<T>(&self, act: impl FnOnce(&mut Sleepers) -> T) -> T {
        act(&mut self.state.sleepers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What goes wrong with its sleeps: one that takes time oversleeps.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Moves it on by `ms` milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.state.now.fetch_add(ms, Ordering::SeqCst);
    }

    /// Moves it on to `now`, never back.
    pub fn advance_to(&self, now: UnixMillis) {
        self.state.now.fetch_max(now.0, Ordering::SeqCst);
    }

    /// From now on sleeps wait to be woken by [`Self::wake_next`].
    pub(crate) fn drive(&self) -> Driven<'_> {
        self.sleepers(|sleepers| sleepers.driven = true);
        Driven(self)
    }

    /// Moves on to the next instant at which anybody wakes, and wakes them. Whether anybody slept.
    pub(crate) fn wake_next(&self) -> bool {
        let first = self.sleepers(|sleepers| sleepers.waiting.keys().next().copied());
        let Some((until, _)) = first else { return false };
        self.advance_to(UnixMillis(until));
        let now = self.now().0;
        self.sleepers(|sleepers| {
            sleepers.waiting.range(..=(now, u64::MAX)).for_each(|(_, waker)| waker.wake_by_ref());
        });
        true
    }

    /// Lets time pass.
    pub(crate) async fn pass_ms(&self, ms: u64) {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        if !self.sleepers(|sleepers| sleepers.driven) {
            self.advance_ms(ms);
            return pause().await;
        }
        let until = self.now().0.saturating_add(ms);
        let nth = self.sleepers(|sleepers| {
            sleepers.next += 1;
            sleepers.next
        });
        let bed = Bed { clock: self, sleeper: (until, nth) };
        std::future::poll_fn(|context| {
            if self.now().0 >= until {
                return Poll::Ready(());
            }
            self.sleepers(|sleepers| sleepers.waiting.insert(bed.sleeper, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.state.now.load(Ordering::SeqCst))
    }

    async fn sleep_ms(&self, ms: u64) {
        self.faults.around("sleep_ms", self.pass_ms(ms)).await;
    }
}

/// The same "random" bytes in every run (`SplitMix64`). Clones share the state.
#[derive(Debug, Clone)]
pub struct SeededEntropy(Arc<AtomicU64>);

impl SeededEntropy {
    /// Bytes that follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// The next number.
    #[must_use]
    pub fn next_u64(&self) -> u64 {
        let state =
            self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst).wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}
