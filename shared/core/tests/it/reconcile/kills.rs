//! The process dies between any two steps, or a store does not answer; whatever was in hand is received again.

use fakes::{Task, side_by_side};

use crate::bounded::up_to;
use crate::reconcile::world::{FORMS, World};

/// Three leads of two forms of one page, of which a webhook told of one, and a job that waits for them.
async fn prepared() -> World {
    let world = World::new();
    world.parts.meta.set_rows(1);
    let told = world.submit(FORMS[0], 1, 8_000);
    world.announce(FORMS[0], &told).await;
    world.submit(FORMS[0], 2, 9_000);
    world.submit(FORMS[1], 3, 10_000);
    world.ask("job_1", &["71"], Some(3)).await;
    world
}

async fn assert_complete(world: &World, context: &str) {
    // What its writer has not told is told by the sweep.
    world.advance_s(61);
    world.desk().sweep(world.later()).await.unwrap();
    world.assert_each_once(3, context);
    assert_eq!(world.sums(FORMS[0]).await, [2, 2, 1, 1], "{context}");
    assert_eq!(world.sums(FORMS[1]).await, [1, 1, 0, 1], "{context}");
    let job = world.job("job_1");
    assert_eq!((job.done, job.total, job.error), (2, Some(2), None), "{context}");
    assert!(job.finished_at.is_some(), "{context}");
    assert!(world.parts.leads_queue.dead().is_empty(), "{context}");
}

#[tokio::test]
async fn wherever_it_dies_the_next_delivery_completes_it_exactly_once() {
    let mut deaths = 0;
    for steps in up_to(2_000).skip(1) {
        let mut world = prepared().await;
        if world.drain_and_die(steps).await {
            assert_complete(&world, "undisturbed").await;
            break;
        }
        deaths += 1;
        // Its next life ends as well.
        world.drain_and_die(steps / 2).await;
        world.drain(world.now()).await;
        assert_complete(&world, &format!("after {steps} steps")).await;
    }
    assert!(deaths >= 40, "it died at {deaths} places");
}

#[tokio::test]
async fn whichever_call_of_the_store_fails_before_or_after_it_was_done_all_is_completed() {
    let mut failures = 0;
    for done_all_the_same in [false, true] {
        for calls_before in up_to(500) {
            let world = prepared().await;
            let calls = world.parts.leads.calls();
            world.parts.leads.stumble(calls_before, done_all_the_same);
            world.drain(world.now()).await;
            let context = format!("call {calls_before}, done {done_all_the_same}");
            if world.parts.leads.calls() - calls <= calls_before {
                break;
            }
            failures += 1;
            assert_complete(&world, &context).await;
        }
    }
    assert!(failures >= 40, "it failed at {failures} places");
}

#[tokio::test]
async fn whichever_call_of_the_jobs_table_fails_the_job_ends() {
    let mut failures = 0;
    for done_all_the_same in [false, true] {
        for calls_before in 0..20 {
            let world = prepared().await;
            world.parts.jobs.stumble(calls_before, done_all_the_same);
            world.drain(world.now()).await;
            assert_complete(&world, &format!("call {calls_before}, done {done_all_the_same}")).await;
            failures += 1;
        }
    }
    assert_eq!(failures, 40);
}

#[tokio::test]
async fn workers_at_once_complete_it_exactly_once() {
    for seed in 0..25 {
        let world = prepared().await;
        // A second look is asked for while the first is under way.
        world.push_page("71", None, None);
        let desks = [world.another(), world.another(), world.another()];
        let tasks = desks.iter().map(|desk| -> Task<'_> { Box::pin(world.drain_by(desk)) }).collect();
        side_by_side(&world.parts.clock, seed, tasks);
        world.drain(world.now()).await;
        assert_complete(&world, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn a_queue_that_refuses_leaves_the_message_to_be_delivered_again() {
    let world = prepared().await;
    world.parts.leads_queue.set_refusing(true);
    let refused = world.parts.leads_queue.receive(1);
    assert_eq!(refused.len(), 1);
    let task = adrelay_core::leads::reconcile::PageTask {
        tenant: crate::reconcile::data::tenant(),
        page: crate::reconcile::data::page("71"),
        attempt: 0,
        days: Some(3),
        job: Some("job_1".parse().unwrap()),
    };
    world.desk().look_at_page(&task).await.unwrap_err();
    world.parts.leads_queue.set_refusing(false);
    world.drain(world.now()).await;
    assert_complete(&world, "").await;
}

#[tokio::test]
async fn a_message_that_is_delivered_twice_changes_nothing() {
    let world = prepared().await;
    let bodies = world.parts.leads_queue.bodies();
    for body in bodies {
        world.parts.leads_queue.push(body, 0);
    }
    world.drain(world.now()).await;
    assert_complete(&world, "").await;
}
