//! Booking with the governor's shared ledger before each call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::governor::{LATE_MS, LEASE_EVENTS, LEASE_MS, LeaseUse, Ledger, PROVEN_MS, Shown};
use super::{Dispatcher, Ports};
use crate::ids::{PixelId, TenantId};
use crate::ports::StoreError;
use crate::ports::clock::{Clock as _, Entropy as _};
use crate::ports::governor::GovernorStore as _;
use crate::time::UnixMillis;

/// Tries to save a ledger that others keep changing.
const SAVE_TRIES: u32 = 12;

/// How often one who waits for another's trial looks again, in milliseconds.
const TRIAL_POLL_MS: u64 = 200;

/// Pixels that one process remembers.
const HELD_MAX: usize = 1_000;

/// What this process holds of the ledgers.
pub(super) struct Throttle {
    owner: String,
    held: Mutex<HashMap<PixelId, Held>>,
}

/// What this process knows of one pixel without asking.
#[derive(Debug, Default)]
struct Held {
    lease: LeaseUse,
    proven_until: Option<UnixMillis>,
}

/// The answer to a wish to call Meta.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Now. `waited` where it took a while, so that what was known before may be stale.
    Go {
        /// Whether it took a while.
        waited: bool,
    },
    /// Not in the time there is; not before this instant.
    NotBefore(UnixMillis),
    /// More events than any instant has room for at present.
    TooMany,
}

enum Step {
    At(UnixMillis),
    Poll,
    TooMany,
}

impl Throttle {
    pub(super) fn new(owner: String) -> Self {
        Self { owner, held: Mutex::default() }
    }

    fn with_held<T>(&self, pixel: &PixelId, act: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= HELD_MAX && !held.contains_key(pixel) {
            // What is forgotten costs a write when it is wanted again, and nothing else.
            held.clear();
        }
        act(held.entry(pixel.clone()).or_default())
    }

    fn with_lease<T>(&self, pixel: &PixelId, act: impl FnOnce(&mut LeaseUse) -> T) -> T {
        self.with_held(pixel, |held| act(&mut held.lease))
    }
}

impl<P: Ports> Dispatcher<P> {
    /// Waits for the pixel's turn to get `events` more, where it comes before `latest`.
    pub(super) async fn slot(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        events: u32,
        latest: UnixMillis,
    ) -> Result<Slot, StoreError> {
        let asked = self.now();
        if self.throttle.with_lease(pixel, |lease| lease.take(asked, events)) {
            return Ok(Slot::Go { waited: false });
        }
        let mut conflicts = 0;
        while self.now() <= latest {
            let stored = self.ports.events().load(tenant, pixel).await?;
            let now = self.now();
            let mut ledger = stored.ledger;
            let step = self.plan(&mut ledger, pixel, now, events);
            let at = match step {
                Step::TooMany => return Ok(Slot::TooMany),
                Step::Poll => {
                    self.ports.clock().sleep_ms(TRIAL_POLL_MS).await;
                    continue;
                }
                Step::At(at) if at > latest => return Ok(Slot::NotBefore(at)),
                Step::At(at) => at,
            };
            match self.ports.events().save(tenant, pixel, stored.version, &ledger).await {
                Ok(()) => {}
                Err(StoreError::Conflict) if conflicts < SAVE_TRIES => {
                    // The lease that was planned is not ours.
                    self.throttle.with_lease(pixel, LeaseUse::drop_lease);
                    conflicts += 1;
                    self.ports
                        .clock()
                        .sleep_ms(5 + self.ports.entropy().up_to(10 * u64::from(conflicts)))
                        .await;
                    continue;
                }
                Err(error) => {
                    self.throttle.with_lease(pixel, LeaseUse::drop_lease);
                    return Err(error);
                }
            }
            let wait_ms = u64::try_from(at.ms_since(self.now())).unwrap_or(0);
            if wait_ms > 0 {
                self.ports.clock().sleep_ms(wait_ms).await;
            }
            if self.now().ms_since(at) <= LATE_MS {
                // A lease that begins now pays for these events as well.
                self.throttle.with_lease(pixel, |lease| lease.take(self.now(), events));
                return Ok(Slot::Go { waited: self.now().ms_since(asked) > LATE_MS });
            }
        }
        Ok(Slot::NotBefore(self.now()))
    }

    fn plan(&self, ledger: &mut Ledger, pixel: &PixelId, now: UnixMillis, events: u32) -> Step {
        let owner = &self.throttle.owner;
        if !ledger.admit(now, owner, self.settings.call_timeout_ms) {
            return Step::Poll;
        }
        let wanted = self.throttle.with_lease(pixel, |lease| lease.wanted(now));
        if events <= LEASE_EVENTS / 2 && ledger.lease(now, owner, wanted) {
            let starts = ledger.lease_starts(now, wanted);
            self.throttle.with_lease(pixel, |lease| lease.renewed(starts, now.plus_ms(LEASE_MS), wanted));
            return Step::At(starts);
        }
        ledger.book(now, events).map_or(Step::TooMany, Step::At)
    }

    /// Changes the pixel's ledger; `change` says whether there is anything to save. Lost changes are not fatal: the
    /// next call learns the same again.
    pub(super) async fn change_ledger(
        &self,
        tenant: &TenantId,
        pixel: &PixelId,
        mut change: impl FnMut(&mut Ledger, UnixMillis) -> bool + Send,
    ) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let stored = self.ports.events().load(tenant, pixel).await?;
            let mut ledger = stored.ledger;
            if !change(&mut ledger, self.now()) {
                return Ok(());
            }
            match self.ports.events().save(tenant, pixel, stored.version, &ledger).await {
                Err(StoreError::Conflict) if tries < SAVE_TRIES => tries += 1,
                other => return other,
            }
            self.ports.clock().sleep_ms(5 + self.ports.entropy().up_to(20)).await;
        }
    }

    /// Tells the ledger that Meta wants nothing of this pixel before `until`.
    pub(super) async fn note_wait(&self, tenant: &TenantId, pixel: &PixelId, until: UnixMillis) {
        self.throttle.with_lease(pixel, LeaseUse::drop_lease);
        let noted = self.change_ledger(tenant, pixel, |ledger, _| {
            ledger.wait(until);
            true
        });
        // Not noted, every invocation learns it from Meta itself.
        let _ = noted.await;
    }

    /// Tells the ledger what a call showed of the pixel. A success is told once in a while, not with every event.
    pub(super) async fn note_shown(&self, tenant: &TenantId, pixel: &PixelId, shown: Shown) {
        let now = self.now();
        if shown == Shown::Takes && self.throttle.with_held(pixel, |held| held.proven_until > Some(now)) {
            return;
        }
        self.throttle.with_held(pixel, |held| {
            held.proven_until = (shown == Shown::Takes).then(|| now.plus_ms(PROVEN_MS / 2));
            if shown == Shown::Refuses {
                held.lease.drop_lease();
            }
        });
        let owner = self.throttle.owner.clone();
        let noted = self.change_ledger(tenant, pixel, move |ledger, now| ledger.note(now, &owner, shown));
        // Not noted, the trial ends by its time.
        let _ = noted.await;
    }
}
