//! Jobs are written over what was read; deliveries that are not done are listed.

use adrelay_aws::jobs::DynamoJobs;
use adrelay_core::ids::{JobId, LeadId, TenantId};
use adrelay_core::jobs::{Delivery, DeliveryState, Job, JobKind, JobState};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::jobs::{DeliveryStore, JobStore};
use futures_util::future::join_all;
use serde_json::json;

use crate::contract::contract;
use crate::support::{NOON, TABLE, dynamodb, item, partition, tenant};

trait Jobs: JobStore + DeliveryStore {}

impl<T: JobStore + DeliveryStore> Jobs for T {}

contract!(adrelay_aws::jobs::DynamoJobs::new, crate::support::dynamodb, fakes::MemoryJobs::default;
    a_job_is_written_over_what_was_read_or_not_at_all,
    of_many_who_save_a_new_job_one_does,
    a_delivery_is_written_in_place_of_what_was_known,
    open_deliveries_are_paged_by_id,
    a_page_of_deliveries_has_one_at_least_and_a_hundred_at_most,
    a_cursor_of_deliveries_may_be_any_text,
    a_tenant_sees_its_own,
);

pub(crate) fn job(id: &str) -> Job {
    Job {
        tenant: tenant(),
        id: JobId::parse(id).unwrap(),
        rev: 0,
        kind: JobKind::LeadExport,
        state: JobState::Queued,
        done: 0,
        total: None,
        created_at: NOON,
        by: "crm".to_owned(),
        updated_at: NOON,
        finished_at: None,
        error: None,
        file: None,
        plan: json!({"form": "1"}),
    }
}

pub(crate) fn delivery(id: &str, state: DeliveryState) -> Delivery {
    Delivery {
        tenant: tenant(),
        id: id.to_owned(),
        lead: LeadId::parse("9007199254740993").unwrap(),
        state,
        attempts: 2,
        first_at: NOON,
        last_at: NOON.plus_ms(5_000),
        next_at: Some(NOON.plus_ms(60_000)),
        http_status: Some(503),
        error: Some("http_status".to_owned()),
    }
}

async fn a_job_is_written_over_what_was_read_or_not_at_all(jobs: &impl Jobs) {
    let new = job("job_1");
    assert_eq!(jobs.job(&new.tenant, &new.id).await.unwrap(), None);
    assert_eq!(jobs.save_job(&Job { rev: 1, ..new.clone() }).await, Err(StoreError::Conflict));
    jobs.save_job(&new).await.unwrap();
    let read = jobs.job(&new.tenant, &new.id).await.unwrap().unwrap();
    assert_eq!(read, Job { rev: 1, ..new.clone() });
    let running = Job { state: JobState::Running, done: 5, ..read.clone() };
    jobs.save_job(&running).await.unwrap();
    assert_eq!(jobs.save_job(&read).await, Err(StoreError::Conflict));
    assert_eq!(jobs.save_job(&new).await, Err(StoreError::Conflict));
    assert_eq!(jobs.job(&new.tenant, &new.id).await.unwrap(), Some(Job { rev: 2, ..running }));
}

async fn of_many_who_save_a_new_job_one_does(jobs: &impl Jobs) {
    let new = job("job_1");
    let tries = join_all((0..5).map(|_| jobs.save_job(&new))).await;
    assert_eq!(tries.iter().filter(|saved| saved.is_ok()).count(), 1);
}

async fn a_delivery_is_written_in_place_of_what_was_known(jobs: &impl Jobs) {
    let first = delivery("dlv_1", DeliveryState::Retrying);
    jobs.put_delivery(&first).await.unwrap();
    assert_eq!(jobs.delivery(&tenant(), "dlv_1").await.unwrap(), Some(first));
    let done = Delivery { next_at: None, ..delivery("dlv_1", DeliveryState::Delivered) };
    for _ in 0..2 {
        jobs.put_delivery(&done).await.unwrap();
    }
    assert_eq!(jobs.delivery(&tenant(), "dlv_1").await.unwrap(), Some(done));
    assert_eq!(jobs.open_deliveries(&tenant(), 10, None).await.unwrap().items, []);
    assert_eq!(jobs.delivery(&tenant(), "dlv_2").await.unwrap(), None);
}

async fn open_deliveries_are_paged_by_id(jobs: &impl Jobs) {
    for (nth, state) in [DeliveryState::Dead, DeliveryState::Retrying, DeliveryState::Delivered]
        .iter()
        .cycle()
        .take(9)
        .enumerate()
    {
        jobs.put_delivery(&delivery(&format!("dlv_{nth}"), *state)).await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..5 {
        let page = jobs.open_deliveries(&tenant(), 4, cursor.as_deref()).await.unwrap();
        assert!(page.items.len() <= 4);
        seen.extend(page.items.into_iter().map(|delivery| delivery.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.join(" "), "dlv_0 dlv_1 dlv_3 dlv_4 dlv_6 dlv_7");
    assert_eq!(cursor, None);
}

async fn a_page_of_deliveries_has_one_at_least_and_a_hundred_at_most(jobs: &impl Jobs) {
    for nth in 0..102 {
        jobs.put_delivery(&delivery(&format!("dlv_{nth:03}"), DeliveryState::Dead)).await.unwrap();
    }
    for (limit, shown, cursor) in [(0, 1, "dlv_000"), (100, 100, "dlv_099"), (usize::MAX, 100, "dlv_099")] {
        let page = jobs.open_deliveries(&tenant(), limit, None).await.unwrap();
        assert_eq!((page.items.len(), page.next_cursor.as_deref()), (shown, Some(cursor)), "of {limit}");
    }
    let rest = jobs.open_deliveries(&tenant(), 100, Some("dlv_099")).await.unwrap();
    assert_eq!((rest.items.len(), rest.next_cursor), (2, None));
}

async fn a_cursor_of_deliveries_may_be_any_text(jobs: &impl Jobs) {
    jobs.put_delivery(&delivery("dlv_1", DeliveryState::Dead)).await.unwrap();
    for (cursor, shown) in
        [("", 1), ("a", 1), ("dlv_", 1), ("dlv_1", 0), ("e", 0), ("~", 0), ("~~", 0), ("é", 0)]
    {
        let page = jobs.open_deliveries(&tenant(), 10, Some(cursor)).await.unwrap();
        assert_eq!((page.items.len(), page.next_cursor), (shown, None), "after {cursor:?}");
    }
}

async fn a_tenant_sees_its_own(jobs: &impl Jobs) {
    let other = TenantId::parse("other").unwrap();
    jobs.save_job(&job("job_1")).await.unwrap();
    jobs.put_delivery(&delivery("dlv_1", DeliveryState::Dead)).await.unwrap();
    assert_eq!(jobs.job(&other, &job("job_1").id).await.unwrap(), None);
    assert_eq!(jobs.delivery(&other, "dlv_1").await.unwrap(), None);
    assert_eq!(jobs.open_deliveries(&other, 10, None).await.unwrap().items, []);
}

#[tokio::test]
async fn jobs_and_deliveries_end_after_30_days() {
    let client = dynamodb().await;
    let jobs = DynamoJobs::new(client.clone(), TABLE.to_owned());
    jobs.save_job(&job("job_1")).await.unwrap();
    jobs.put_delivery(&delivery("dlv_1", DeliveryState::Dead)).await.unwrap();
    let ends = async |pk, sk| item(&client, pk, sk).await.unwrap()["expires_at"].as_n().unwrap().clone();
    let expected = (NOON.secs() + 30 * 86_400).to_string();
    assert_eq!(ends("T#acme", "JOB#job_1").await, expected);
    let later = (NOON.secs() + 5 + 30 * 86_400).to_string();
    assert_eq!(ends("T#acme", "DELIVERY#dlv_1").await, later);
    assert_eq!(ends("T#acme#OPEN", "dlv_1").await, later);
}

/// A crash between the two writes leaves a line of what is done.
#[tokio::test]
async fn a_delivery_that_is_listed_and_done_is_not_shown() {
    let client = dynamodb().await;
    let jobs = DynamoJobs::new(client.clone(), TABLE.to_owned());
    jobs.put_delivery(&delivery("dlv_1", DeliveryState::Dead)).await.unwrap();
    let line = partition(&client, "T#acme#OPEN").await.remove(0);
    jobs.put_delivery(&delivery("dlv_1", DeliveryState::Delivered)).await.unwrap();
    assert_eq!(partition(&client, "T#acme#OPEN").await, []);
    client.put_item().table_name(TABLE).set_item(Some(line)).send().await.unwrap();
    assert_eq!(jobs.open_deliveries(&tenant(), 10, None).await.unwrap().items, []);
}
