//! The governor: no pixel gets more than 1,000 events in any second, over all invocations, and nobody calls Meta
//! while Meta says to wait.
//!
//! Each pixel has a [`Ledger`] shared through a store. A request books its events for an instant; the ledger
//! remembers bookings for [`WINDOW_MS`] and finds the first instant at which the window still has room. Bookings are
//! never made before the last one, so a look back suffices.
//!
//! A booking costs a write. A lone event must not pay for one of its own, so an invocation that sends little takes a
//! [`Lease`]: a small share of the window that it may use for [`LEASE_MS`] without asking again.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// The most events a pixel gets within [`WINDOW_MS`].
pub const WINDOW_EVENTS: u32 = 1_000;

/// The window in milliseconds: a second, and a quarter for what lies between sending and receiving. Without it two
/// full requests sent a second apart could arrive less than a second apart.
pub const WINDOW_MS: i64 = 1_250;

/// How long a lease holds, in milliseconds.
pub const LEASE_MS: i64 = 15_000;

/// How many events a first lease allows within the window. One that is used up is renewed five times as large.
pub const LEASE_EVENTS: u32 = 20;

const LEASE_GROWTH: u32 = 5;

/// All leases together never take more of the window than this.
pub const LEASED_EVENTS_MAX: u32 = 400;

/// How late a request may start after its booked instant, in milliseconds, before it must book again.
pub const LATE_MS: i64 = 150;

const BUCKET_MS: i64 = 50;

/// Events booked for one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// When they are sent.
    pub at: UnixMillis,
    /// How many.
    pub events: u32,
}

/// A share of the window that one invocation may use without booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it.
    pub owner: String,
    /// Until when.
    pub until: UnixMillis,
    /// How many events it allows within the window; 0 for a trial.
    #[serde(default)]
    pub events: u32,
}

/// What a call showed of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Meta takes its events, though perhaps not each.
    Takes,
    /// Meta refuses the pixel or its token as a whole.
    Refuses,
    /// Nothing: Meta did not really answer.
    Nothing,
}

/// What is booked of a pixel.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Bookings of the last window and the future, by time.
    #[serde(default)]
    pub bookings: Vec<Booking>,
    /// Live leases.
    #[serde(default)]
    pub leases: Vec<Lease>,
    /// Nothing is sent before: Meta said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<UnixMillis>,
    /// Until when Meta is known to take events of this pixel at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_until: Option<UnixMillis>,
    /// Who is finding that out while it is not known; the others wait for the result, so that a wrong pixel or token
    /// costs one call and not one from every invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Lease>,
    /// When the one probe of this pixel's waiting room is due; a probe of another instant is a stale one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_due: Option<UnixMillis>,
}

/// How long one success proves a pixel, in milliseconds: an hour.
pub const PROVEN_MS: i64 = 3_600_000;

impl Ledger {
    /// How many events one request may have now: the window without what is leased.
    #[must_use]
    pub fn capacity(&self, now: UnixMillis) -> u32 {
        let leased: u32 =
            self.leases.iter().filter(|lease| lease.until > now).map(|lease| lease.events).sum();
        WINDOW_EVENTS.saturating_sub(leased)
    }

    /// Books `events` for the first instant from `now` on that has room for them, and returns it; `None` where they
    /// are more than [`Self::capacity`], so that the request must be cut.
    pub fn book(&mut self, now: UnixMillis, events: u32) -> Option<UnixMillis> {
        self.forget_before(now);
        let room = self.capacity(now);
        if events > room {
            return None;
        }
        let at = self.first_instant(now, events, room);
        match self.bookings.last_mut() {
            Some(last) if at.ms_since(last.at) < BUCKET_MS && at >= last.at => {
                // Counted at the later instant of the two: it leaves the window later, never earlier.
                last.at = at;
                last.events += events;
            }
            _ => self.bookings.push(Booking { at, events }),
        }
        Some(at)
    }

    fn first_instant(&self, now: UnixMillis, events: u32, room: u32) -> UnixMillis {
        let mut at = now.max(self.wait_until.unwrap_or(now));
        if let Some(last) = self.bookings.last() {
            at = at.max(last.at);
        }
        let mut used: u32 =
            self.bookings.iter().filter(|b| at.ms_since(b.at) < WINDOW_MS).map(|b| b.events).sum();
        for booking in &self.bookings {
            if used + events <= room {
                break;
            }
            let leaves = booking.at.plus_ms(WINDOW_MS);
            if leaves > at {
                at = leaves;
                used -= booking.events;
            }
        }
        at
    }

    /// Gives `owner` a lease of `events` from `now`, in place of its own; `false` where too much is leased already.
    pub fn lease(&mut self, now: UnixMillis, owner: &str, events: u32) -> bool {
        self.forget_before(now);
        let others: u32 =
            self.leases.iter().filter(|lease| lease.owner != owner).map(|lease| lease.events).sum();
        if others.saturating_add(events) > LEASED_EVENTS_MAX {
            return false;
        }
        self.leases.retain(|lease| lease.owner != owner);
        self.leases.push(Lease { owner: owner.to_owned(), until: now.plus_ms(LEASE_MS), events });
        true
    }

    /// When the holder of a new lease of `events` may begin to use it: not before Meta's wait ends, and not while
    /// bookings made before the lease still fill the window.
    #[must_use]
    pub fn lease_starts(&self, now: UnixMillis, events: u32) -> UnixMillis {
        self.first_instant(now, events, self.capacity(now).saturating_add(events))
    }

    /// Whether `owner` may call Meta now: the pixel is proven, or the trial is its own to make.
    pub fn admit(&mut self, now: UnixMillis, owner: &str, trial_ms: i64) -> bool {
        if self.proven_until.is_some_and(|until| until > now) {
            return true;
        }
        let free = self.trial.as_ref().is_none_or(|trial| trial.until <= now || trial.owner == owner);
        if free {
            self.trial = Some(Lease { owner: owner.to_owned(), until: now.plus_ms(trial_ms), events: 0 });
        }
        free
    }

    /// Notes what `owner`'s call showed and ends its trial; `false` where nothing changes.
    pub fn note(&mut self, now: UnixMillis, owner: &str, shown: Shown) -> bool {
        let mine = self.trial.as_ref().is_some_and(|trial| trial.owner == owner);
        if mine {
            self.trial = None;
        }
        match shown {
            Shown::Takes if self.proven_until.is_none_or(|until| until <= now) => {
                self.proven_until = Some(now.plus_ms(PROVEN_MS));
                true
            }
            Shown::Refuses => self.proven_until.take().is_some() || mine,
            Shown::Takes | Shown::Nothing => mine,
        }
    }

    /// Sends nothing before `until`, where that is later than what is known.
    pub fn wait(&mut self, until: UnixMillis) {
        self.wait_until = Some(self.wait_until.map_or(until, |known| known.max(until)));
    }

    fn forget_before(&mut self, now: UnixMillis) {
        self.bookings.retain(|booking| now.ms_since(booking.at) < WINDOW_MS);
        self.leases.retain(|lease| lease.until > now);
        self.wait_until = self.wait_until.filter(|until| *until > now);
    }
}

/// The use a lease holder made of its lease, kept in its memory.
#[derive(Debug, Clone, Default)]
pub struct LeaseUse {
    held: Option<Held>,
    sent: Vec<Booking>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    starts: UnixMillis,
    until: UnixMillis,
    events: u32,
}

impl LeaseUse {
    /// How large a lease to ask for: a first one where none is live, else a larger one than was used up.
    #[must_use]
    pub fn wanted(&self, now: UnixMillis) -> u32 {
        let live = self.held.filter(|held| now < held.until);
        live.map_or(LEASE_EVENTS, |held| (held.events * LEASE_GROWTH).min(LEASED_EVENTS_MAX))
    }

    /// Notes a lease of `events` that holds until `until` and may be used from `starts` on.
    pub fn renewed(&mut self, starts: UnixMillis, until: UnixMillis, events: u32) {
        self.held = Some(Held { starts, until, events });
    }

    /// Takes `events` out of the lease at `now`; `false` where it ended, hasn't started or has no room.
    pub fn take(&mut self, now: UnixMillis, events: u32) -> bool {
        self.sent.retain(|sent| now.ms_since(sent.at) < WINDOW_MS);
        let used: u32 = self.sent.iter().map(|sent| sent.events).sum();
        let live = self.held.filter(|held| held.starts <= now && now < held.until);
        let fits = live.is_some_and(|held| used.saturating_add(events) <= held.events);
        if fits {
            match self.sent.last_mut() {
                Some(last) if last.at == now => last.events += events,
                _ => self.sent.push(Booking { at: now, events }),
            }
        }
        fits
    }

    /// Gives the lease up: Meta said to wait, and others may have learned more.
    pub fn drop_lease(&mut self) {
        self.held = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_requests_are_a_window_apart() {
        let mut ledger = Ledger::default();
        let times: Vec<i64> = (0..3).map(|_| ledger.book(UnixMillis(10_000), 1_000).unwrap().0).collect();
        assert_eq!(times, [10_000, 11_250, 12_500]);
    }

    #[test]
    fn a_lone_event_before_a_full_request_counts() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.book(UnixMillis(0), 1), Some(UnixMillis(0)));
        assert_eq!(ledger.book(UnixMillis(100), 1_000), Some(UnixMillis(WINDOW_MS)));
    }

    #[test]
    fn nothing_is_booked_before_metas_wait_ends() {
        let mut ledger = Ledger::default();
        ledger.wait(UnixMillis(60_000));
        ledger.wait(UnixMillis(30_000));
        assert_eq!(ledger.book(UnixMillis(0), 5), Some(UnixMillis(60_000)));
    }

    #[test]
    fn leases_take_their_share_of_the_window_and_end() {
        let mut ledger = Ledger::default();
        assert!(ledger.lease(UnixMillis(0), "a", 20));
        assert!(ledger.lease(UnixMillis(0), "a", 20));
        assert_eq!(ledger.capacity(UnixMillis(1)), 980);
        assert_eq!(ledger.clone().book(UnixMillis(1), 981), None);
        assert_eq!(ledger.capacity(UnixMillis(LEASE_MS)), 1_000);
        let granted = (0..100).filter(|n| ledger.lease(UnixMillis(0), &format!("o{n}"), 20)).count();
        assert_eq!(granted + 1, 20);
    }

    #[test]
    fn a_lease_taken_after_a_full_booking_starts_when_the_window_has_room() {
        let mut ledger = Ledger::default();
        ledger.book(UnixMillis(0), 1_000);
        assert!(ledger.lease(UnixMillis(10), "a", 20));
        assert_eq!(ledger.lease_starts(UnixMillis(10), 1).0, WINDOW_MS);
    }

    #[test]
    fn a_lease_allows_its_share_of_any_window() {
        let mut lease = LeaseUse::default();
        assert!(!lease.take(UnixMillis(0), 1));
        assert_eq!(lease.wanted(UnixMillis(0)), 20);
        lease.renewed(UnixMillis(0), UnixMillis(LEASE_MS), 20);
        assert_eq!(lease.wanted(UnixMillis(0)), 100);
        assert!(lease.take(UnixMillis(0), 15));
        assert!(!lease.take(UnixMillis(10), 6));
        assert!(lease.take(UnixMillis(10), 5));
        assert!(lease.take(UnixMillis(WINDOW_MS), 15));
        assert!(!lease.take(UnixMillis(LEASE_MS), 1));
    }

    #[test]
    fn while_a_pixel_is_not_proven_one_at_a_time_may_call() {
        let mut ledger = Ledger::default();
        assert!(ledger.admit(UnixMillis(0), "a", 5_000));
        assert!(!ledger.admit(UnixMillis(1), "b", 5_000));
        assert!(ledger.admit(UnixMillis(5_000), "b", 5_000), "a's trial is over");
        assert!(ledger.note(UnixMillis(5_001), "b", Shown::Takes));
        assert!(ledger.admit(UnixMillis(5_002), "c", 5_000));
        assert!(!ledger.note(UnixMillis(5_003), "c", Shown::Takes), "known already");
        assert!(ledger.note(UnixMillis(5_004), "c", Shown::Refuses));
        assert!(ledger.admit(UnixMillis(5_005), "a", 5_000));
        assert!(!ledger.admit(UnixMillis(5_006), "b", 5_000));
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_events(
            steps in proptest::collection::vec((0_i64..700, 1_u32..=1_000), 1..60)
        ) {
            let mut ledger = Ledger::default();
            let mut now = UnixMillis(1_000_000);
            let mut sent: Vec<Booking> = Vec::new();
            for (pause_ms, events) in steps {
                now = now.plus_ms(pause_ms);
                let at = ledger.book(now, events).expect("no leases");
                prop_assert!(at >= now);
                sent.push(Booking { at, events });
            }
            for first in &sent {
                let within: u32 = sent
                    .iter()
                    .filter(|b| b.at >= first.at && b.at.ms_since(first.at) < WINDOW_MS)
                    .map(|b| b.events)
                    .sum();
                prop_assert!(within <= WINDOW_EVENTS, "{within} events from {:?}", first.at);
            }
        }
    }
}
