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

/// How many events a lease allows within the window.
pub const LEASE_EVENTS: u32 = 20;

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
}

impl Ledger {
    /// How many events one request may have now: the window without what is leased.
    #[must_use]
    pub fn capacity(&self, now: UnixMillis) -> u32 {
        let live = self.leases.iter().filter(|lease| lease.until > now).count();
        let leased = u32::try_from(live).unwrap_or(u32::MAX).saturating_mul(LEASE_EVENTS);
        WINDOW_EVENTS.saturating_sub(leased.min(LEASED_EVENTS_MAX))
    }

    /// Books `events` for the first instant from `now` on that has room for them, and returns it. More events than
    /// [`Self::capacity`] are booked as that many: callers cut their requests to it.
    pub fn book(&mut self, now: UnixMillis, events: u32) -> UnixMillis {
        self.forget_before(now);
        let room = self.capacity(now);
        let events = events.min(room);
        let at = self.first_instant(now, events, room);
        match self.bookings.last_mut() {
            Some(last) if at.ms_since(last.at) < BUCKET_MS && at >= last.at => {
                // Counted at the later instant of the two: it leaves the window later, never earlier.
                last.at = at;
                last.events += events;
            }
            _ => self.bookings.push(Booking { at, events }),
        }
        at
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

    /// Gives `owner` a lease from `now`, or renews its own; `false` where too much is leased already.
    pub fn lease(&mut self, now: UnixMillis, owner: &str) -> bool {
        self.forget_before(now);
        self.leases.retain(|lease| lease.owner != owner);
        let leased = u32::try_from(self.leases.len()).unwrap_or(u32::MAX).saturating_mul(LEASE_EVENTS);
        if leased.saturating_add(LEASE_EVENTS) > LEASED_EVENTS_MAX {
            return false;
        }
        self.leases.push(Lease { owner: owner.to_owned(), until: now.plus_ms(LEASE_MS) });
        true
    }

    /// When a lease holder may send `events` for the first time: not before Meta's wait ends, and not while bookings
    /// made before the lease still fill the window.
    #[must_use]
    pub fn lease_starts(&self, now: UnixMillis, events: u32) -> UnixMillis {
        self.first_instant(now, events.max(LEASE_EVENTS), self.capacity(now).saturating_add(LEASE_EVENTS))
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
    until: Option<UnixMillis>,
    starts: Option<UnixMillis>,
    sent: Vec<Booking>,
}

impl LeaseUse {
    /// Notes a lease that holds until `until` and may be used from `starts` on.
    pub fn renewed(&mut self, starts: UnixMillis, until: UnixMillis) {
        self.starts = Some(starts);
        self.until = Some(until);
    }

    /// Takes `events` out of the lease at `now`; `false` where it ended, hasn't started or has no room.
    pub fn take(&mut self, now: UnixMillis, events: u32) -> bool {
        self.sent.retain(|sent| now.ms_since(sent.at) < WINDOW_MS);
        let used: u32 = self.sent.iter().map(|sent| sent.events).sum();
        let live = self.until.is_some_and(|until| now < until) && self.starts.is_some_and(|starts| starts <= now);
        let fits = live && used.saturating_add(events) <= LEASE_EVENTS;
        if fits {
            self.sent.push(Booking { at: now, events });
        }
        fits
    }

    /// Gives the lease up: Meta said to wait, and others may have learned more.
    pub fn drop_lease(&mut self) {
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_requests_are_a_window_apart() {
        let mut ledger = Ledger::default();
        let times: Vec<i64> = (0..3).map(|_| ledger.book(UnixMillis(10_000), 1_000).0).collect();
        assert_eq!(times, [10_000, 11_250, 12_500]);
    }

    #[test]
    fn a_lone_event_before_a_full_request_counts() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.book(UnixMillis(0), 1).0, 0);
        assert_eq!(ledger.book(UnixMillis(100), 1_000).0, WINDOW_MS);
    }

    #[test]
    fn nothing_is_booked_before_metas_wait_ends() {
        let mut ledger = Ledger::default();
        ledger.wait(UnixMillis(60_000));
        ledger.wait(UnixMillis(30_000));
        assert_eq!(ledger.book(UnixMillis(0), 5).0, 60_000);
    }

    #[test]
    fn leases_take_their_share_of_the_window_and_end() {
        let mut ledger = Ledger::default();
        assert!(ledger.lease(UnixMillis(0), "a"));
        assert!(ledger.lease(UnixMillis(0), "a"));
        assert_eq!(ledger.capacity(UnixMillis(1)), 980);
        assert_eq!(ledger.capacity(UnixMillis(LEASE_MS)), 1_000);
        let granted = (0..100).filter(|n| ledger.lease(UnixMillis(0), &format!("o{n}"))).count();
        assert_eq!(granted + 1, 20);
    }

    #[test]
    fn a_lease_taken_after_a_full_booking_starts_when_the_window_has_room() {
        let mut ledger = Ledger::default();
        ledger.book(UnixMillis(0), 1_000);
        assert!(ledger.lease(UnixMillis(10), "a"));
        assert_eq!(ledger.lease_starts(UnixMillis(10), 1).0, WINDOW_MS);
    }

    #[test]
    fn a_lease_allows_its_share_of_any_window() {
        let mut lease = LeaseUse::default();
        assert!(!lease.take(UnixMillis(0), 1));
        lease.renewed(UnixMillis(0), UnixMillis(LEASE_MS));
        assert!(lease.take(UnixMillis(0), 15));
        assert!(!lease.take(UnixMillis(10), 6));
        assert!(lease.take(UnixMillis(10), 5));
        assert!(lease.take(UnixMillis(WINDOW_MS), 15));
        assert!(!lease.take(UnixMillis(LEASE_MS), 1));
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
                let at = ledger.book(now, events);
                prop_assert!(at >= now);
                sent.push(Booking { at, events });
            }
            for first in &sent {
                let within: u32 = sent
                    .iter()
                    .filter(|b| b.at >= first.at && b.at.ms_since(first.at) < WINDOW_MS - BUCKET_MS)
                    .map(|b| b.events)
                    .sum();
                prop_assert!(within <= WINDOW_EVENTS, "{within} events from {:?}", first.at);
            }
        }
    }
}
