//! Several workers at once over one set of stores, in an order that a seed decides.

use std::collections::BTreeSet;

use adrelay_core::leads::{Change, ChangeError, LeadDesk, LeadWork, Status};
use adrelay_core::time::UnixMillis;
use fakes::{ANY, LeadPorts, On, Task, side_by_side};

use crate::bounded::up_to;
use crate::leads::world::{World, lead_id, tenant};

const SEEDS: u64 = 25;

impl World {
    /// Other processes: each has caches of its own.
    fn others(&self, count: usize) -> Vec<LeadDesk<LeadPorts>> {
        (0..count).map(|_| LeadDesk::new(self.parts.clone(), self.settings.clone())).collect()
    }
}

/// Receives and works until nothing can be received.
async fn work(world: &World, desk: &LeadDesk<LeadPorts>) {
    for _ in up_to::<u32>(200) {
        let received = world.parts.leads_queue.receive(2);
        if received.is_empty() {
            break;
        }
        let work = received.iter().map(|message| LeadWork::parse(&message.body).unwrap()).collect();
        let (failed, _) = desk.handle(work, world.now().plus_ms(60_000)).await;
        for (place, message) in received.iter().enumerate() {
            if !failed.contains(&place) {
                world.parts.leads_queue.delete(message.id);
            }
        }
    }
}

fn sweep(desk: &LeadDesk<LeadPorts>) -> Task<'_> {
    Box::pin(async {
        desk.sweep(UnixMillis(i64::MAX)).await.unwrap();
    })
}

/// Each lead once, with a person of its own where `people` says so, and everything told under one name.
fn assert_each_once(world: &World, count: usize, people: usize, context: &str) {
    assert_eq!(world.parts.leads.all().len(), count, "{context}");
    assert_eq!(world.parts.people.roots().len(), people, "{context}");
    assert_eq!(world.parts.leads.outbox(), [], "{context}");
    let unique = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>().len();
    let bus = world.parts.bus.events().iter().map(|event| event.detail["id"].to_string()).collect();
    assert_eq!(unique(bus), count, "{context}: the bus");
    let stages = world.events("lead-").iter().map(ToString::to_string).collect::<Vec<_>>();
    let new = stages.iter().filter(|event| event.contains("\"New\"")).cloned().collect();
    assert_eq!(unique(new), count, "{context}: Meta");
    let counted: u64 = world.parts.leads.all_days().iter().map(|(_, _, day)| day.by_webhook).sum();
    assert_eq!(counted, count as u64, "{context}: counted once");
    assert_eq!(world.parts.leads_queue.dead(), Vec::<String>::new(), "{context}");
}

#[tokio::test]
async fn leads_that_several_workers_get_at_once_are_stored_once() {
    for seed in 0..SEEDS {
        let world = World::new();
        for nth in 1..=12 {
            world.submit_plain(nth);
        }
        // Every lead is announced three times, in other company each time.
        for (from, step) in [(0, 1), (5, 5), (7, 7)] {
            let nths: Vec<u64> = (0..12).map(|nth| (from + nth * step) % 12 + 1).collect();
            nths.chunks(4).for_each(|few| world.announce(few));
        }
        let desks = world.others(4);
        let tasks = desks.iter().map(|desk| -> Task<'_> { Box::pin(work(&world, desk)) }).collect();
        side_by_side(&world.parts.clock, seed, tasks);
        world.settle().await;
        world.sweep().await;
        assert_each_once(&world, 12, 12, &format!("seed {seed}"));
    }
}

#[tokio::test]
async fn leads_of_one_person_at_several_workers_are_one_person() {
    for seed in 0..SEEDS {
        let world = World::new();
        for nth in 1..=6 {
            world.submit(nth, &[("email", &["jane@example.com"]), ("full_name", &["Jane Doe"])]);
        }
        (1..=6).for_each(|nth| world.announce(&[nth]));
        let clock = &world.parts.clock;
        world.parts.people.faults().take_ms(ANY, On::Each, clock, 20);
        world.parts.leads.faults().take_ms(ANY, On::Each, clock, 30);
        world.parts.meta.faults().take_ms(ANY, On::Each, clock, 200);
        let desks = world.others(3);
        let tasks = desks.iter().map(|desk| -> Task<'_> { Box::pin(work(&world, desk)) }).collect();
        side_by_side(clock, seed, tasks);
        world.settle().await;
        world.sweep().await;
        assert_each_once(&world, 6, 1, &format!("seed {seed}"));
        let persons: BTreeSet<_> =
            world.parts.leads.all().into_iter().map(|lead| lead.doc.person.unwrap()).collect();
        assert_eq!(persons.len(), 1, "seed {seed}");
        assert_eq!(world.parts.people.link_count(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn sweeps_at_once_tell_everything_under_one_name() {
    for seed in 0..SEEDS {
        let world = World::new();
        for nth in 1..=5 {
            world.submit_plain(nth);
        }
        world.announce(&[1, 2, 3, 4, 5]);
        world.parts.bus.set_refusing(true);
        world.settle().await;
        world.parts.bus.set_refusing(false);
        assert_eq!(world.parts.leads.outbox().len(), 5);
        world.parts.clock.advance_ms(60_000);
        let desks = world.others(3);
        let tasks = desks.iter().map(sweep).collect();
        side_by_side(&world.parts.clock, seed, tasks);
        assert_each_once(&world, 5, 5, &format!("seed {seed}"));
    }
}

#[tokio::test]
async fn changes_at_once_are_one_history_and_one_stage_each() {
    let to = |status| Change::Status { to: status, worth: None };
    for seed in 0..SEEDS {
        let world = World::new();
        world.submit_plain(1);
        world.announce(&[1]);
        world.settle().await;
        let change = |change: Change| -> Task<'_> {
            let world = &world;
            Box::pin(async move {
                match world.change(1, change, None).await {
                    Ok(_) | Err(ChangeError::Illegal(_)) => {}
                    Err(error) => panic!("seed {seed}: {error}"),
                }
            })
        };
        let tasks: Vec<Task<'_>> = vec![
            change(to(Status::Contacted)),
            change(to(Status::Contacted)),
            change(to(Status::Disqualified)),
            change(Change::Assign { to: Some("Bob".to_owned()) }),
            Box::pin(async {
                world.desk.sweep(UnixMillis(i64::MAX)).await.unwrap();
            }),
        ];
        side_by_side(&world.parts.clock, seed, tasks);
        world.parts.clock.advance_ms(5_000);
        world.sweep().await;
        let lead = world.lead(1).await.unwrap();
        let history = world.parts.leads.history(&tenant(), &lead_id(1));
        let nths: Vec<u64> = history.iter().map(|line| line.nth).collect();
        assert_eq!(nths, (1..=lead.rev).collect::<Vec<_>>(), "seed {seed}: a line for each change");
        assert_eq!(lead.doc.assignee.as_deref(), Some("Bob"), "seed {seed}");
        let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
        let times: Vec<i64> = stages.iter().map(|stage| stage.event_time_s).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: {times:?}");
        let ids: BTreeSet<String> =
            world.stages(1).iter().map(|event| event["event_id"].to_string()).collect();
        assert_eq!(ids.len(), stages.len(), "seed {seed}: each stage is told");
        assert_eq!(world.parts.leads.outbox(), [], "seed {seed}");
    }
}
