//! How long a lead is tried for, and what stands written of it meanwhile.

use adrelay_core::leads::{LeadWork, MissingLead, NOT_READABLE_MS, UNWELL_MS};
use adrelay_core::ports::meta::Verdict;
use adrelay_core::time::UnixMillis;
use fakes::{LeadsCall, ScriptedMeta};

use crate::bounded::up_to;
use crate::leads::world::{World, form, lead_id, page, tenant};

const HOUR_MS: i64 = 3_600_000;

/// Why a lead can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Because {
    /// Meta does not let us read it.
    NotReadable,
    /// Its token is refused.
    Token,
    /// Meta does not answer.
    Silence,
    /// Meta wants no calls.
    Limit,
    /// Persons can't be stored.
    People,
}

impl Because {
    const ALL: [Self; 5] = [Self::NotReadable, Self::Token, Self::Silence, Self::Limit, Self::People];

    const fn reason(self) -> &'static str {
        match self {
            Self::NotReadable => "not_readable",
            Self::Token => "token_invalid",
            Self::Silence | Self::Limit => "meta_unavailable",
            Self::People => "unavailable",
        }
    }

    const fn patience_ms(self) -> i64 {
        match self {
            Self::NotReadable => NOT_READABLE_MS,
            _ => UNWELL_MS,
        }
    }

    /// Makes the next try fail.
    fn fail(self, world: &World) {
        let fails = |verdict, code| {
            world.parts.meta.fail_next(LeadsCall::Lead, ScriptedMeta::failure(verdict, code, None));
        };
        match self {
            Self::NotReadable => fails(Verdict::Permission, 100),
            Self::Token => world.parts.meta.accept_only(Some("another")),
            Self::Silence => fails(Verdict::Retry, 2),
            Self::Limit => fails(Verdict::Wait { ms: 60_000 }, 80_005),
            Self::People => world.parts.people.set_down(true),
        }
    }
}

/// Has the lead of a message tried that was announced so long ago, and has been tried `attempt` times.
async fn tried(world: &World, because: Because, attempt: u32, ago_ms: i64) {
    world.submit_plain(1);
    world.announce(&[1]);
    let message = world.parts.leads_queue.receive(1).remove(0);
    world.parts.leads_queue.delete(message.id);
    let LeadWork::Announced { v, page, leads, .. } = LeadWork::parse(&message.body).unwrap() else {
        panic!("no announcement")
    };
    let received_at = world.now().plus_ms(-ago_ms);
    let work = LeadWork::Announced { v, page, received_at, attempt, leads };
    because.fail(world);
    let (failed, _) = world.desk.handle(vec![work], UnixMillis(i64::MAX)).await;
    assert_eq!(failed, [0; 0]);
}

/// The lead's message on the queue: how often it has been tried, and whether it is there at all.
fn queued(world: &World) -> Option<u32> {
    let bodies = world.parts.leads_queue.bodies();
    assert!(bodies.len() <= 1, "{bodies:?}");
    let LeadWork::Announced { attempt, .. } = LeadWork::parse(bodies.first()?).unwrap() else {
        panic!("no announcement")
    };
    Some(attempt)
}

#[tokio::test]
async fn a_lead_is_given_up_when_its_patience_is_over_and_not_before() {
    for because in Because::ALL {
        let patience_ms = because.patience_ms();
        for (ago_ms, given_up) in [(patience_ms - 1, false), (patience_ms, true)] {
            if given_up && because == Because::Limit {
                // Whoever waits for a limit has not been refused: it is tried on.
                continue;
            }
            let world = World::new();
            tried(&world, because, 7, ago_ms).await;
            assert_eq!(queued(&world).is_none(), given_up, "{because:?} after {ago_ms} ms");
            let missing: Vec<MissingLead> = world.parts.leads.all_missing();
            let noted = missing.first().map(|missing| (missing.given_up, missing.reason.as_str()));
            let expected = (because != Because::Limit).then_some((given_up, because.reason()));
            assert_eq!(noted, expected, "{because:?} after {ago_ms} ms");
        }
    }
}

#[tokio::test]
async fn a_lead_of_a_dead_token_is_tried_for_fourteen_days() {
    let world = World::new();
    world.submit_plain(1);
    world.parts.meta.accept_only(Some("another"));
    world.announce(&[1]);
    let begin = world.now();
    for _ in up_to::<u32>(5_000) {
        world.drain().await;
        let Some(next) = world.parts.leads_queue.next_visible_at() else { break };
        if world.now().ms_since(begin) > 37 * HOUR_MS {
            let missing = world.parts.leads.all_missing();
            assert!(!missing[0].given_up, "after {} h", world.now().ms_since(begin) / HOUR_MS);
        }
        world.parts.clock.advance_to(next);
    }
    let hours = world.now().ms_since(begin) / HOUR_MS;
    assert!((14 * 24..14 * 24 + 1).contains(&hours), "{hours}");
    let missing = world.parts.leads.all_missing();
    assert!(missing[0].given_up);
    assert_eq!((missing[0].reason.as_str(), missing[0].code), ("token_invalid", Some(190)));
    assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new());
}

#[tokio::test]
async fn what_could_not_be_noted_as_given_up_is_tried_again() {
    for because in [Because::NotReadable, Because::Token, Because::Silence] {
        let mut noted = 0;
        // Whichever call of the store fails: the lead stands on the queue, or among those that were given up.
        for calls_before in 0..6 {
            for done_all_the_same in [false, true] {
                let world = World::new();
                world.parts.leads.stumble(calls_before, done_all_the_same);
                tried(&world, because, 7, UNWELL_MS).await;
                let given_up = world.parts.leads.all_missing().iter().any(|missing| missing.given_up);
                let context = format!("{because:?}, call {calls_before}, done: {done_all_the_same}");
                assert!(given_up || queued(&world) == Some(8), "{context}");
                noted += usize::from(given_up && queued(&world).is_none());
            }
        }
        assert!(noted >= 2, "{because:?}: {noted} were noted in the end");
    }
}

#[tokio::test]
async fn a_lead_is_noted_as_missing_at_its_third_try_and_then_ever_more_seldom() {
    let expected = [2, 3, 7, 15, 31];
    for attempt in 0..40 {
        let world = World::new();
        tried(&world, Because::NotReadable, attempt, HOUR_MS).await;
        let missing = world.parts.leads.all_missing();
        assert_eq!(missing.len() == 1, expected.contains(&attempt), "after {attempt} tries before");
        assert_eq!(queued(&world), Some(attempt + 1));
        for missing in missing {
            let announced_at = world.now().plus_ms(-HOUR_MS);
            let known = MissingLead {
                tenant: tenant(),
                id: lead_id(1),
                page: page(),
                form: Some(form()),
                announced_at,
                attempts: attempt + 1,
                reason: "not_readable".to_owned(),
                code: Some(100),
                given_up: false,
            };
            assert_eq!(missing, known);
        }
    }
}

#[tokio::test]
async fn waiting_for_a_limit_is_no_try() {
    let world = World::new();
    tried(&world, Because::Limit, 5, HOUR_MS).await;
    assert_eq!(queued(&world), Some(5));
    let due = world.parts.leads_queue.next_visible_at().unwrap();
    assert_eq!(due.ms_since(world.now()), 60_000, "as long as Meta said");
}

#[tokio::test]
async fn each_try_waits_longer_than_the_one_before() {
    let mut bound_ms = 10_000;
    for attempt in 0..12 {
        let world = World::new();
        tried(&world, Because::Silence, attempt, HOUR_MS).await;
        let wait_ms = world.parts.leads_queue.next_visible_at().unwrap().ms_since(world.now());
        assert!((bound_ms / 2..=bound_ms).contains(&wait_ms), "{wait_ms} of {bound_ms}");
        bound_ms = (bound_ms * 2).min(900_000);
    }
}
