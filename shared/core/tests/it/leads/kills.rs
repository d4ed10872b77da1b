//! The process dies between any two steps; SQS delivers the message again, and a sweep finds what was not told.

use std::collections::BTreeSet;

use adrelay_core::leads::FeedbackState;
use adrelay_core::ports::clock::Entropy as _;
use fakes::SeededEntropy;

use crate::bounded::up_to;
use crate::leads::world::{World, lead_id, tenant};

/// What holds once everything was worked off: each lead once, with a person of its own, everything told.
fn assert_whole(world: &World, count: usize, when: &str) {
    let leads = world.parts.leads.all();
    assert_eq!(leads.len(), count, "{when}");
    let people: BTreeSet<_> = leads.iter().filter_map(|lead| lead.doc.person.clone()).collect();
    assert_eq!(people.len(), count, "{when}: one person each");
    assert_eq!(world.parts.people.roots().len(), count, "{when}: nobody beside them");
    assert_eq!(world.parts.leads.outbox(), [], "{when}: everything told");
    let told: BTreeSet<String> =
        world.parts.bus.events().iter().map(|event| event.detail["lead_id"].to_string()).collect();
    assert_eq!(told.len(), count, "{when}: the bus heard of each");
    for lead in &leads {
        assert_eq!(lead.rev, 1, "{when}");
        let stages = world.parts.leads.stages(&tenant(), &lead.id);
        assert_eq!(stages.len(), 1, "{when}");
        assert!(matches!(stages[0].state, FeedbackState::Queued { .. }), "{when}");
    }
    let mut stages: Vec<String> = world
        .messages()
        .iter()
        .flat_map(|message| &message.events)
        .filter(|event| event.head().event_name.as_str() == "New")
        .map(|event| event.head().event_id.to_string())
        .collect();
    stages.sort();
    stages.dedup();
    assert_eq!(stages.len(), count, "{when}: Meta is told of each");
    let counted: u64 = world.parts.leads.all_days().iter().map(|(_, _, day)| day.by_webhook).sum();
    assert_eq!(counted, count as u64, "{when}: counted once");
    assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new(), "{when}");
}

#[tokio::test]
async fn wherever_it_dies_the_next_try_stores_the_lead_once_and_tells_it() {
    let mut deaths = 0;
    for steps in up_to(500).skip(1) {
        let mut world = World::new();
        world.submit_plain(1);
        world.announce(&[1]);
        if world.batch_and_die(steps).await {
            break;
        }
        deaths += 1;
        world.restart();
        world.settle().await;
        world.sweep().await;
        assert_whole(&world, 1, &format!("dead after {steps} steps"));
    }
    assert!(deaths >= 15, "it died at {deaths} places");
}

#[tokio::test]
async fn wherever_the_sweep_dies_the_next_one_tells_the_rest() {
    let mut deaths = 0;
    for steps in up_to(500).skip(1) {
        let mut world = World::new();
        for nth in 1..=3 {
            world.submit_plain(nth);
        }
        world.announce(&[1, 2, 3]);
        world.parts.bus.set_refusing(true);
        world.settle().await;
        world.parts.bus.set_refusing(false);
        world.parts.clock.advance_ms(60_000);
        let deadline = adrelay_core::time::UnixMillis(i64::MAX);
        if crate::leads::world::die(world.desk.sweep(deadline), steps).await {
            break;
        }
        deaths += 1;
        world.restart();
        world.sweep().await;
        assert_whole(&world, 3, &format!("dead after {steps} steps"));
    }
    assert!(deaths >= 3, "it died at {deaths} places");
}

#[tokio::test]
async fn five_hundred_leads_survive_a_worker_that_keeps_dying() {
    const LEADS: u64 = 500;
    let mut world = World::new();
    for nth in 0..LEADS {
        world.submit_plain(nth);
    }
    let nths: Vec<u64> = (0..LEADS).collect();
    for few in nths.chunks(10) {
        world.announce(few);
    }
    // Some of it is announced twice.
    for few in nths.chunks(10).step_by(7) {
        world.announce(few);
    }
    let chance = SeededEntropy::new(500);
    let mut deaths = 0;
    for _ in up_to::<u32>(10_000) {
        let Some(next) = world.parts.leads_queue.next_visible_at() else { break };
        world.parts.clock.advance_to(next);
        if chance.up_to(2) == 0 {
            let steps = usize::try_from(chance.up_to(40)).unwrap();
            if !world.batch_and_die(steps).await {
                deaths += 1;
                world.restart();
            }
        } else {
            world.batch_of(1).await;
        }
    }
    assert!(deaths >= 10, "it died {deaths} times");
    world.sweep().await;
    assert_whole(&world, 500, &format!("after {deaths} deaths"));
    assert!(world.lead(0).await.is_some_and(|lead| lead.id == lead_id(0)));
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_no_second_lead() {
    for calls_before in 0..12 {
        for done_all_the_same in [false, true] {
            let world = World::new();
            world.submit_plain(1);
            world.announce(&[1]);
            world.parts.leads.stumble(calls_before, done_all_the_same);
            world.settle().await;
            world.sweep_all().await;
            assert_whole(&world, 1, &format!("call {calls_before} stumbled, done: {done_all_the_same}"));
        }
    }
}
