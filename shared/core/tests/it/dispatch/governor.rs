//! The ledger by itself: bookings, leases, waits and trials, to the millisecond.

use adrelay_core::dispatch::governor::{
    Booking, LEASE_EVENTS, LEASE_MS, LEASED_EVENTS_MAX, LeaseUse, Ledger, PROVEN_MS, Shown, WINDOW_EVENTS,
    WINDOW_MS,
};
use adrelay_core::time::UnixMillis;
use proptest::prelude::*;

fn at(ms: i64) -> UnixMillis {
    UnixMillis(ms)
}

fn bookings(ledger: &Ledger) -> Vec<(i64, u32)> {
    ledger.bookings.iter().map(|booking| (booking.at.0, booking.events)).collect()
}

#[test]
fn a_booking_leaves_the_window_after_a_second_and_a_quarter() {
    for (now, expected) in [(0, 1_250), (1_249, 1_250), (1_250, 1_250), (1_251, 1_251)] {
        let mut ledger = Ledger::default();
        ledger.book(at(0), 600);
        assert_eq!(ledger.book(at(now), 401), Some(at(expected)), "from {now} on");
        assert_eq!(ledger.book(at(now), 599), Some(at(expected)), "both fit together");
    }
}

#[test]
fn what_fits_goes_at_once_and_never_before_what_was_booked() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.book(at(0), 600), Some(at(0)));
    assert_eq!(ledger.book(at(10), 400), Some(at(10)));
    assert_eq!(ledger.book(at(20), 1), Some(at(1_260)), "both were counted at the later instant");
    assert_eq!(ledger.book(at(30), 1), Some(at(1_260)), "though there was room before");
    assert_eq!(ledger.book(at(40), 1_000), Some(at(1_260 + WINDOW_MS)));
}

#[test]
fn bookings_less_than_fifty_milliseconds_apart_are_one() {
    let mut ledger = Ledger::default();
    for now in [0, 49, 98, 148, 198] {
        ledger.book(at(now), 10);
    }
    assert_eq!(bookings(&ledger), [(98, 30), (148, 10), (198, 10)]);
}

#[test]
fn old_bookings_are_forgotten() {
    let mut ledger = Ledger::default();
    for now in [0, 1_000, 1_249, 1_250, 2_250] {
        ledger.book(at(now), 1);
    }
    assert_eq!(bookings(&ledger), [(1_250, 2), (2_250, 1)]);
}

#[test]
fn room_is_found_behind_as_few_bookings_as_needed() {
    let mut ledger = Ledger::default();
    for now in [0, 100, 200, 300] {
        ledger.book(at(now), 250);
    }
    for (events, expected) in [(250, 1_250), (251, 1_350), (500, 1_350), (750, 1_450), (751, 1_550)] {
        assert_eq!(ledger.clone().book(at(400), events), Some(at(expected)), "{events} events");
    }
}

#[test]
fn a_request_beyond_the_window_is_cut() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.book(at(0), WINDOW_EVENTS + 1), None);
    assert!(ledger.bookings.is_empty());
    ledger.lease(at(0), "a", 400);
    assert_eq!((ledger.capacity(at(0)), ledger.capacity(at(LEASE_MS))), (600, 1_000));
    assert_eq!(ledger.book(at(0), 601), None);
    assert_eq!(ledger.book(at(0), 600), Some(at(0)));
}

#[test]
fn a_wait_is_the_longest_that_meta_named_and_ends() {
    let mut ledger = Ledger::default();
    ledger.wait(at(5_000));
    ledger.wait(at(3_000));
    assert_eq!(ledger.wait_until, Some(at(5_000)));
    ledger.wait(at(6_000));
    assert_eq!(ledger.clone().book(at(5_999), 1), Some(at(6_000)));
    assert_eq!(ledger.book(at(6_000), 1), Some(at(6_000)));
    assert_eq!(ledger.wait_until, None, "and is forgotten");
}

#[test]
fn leases_together_have_four_hundred_events() {
    let mut ledger = Ledger::default();
    assert!(!ledger.lease(at(0), "a", LEASED_EVENTS_MAX + 1));
    assert!(ledger.leases.is_empty());
    assert!(ledger.lease(at(0), "a", 300));
    assert!(ledger.lease(at(1), "b", 100));
    assert!(!ledger.lease(at(2), "c", 1));
    assert!(!ledger.lease(at(2), "b", 101), "its own lease would be replaced, the other one stays");
    assert!(ledger.lease(at(2), "b", 40));
    let found: Vec<_> = ledger.leases.iter().map(|l| (l.owner.as_str(), l.until.0, l.events)).collect();
    assert_eq!(found, [("a", LEASE_MS, 300), ("b", LEASE_MS + 2, 40)]);
    assert!(ledger.lease(at(LEASE_MS), "c", 360), "a's is over");
    assert_eq!(ledger.leases.len(), 2);
}

#[test]
fn a_lease_starts_when_the_window_and_meta_have_room() {
    let mut ledger = Ledger::default();
    assert!(ledger.lease(at(0), "a", 20));
    assert_eq!(ledger.lease_starts(at(0), 20), at(0));
    ledger.book(at(0), 980);
    assert_eq!(ledger.lease_starts(at(7), 20), at(7), "it has its share beside a full booking");
    assert!(ledger.lease(at(10), "a", 100));
    assert_eq!(ledger.lease_starts(at(10), 100), at(WINDOW_MS), "a larger one has not");
    ledger.wait(at(9_000));
    assert_eq!(ledger.lease_starts(at(10), 100), at(9_000));
    let mut ahead = Ledger::default();
    ahead.book(at(0), 1_000);
    ahead.book(at(0), 500);
    assert!(ahead.lease(at(5), "a", 20));
    assert_eq!(ahead.lease_starts(at(5), 20), at(WINDOW_MS), "not before what is booked already");
}

#[test]
fn leases_grow_fivefold_to_four_hundred() {
    let mut lease = LeaseUse::default();
    let mut wanted = Vec::new();
    for _ in 0..5 {
        let events = lease.wanted(at(0));
        wanted.push(events);
        lease.renewed(at(0), at(LEASE_MS), events);
    }
    assert_eq!(wanted, [20, 100, 400, 400, 400]);
    assert_eq!(lease.wanted(at(LEASE_MS - 1)), 400);
    assert_eq!(lease.wanted(at(LEASE_MS)), LEASE_EVENTS, "one that is over counts as none");
    lease.drop_lease();
    assert_eq!(lease.wanted(at(0)), LEASE_EVENTS);
}

#[test]
fn a_lease_is_used_from_its_start_to_its_end() {
    let mut lease = LeaseUse::default();
    lease.renewed(at(500), at(2_000), 20);
    assert!(!lease.take(at(499), 1));
    assert!(lease.take(at(500), 12));
    assert!(lease.take(at(500), 8));
    assert!(!lease.take(at(1_749), 1));
    assert!(lease.take(at(1_750), 20));
    assert!(!lease.take(at(2_000), 0), "it is over");
    // What was sent counts in the next lease, too.
    lease.renewed(at(2_000), at(9_000), 20);
    assert!(!lease.take(at(2_999), 1));
    assert!(lease.take(at(3_000), 20));
    lease.drop_lease();
    assert!(!lease.take(at(8_000), 1));
}

#[test]
fn each_call_shows_what_the_others_may_do() {
    let proven = |until| Ledger { proven_until: Some(at(until)), ..Ledger::default() };
    for (name, mut ledger, shown, changes, proven_until) in [
        ("first success", Ledger::default(), Shown::Takes, true, Some(100 + PROVEN_MS)),
        ("known already", proven(101), Shown::Takes, false, Some(101)),
        ("over just now", proven(100), Shown::Takes, true, Some(100 + PROVEN_MS)),
        ("refused", proven(101), Shown::Refuses, true, None),
        ("refused again", Ledger::default(), Shown::Refuses, false, None),
        ("no answer", proven(101), Shown::Nothing, false, Some(101)),
        ("no answer at all", Ledger::default(), Shown::Nothing, false, None),
    ] {
        let mut tried = ledger.clone();
        assert_eq!(ledger.note(at(100), "a", shown), changes, "{name}");
        assert_eq!(ledger.proven_until, proven_until.map(at), "{name}");
        // Whoever made a trial ends it, and that is a change; another's trial goes on.
        for (owner, ends) in [("a", true), ("b", false)] {
            tried.proven_until = None;
            assert!(tried.admit(at(0), owner, 1_000_000));
            let mut noted = tried.clone();
            let changed = noted.note(at(100), "a", shown);
            assert_eq!(noted.trial.is_none(), ends, "{name}, {owner}");
            assert_eq!(changed, ends || shown == Shown::Takes, "{name}, {owner}");
            tried.trial = None;
        }
    }
}

#[test]
fn a_trial_is_one_processs_and_lasts_as_long_as_a_call() {
    let mut ledger = Ledger::default();
    assert!(ledger.admit(at(0), "a", 5_000));
    assert!(ledger.admit(at(1_000), "a", 5_000), "its own goes on");
    let trial = ledger.trial.clone().unwrap();
    assert_eq!((trial.owner.as_str(), trial.until, trial.events), ("a", at(6_000), 0));
    assert!(!ledger.admit(at(5_999), "b", 5_000));
    assert!(ledger.admit(at(6_000), "b", 5_000));
    ledger.proven_until = Some(at(7_000));
    assert!(ledger.admit(at(6_999), "a", 5_000), "a proven pixel needs no trial");
    assert!(!ledger.admit(at(7_000), "a", 5_000));
}

/// Something that a process does.
#[derive(Debug, Clone, Copy)]
enum Step {
    Book { events: u32 },
    Lone { owner: usize, events: u32 },
    Wait { ms: i64 },
}

/// Processes on one ledger, as the dispatcher uses it; `sent` is what Meta gets.
#[derive(Default)]
struct Model {
    ledger: Ledger,
    leases: [LeaseUse; 4],
    sent: Vec<Booking>,
    /// Nothing is sent from a lease during its last window.
    careful: bool,
}

impl Model {
    fn step(&mut self, now: UnixMillis, step: Step) {
        match step {
            Step::Book { events } => self.book(now, events),
            Step::Lone { owner, events } => self.lone(now, owner, events),
            Step::Wait { ms } => {
                // The lease of whoever was told so ends; the others' is what the ledger can't take back.
                self.leases.iter_mut().for_each(LeaseUse::drop_lease);
                self.ledger.wait(now.plus_ms(ms));
            }
        }
    }

    fn book(&mut self, now: UnixMillis, events: u32) {
        let events = events.min(self.ledger.capacity(now));
        let at = self.ledger.book(now, events).expect("within the capacity");
        assert!(at >= now);
        self.sent.push(Booking { at, events });
    }

    fn lone(&mut self, now: UnixMillis, owner: usize, events: u32) {
        let name = format!("owner {owner}");
        let until = self.ledger.leases.iter().find(|lease| lease.owner == name).map(|lease| lease.until);
        let ends = self.careful && until.is_some_and(|until| until.ms_since(now) < WINDOW_MS);
        if !ends && self.leases[owner].take(now, events) {
            self.sent.push(Booking { at: now, events });
            return;
        }
        let wanted = self.leases[owner].wanted(now);
        if !ends && self.ledger.lease(now, &name, wanted) {
            let starts = self.ledger.lease_starts(now, wanted);
            self.leases[owner].renewed(starts, now.plus_ms(LEASE_MS), wanted);
            if starts == now && self.leases[owner].take(now, events) {
                self.sent.push(Booking { at: now, events });
            }
            return;
        }
        self.book(now, events);
    }

    fn most(&self) -> u32 {
        let within = |from: UnixMillis| -> u32 {
            let later = self.sent.iter().filter(|b| b.at >= from && b.at.ms_since(from) < WINDOW_MS);
            later.map(|booking| booking.events).sum()
        };
        self.sent.iter().map(|booking| within(booking.at)).max().unwrap_or(0)
    }
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        3 => (1_u32..=1_000).prop_map(|events| Step::Book { events }),
        6 => (0_usize..4, 1_u32..=10).prop_map(|(owner, events)| Step::Lone { owner, events }),
        1 => (0_i64..5_000).prop_map(|ms| Step::Wait { ms }),
    ];
    let pause = prop_oneof![4 => 0_i64..60, 2 => 0_i64..700, 1 => 0_i64..20_000];
    proptest::collection::vec((pause, step), 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bookings_and_leases_together_keep_to_the_window(steps in steps()) {
        let mut model = Model { careful: true, ..Model::default() };
        let mut now = at(1_000_000);
        for (pause_ms, step) in steps {
            now = now.plus_ms(pause_ms);
            model.step(now, step);
        }
        prop_assert!(model.most() <= WINDOW_EVENTS, "{} events within the window", model.most());
    }
}

#[test]
#[should_panic(expected = "unlisted: ")]
fn what_a_lease_sent_last_counts_after_its_end() {
    let mut model = Model::default();
    for _ in 0..60 {
        model.step(at(0), Step::Lone { owner: 0, events: 10 });
    }
    let until = model.ledger.leases[0].until;
    for _ in 0..40 {
        model.step(until.plus_ms(-1), Step::Lone { owner: 0, events: 10 });
    }
    model.step(until, Step::Book { events: 1_000 });
    let most = model.most();
    assert!(most <= WINDOW_EVENTS, "unlisted: a lease ended, and {most} events went out within a window");
}
