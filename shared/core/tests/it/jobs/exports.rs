//! What an export's file holds.

use adrelay_core::ids::{FormId, PageId};
use adrelay_core::jobs::JobState;
use adrelay_core::leads::{LeadPii, LeadQuery, MetaForm};
use adrelay_core::ports::leads::{FormStore as _, LeadEraser as _};
use fakes::NOON;
use serde_json::json;

use crate::jobs::world::{World, lead, pii};

#[tokio::test]
async fn leads_stand_in_the_file_newest_first_and_formulas_stay_text() {
    let world = World::new();
    world.submit(3).await;
    world.export(world.all()).await;
    world.run(2).await;
    let rows = world.rows();
    let emails: Vec<&str> = rows.iter().map(|row| row["email"].as_str()).collect();
    assert_eq!(emails, ["p2@example.com", "p1@example.com", "p0@example.com"]);
    assert_eq!(rows[0]["answers"], r#"{"why":["=HYPERLINK(2)","b"]}"#);
    let job = world.job();
    assert_eq!((job.finished_at, job.error), (Some(NOON), None));
    assert_eq!(world.report.borrow().rows, 3);
    assert_eq!(world.report.borrow().jobs_done, 1);
    let plan = job.plan.to_string();
    assert!(!plan.contains("example.com") && !plan.contains("HYPERLINK"), "{plan}");
}

#[tokio::test]
async fn an_export_of_one_form_has_a_column_for_each_of_its_questions() {
    let world = World::new();
    world.submit(1).await;
    let form = json!({"id": "20", "status": "ACTIVE", "questions": [{"key": "why", "type": "CUSTOM"}]});
    let form: MetaForm = serde_json::from_value(form).unwrap();
    let page = PageId::parse("10").unwrap();
    world.ports().leads.put_form(&world.tenant, &page, &form, NOON).await.unwrap();
    let of_form = |id| LeadQuery { form: Some(FormId::parse(id).unwrap()), ..world.all() };
    world.export(of_form("20")).await;
    world.run(2).await;
    let rows = world.rows();
    assert_eq!(rows[0]["answer.why"], "'=HYPERLINK(0); b");
    assert_eq!(rows[0]["answers"], "");
}

#[tokio::test]
async fn an_export_of_nothing_is_a_header() {
    let world = World::new();
    world.export(world.all()).await;
    world.run(2).await;
    assert_eq!(world.rows().len(), 0);
}

#[tokio::test]
async fn erased_leads_stay_as_rows_without_anything_personal_and_unreadable_ones_say_so() {
    let world = World::new();
    world.submit(1).await;
    let erased = lead(&world.tenant, 1, &pii(1));
    world.store(&erased).await;
    world.ports().leads.erase_lead(&world.tenant, &erased.id, NOON).await.unwrap();
    let mut foreign = lead(&world.tenant, 2, &LeadPii::default());
    foreign.sealed.clone_from(&lead(&world.tenant, 3, &pii(3)).sealed);
    world.store(&foreign).await;
    world.export(world.all()).await;
    world.run(2).await;
    let rows = world.rows();
    assert_eq!(rows.len(), 3);
    assert_eq!((rows[0]["email"].as_str(), rows[0]["answers"].as_str()), ("", "unreadable"));
    assert_eq!((rows[1]["email"].as_str(), rows[1]["answers"].as_str()), ("", ""));
    assert!(!rows[1]["erased_at"].is_empty());
    assert_eq!(rows[2]["email"], "p0@example.com");
    assert_eq!(world.report.borrow().unreadable, 1);
}

#[tokio::test]
async fn a_job_that_ended_or_is_gone_is_left_alone() {
    let world = World::new();
    world.submit(2).await;
    world.export(world.all()).await;
    let again = world.ports().queue.bodies().remove(0);
    world.run(2).await;
    let done = world.job();
    world.ports().queue.push(again.clone(), 0);
    world.ports().queue.push(again.replace("job_1", "job_2"), 0);
    world.run(2).await;
    assert_eq!(world.job(), done);
    assert_eq!(done.state, JobState::Done);
}
