//! Exports that are killed, run out of time, or find a store that fails.

use adrelay_core::jobs::{JobState, JobWork, MAX_FUTILE_SLICES};
use adrelay_core::leads::LeadQuery;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::jobs::JobStore as _;
use fakes::{On, When};

use crate::jobs::world::{INVOCATION_MS, World, lead, pii};

/// Leads of pages of 500: two parts and a rest.
const LEADS: usize = 1_100;

const PART_BYTES: usize = 50_000;

#[tokio::test]
async fn wherever_it_is_killed_the_next_one_goes_on_and_no_lead_stands_there_twice() {
    let mut deaths = 0;
    for steps in (1..).step_by(3) {
        let world = World::with_parts_of(PART_BYTES);
        world.submit(LEADS).await;
        world.export(world.all()).await;
        if world.die_after(steps).await {
            break;
        }
        deaths += 1;
        // The next one dies as well, elsewhere.
        let visible_at = world.ports().queue.next_visible_at().expect("the message is seen again");
        world.ports().clock.advance_to(visible_at);
        world.die_after(steps / 2).await;
        world.run(20).await;
        assert_eq!(world.rows().len(), LEADS, "after {steps} steps");
    }
    assert!(deaths >= 4, "it died at {deaths} places");
}

#[tokio::test]
async fn whichever_call_of_a_store_fails_or_whose_answer_is_lost_the_file_is_whole() {
    for done_all_the_same in [false, true] {
        for calls_before in 0..10 {
            let world = World::with_parts_of(PART_BYTES);
            world.submit(LEADS).await;
            world.export(world.all()).await;
            world.ports().jobs.stumble(calls_before, done_all_the_same);
            world.run(20).await;
            assert_eq!(world.rows().len(), LEADS, "jobs, {calls_before}, {done_all_the_same}");
            let world = World::with_parts_of(PART_BYTES);
            world.submit(LEADS).await;
            world.export(world.all()).await;
            world.ports().leads.stumble(calls_before, done_all_the_same);
            world.ports().files.faults().fail("part", On::Nth(calls_before % 4 + 1), When::Before);
            world.run(20).await;
            assert_eq!(world.rows().len(), LEADS, "leads, {calls_before}, {done_all_the_same}");
        }
    }
}

#[tokio::test]
async fn an_invocation_without_time_leaves_the_rest_to_the_next() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(LEADS).await;
    world.export(world.all()).await;
    let mut slices = 0;
    let mut done = 0;
    while world.job().state != JobState::Done {
        let received = world.ports().queue.receive(1).remove(0);
        let work = JobWork::parse(&received.body).unwrap();
        // Time enough to begin, none to begin with another part.
        let deadline = world.ports().clock.now().plus_ms(10);
        let (failed, _) = world.worker.handle(vec![work], deadline).await;
        assert_eq!(failed, [0; 0]);
        world.ports().queue.delete(received.id);
        assert!(world.job().done > done || world.job().state == JobState::Done);
        done = world.job().done;
        slices += 1;
    }
    assert!(slices >= 3, "{slices} slices");
    assert_eq!(world.rows().len(), LEADS);
}

#[tokio::test]
async fn a_copy_of_the_message_waits_until_the_first_worker_is_through() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(LEADS).await;
    world.export(world.all()).await;
    let copy = world.ports().queue.bodies().remove(0);
    assert!(!world.die_after(12).await, "it is under way");
    world.ports().queue.push(copy, 0);
    world.step().await;
    let now = world.ports().clock.now();
    let next = world.ports().queue.next_visible_at().unwrap();
    assert_eq!(next.ms_since(now), INVOCATION_MS, "as long as the first one may still work on it");
    world.run(20).await;
    assert_eq!(world.rows().len(), LEADS);
}

#[tokio::test]
async fn a_file_store_that_is_gone_for_good_fails_the_job_with_its_reason() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(3).await;
    world.export(world.all()).await;
    world.ports().files.set_refusing(true);
    let began = world.ports().clock.now();
    world.run(usize::try_from(MAX_FUTILE_SLICES).unwrap()).await;
    let job = world.job();
    assert_eq!(job.state, JobState::Failed);
    assert_eq!(job.error.as_deref(), Some("file_store_unavailable"));
    assert!(job.finished_at.is_some() && job.file.is_none());
    assert_eq!(world.report.borrow().jobs_failed, 1);
    assert!(
        world.ports().clock.now().ms_since(began) > 30 * 60_000,
        "an outage of half an hour fails nothing"
    );
}

#[tokio::test]
async fn a_job_that_kills_its_worker_fails_before_its_message_is_a_dead_letter() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(LEADS).await;
    world.export(world.all()).await;
    for _ in 0..4 {
        assert!(!world.die_after(4).await);
        let visible_at = world.ports().queue.next_visible_at().unwrap();
        world.ports().clock.advance_to(visible_at);
    }
    world.run(2).await;
    assert_eq!(world.job().error.as_deref(), Some("worker_lost"));
    assert_eq!(world.ports().queue.dead(), [""; 0]);
}

#[tokio::test]
async fn an_upload_of_a_job_that_fails_is_given_up() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(LEADS).await;
    let id = world.export(world.all()).await;
    world.ports().files.faults().fail("part", On::Nth(1), When::Before);
    world.step().await;
    assert_eq!(world.ports().files.open_uploads(), 1);
    world.ports().leads.set_down(true);
    world.run(usize::try_from(MAX_FUTILE_SLICES).unwrap() + 1).await;
    let job = world.ports().jobs.job(&world.tenant, &id).await.unwrap().unwrap();
    assert_eq!(job.error.as_deref(), Some("store_unavailable"));
    assert_eq!(world.ports().files.open_uploads(), 0);
}

#[tokio::test]
async fn what_was_looked_through_in_vain_is_not_looked_through_again() {
    let world = World::with_parts_of(PART_BYTES);
    world.submit(40).await;
    let oldest = lead(&world.tenant, 0, &pii(0));
    world.export(LeadQuery { until_s: Some(oldest.doc.created_at_s + 1), ..world.all() }).await;
    world.ports().leads.set_looked_through_max(1);
    let mut slices = 0;
    while world.job().state != JobState::Done {
        let received = world.ports().queue.receive(1).remove(0);
        // Time for a single page of leads.
        let deadline = world.ports().clock.now().plus_ms(10);
        world.worker.handle(vec![JobWork::parse(&received.body).unwrap()], deadline).await;
        world.ports().queue.delete(received.id);
        slices += 1;
    }
    assert!(slices > 2 * MAX_FUTILE_SLICES, "{slices} slices");
    assert_eq!(world.rows().len(), 1);
}
