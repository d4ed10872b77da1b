//! Exports that are killed, run out of time, or find a store that fails.

use adrelay_core::jobs::{JobState, JobWork, MAX_FUTILE_SLICES};
use adrelay_core::leads::LeadQuery;
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::jobs::JobStore as _;
use fakes::{ANY, BEFORE_AND_AFTER, Faults, On, When};

use crate::bounded::{until_stuck, up_to};
use crate::jobs::world::{INVOCATION_MS, World, lead, pii};

/// Leads of pages of 500: two parts and a rest.
const LEADS: usize = 1_100;

const PART_BYTES: usize = 50_000;

/// Leads that are read at a time.
const PAGE_LEADS: usize = 500;

/// How long a reading of a page takes where it takes a while.
const PAGE_MS: u64 = 1_000;

/// What must be left of an invocation to begin with another page or part.
const SLICE_MARGIN_MS: i64 = 3_000;

type Part = (&'static str, fn(&World) -> Faults);

/// What an export asks, but for the secrets: they are read once a lead.
const PARTS: [Part; 4] = [
    ("jobs", |world| world.ports().jobs.faults().clone()),
    ("leads", |world| world.ports().leads.faults().clone()),
    ("files", |world| world.ports().files.faults().clone()),
    ("queue", |world| world.ports().queue.faults().clone()),
];

/// A world in which an export of all leads is asked for, of which few hold anything sealed: opening takes its time.
async fn asked() -> World {
    let world = World::with_parts_of(PART_BYTES);
    world.submit_few_sealed(LEADS).await;
    world.export(world.all()).await;
    world
}

#[tokio::test]
async fn wherever_it_is_killed_the_next_one_goes_on_and_no_lead_stands_there_twice() {
    for (part, faults) in PARTS {
        let mut deaths = 0;
        for when in BEFORE_AND_AFTER {
            for nth in up_to::<u64>(100).skip(1) {
                let world = asked().await;
                let faults = faults(&world);
                // Two in a row die at the same call of theirs.
                faults.hang(ANY, On::Nth(nth), when);
                let ended = until_stuck(world.step()).is_some();
                if !ended {
                    deaths += 1;
                    let visible_at = world.ports().queue.next_visible_at().expect("it is seen again");
                    world.ports().clock.advance_to(visible_at);
                    faults.hang(ANY, On::Nth(nth), when);
                    let _ = until_stuck(world.step());
                }
                faults.clear();
                world.run(20).await;
                assert_eq!(world.rows().len(), LEADS, "{part}: died at call {nth} {when:?}");
                if ended {
                    break;
                }
            }
        }
        assert!(deaths >= 6 || part == "queue", "{part}: it died at {deaths} places");
    }
}

#[tokio::test]
async fn whichever_call_fails_or_whose_answer_is_lost_the_file_is_whole() {
    for (part, faults) in PARTS {
        let mut failed = 0;
        for when in BEFORE_AND_AFTER {
            for nth in up_to::<u64>(100).skip(1) {
                let world = asked().await;
                let faults = faults(&world);
                let before = faults.calls(ANY);
                faults.fail(ANY, On::Nth(nth), when);
                world.run(20).await;
                assert_eq!(world.rows().len(), LEADS, "{part}: call {nth} failed {when:?}");
                if faults.calls(ANY) - before < nth {
                    break;
                }
                failed += 1;
            }
        }
        assert!(failed >= 6 || part == "queue", "{part}: {failed} calls failed");
    }
}

#[tokio::test]
async fn a_keyring_that_cannot_be_read_at_any_lead_costs_nothing_but_time() {
    for nth in [1, 2, 10, 11, 22] {
        for when in BEFORE_AND_AFTER {
            let world = asked().await;
            world.ports().secrets.faults().fail(ANY, On::Nth(nth), when);
            world.run(20).await;
            assert_eq!(world.rows().len(), LEADS, "the {nth}th reading failed {when:?}");
            assert_eq!(world.report.borrow().unreadable, 0);
        }
    }
}

/// Bytes of the rows of a page of leads.
async fn page_bytes() -> usize {
    let world = World::new();
    world.submit_few_sealed(PAGE_LEADS).await;
    world.export(world.all()).await;
    world.run(2).await;
    assert_eq!(world.rows().len(), PAGE_LEADS);
    world.ports().files.file(world.job().file.as_ref().unwrap()).unwrap().bytes.len()
}

/// Exports leads of five pages and a rest, in invocations that have time for so many readings of a page.
async fn export_in_slices(part_bytes: usize, pages_in_time: u64) -> World {
    let world = World::with_parts_of(part_bytes);
    world.submit_few_sealed(5 * PAGE_LEADS + 3).await;
    world.export(world.all()).await;
    let clock = world.ports().clock.clone();
    world.ports().leads.faults().take_ms("list", On::Each, &clock, PAGE_MS);
    let time_ms = i64::try_from(PAGE_MS * pages_in_time).unwrap() + SLICE_MARGIN_MS - 1;
    for _ in up_to::<u32>(40) {
        if matches!(world.job().state, JobState::Done | JobState::Failed) {
            break;
        }
        let message = world.ports().queue.receive(1).remove(0);
        let work = JobWork::parse(&message.body).unwrap();
        let (failed, _) = world.worker.handle(vec![work], clock.now().plus_ms(time_ms)).await;
        assert_eq!(failed, [0; 0]);
        world.ports().queue.delete(message.id);
    }
    world
}

#[tokio::test]
async fn time_that_is_up_within_a_part_loses_no_row() {
    let page_bytes = page_bytes().await;
    for part_pages in [2, 3] {
        let part_bytes = page_bytes * (part_pages - 1) + page_bytes / 2;
        for pages_in_time in 1..=5 {
            let world = export_in_slices(part_bytes, pages_in_time).await;
            let context = format!("{part_pages} pages a part, time for {pages_in_time}");
            if usize::try_from(pages_in_time).unwrap() < part_pages {
                // Never time for a whole part: it says so instead of going on for ever.
                assert_eq!(world.job().error.as_deref(), Some("worker_lost"), "{context}");
            } else {
                assert_eq!(world.job().state, JobState::Done, "{context}");
                assert_eq!(world.rows().len(), 5 * PAGE_LEADS + 3, "{context}");
                let key = world.job().file.unwrap();
                assert_eq!(
                    world.ports().files.file(&key).unwrap().parts,
                    6_usize.div_ceil(part_pages),
                    "{context}"
                );
            }
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
    for _ in up_to::<u32>(100) {
        if world.job().state == JobState::Done {
            break;
        }
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
    for _ in up_to::<u32>(1_000) {
        if world.job().state == JobState::Done {
            break;
        }
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
