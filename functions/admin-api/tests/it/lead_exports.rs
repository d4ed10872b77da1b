//! Leads as files.

use adrelay_core::jobs::{ExportPlan, JobState, JobWork};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::ports::jobs::JobStore as _;
use serde_json::{Value, json};

use crate::lead_forms::{FORM, form};
use crate::leads::{EMAIL, submit};
use crate::pages::{PAGE, page};
use crate::rig::{PIXEL, Rig, Shop};

#[tokio::test]
async fn few_leads_are_answered_as_a_file() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    page(&rig, &shop, PAGE).await;
    form(&rig, &shop, FORM).await;
    submit(&rig, &shop, "1", |_, _| {}).await;
    submit(&rig, &shop, "2", |doc, _| doc.form = "8801".parse().unwrap()).await;
    let file = rig.post("/api/v1/leads/export", &key, json!({})).await;
    assert_eq!(
        (file.status, &file.headers["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().unwrap())
    );
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"leads.csv\"");
    let mut lines = file.text.trim_start_matches('\u{feff}').lines();
    let header = lines.next().unwrap();
    assert!(header.contains("lead_id"), "{header}");
    assert_eq!(lines.count(), 2);
    let of_form = rig.post("/api/v1/leads/export", &key, json!({"form_id": FORM, "q": EMAIL})).await;
    let header = of_form.text.lines().next().unwrap();
    assert!(header.contains("budget"), "a form's questions are columns: {header}");
    assert_eq!(of_form.text.lines().count(), 2);
    let none = rig.post("/api/v1/leads/export", &key, json!({"status": "converted"})).await;
    assert_eq!((none.status, none.text.lines().count()), (200, 1));
}

#[tokio::test]
async fn many_leads_are_a_job_whose_file_can_be_had_for_a_day() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    page(&rig, &shop, PAGE).await;
    let queued =
        rig.post("/api/v1/leads/export", &key, json!({"inline": false, "status": "new", "q": EMAIL})).await;
    assert_eq!(
        (queued.status, &queued.body["kind"], &queued.body["by"]),
        (202, &json!("lead_export"), &json!("people key"))
    );
    let id = queued.body["id"].as_str().unwrap();
    let work = JobWork::parse(&rig.jobs_queue.bodies().concat()).unwrap();
    let JobWork::Export { tenant, job: queued_id, attempt: 0, .. } = work else { panic!("{work:?}") };
    assert_eq!((tenant.as_str(), queued_id.as_str()), (shop.tenant.as_str(), id));

    let mut job = rig.jobs.job(&tenant, &queued_id).await.unwrap().unwrap();
    let plan: ExportPlan = serde_json::from_value(job.plan.clone()).unwrap();
    assert_eq!((plan.query.tenant, plan.query.text.is_some()), (tenant, true));
    job.state = JobState::Done;
    job.done = 5;
    job.file = Some("exports/x.csv".to_owned());
    job.finished_at = Some(rig.clock.now());
    rig.jobs.save_job(&job).await.unwrap();
    let path = format!("/api/v1/jobs/{id}");
    let done = rig.get(&path, &key).await;
    assert_eq!(done.body["progress"], json!({"done": 5, "total": null}));
    assert_eq!(done.body["result"]["expires_at"], "2026-09-21T14:28:20Z");
    assert!(done.body["result"]["url"].as_str().unwrap().contains("exports/x.csv"), "{}", done.text);
    rig.clock.advance_ms(24 * 3_600_000 - 60_000);
    let late = rig.get(&path, &key).await;
    assert_eq!(late.body["result"]["expires_at"], "2026-09-22T14:13:20Z", "not longer than the file");
    rig.clock.advance_ms(60_000);
    assert_eq!(rig.get(&path, &key).await.body["result"], Value::Null);
    rig.files.set_refusing(true);
    assert_eq!(rig.get(&path, &key).await.status, 200, "no link is asked for that there is no file for");
}

#[tokio::test]
async fn more_than_a_thousand_leads_are_not_answered_at_once() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    for id in 1..=1_000 {
        submit(&rig, &shop, &id.to_string(), |_, _| {}).await;
    }
    let thousand = rig.post("/api/v1/leads/export", &shop.admin, json!({})).await;
    assert_eq!((thousand.status, thousand.text.lines().count()), (200, 1_001));
    submit(&rig, &shop, "1001", |_, _| {}).await;
    assert_eq!(rig.post("/api/v1/leads/export", &shop.admin, json!({})).await.status, 202);
    rig.jobs_queue.set_refusing(true);
    let refused = rig.post("/api/v1/leads/export", &shop.admin, json!({})).await;
    assert_eq!(refused.refusal(), (503, "unavailable"));
    assert!(rig.jobs.all().iter().any(|job| job.state == JobState::Failed));
}
