//! Forms, their days, and how far reconciliation has come: on the table and in memory.

use adrelay_core::ids::{PixelId, TenantId};
use adrelay_core::leads::{DayCheck, FormDay, FormSettings, LeadForm};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::MAX_SYNC_STATE_BYTES;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::contract::contract;
use crate::leads_data::{Leads, create, form_id, lead, meta_form, page_id};
use crate::support::{NOON, tenant};

contract!(adrelay_aws::leads::DynamoLeads::new, crate::support::dynamodb_by_time, fakes::MemoryLeads::default;
    what_meta_tells_of_a_form_and_what_the_tenant_says_are_written_apart,
    forms_are_paged_by_id_and_found_by_it,
    a_page_of_forms_has_one_at_least_and_a_hundred_at_most,
    a_form_that_is_not_there_takes_no_settings,
    days_are_counted_where_leads_were_submitted,
    a_day_keeps_its_last_check,
    of_more_than_a_hundred_days_the_first_are_told,
    sync_state_is_written_over_what_was_read_or_not_at_all,
    a_page_is_blocked_until_the_latest_instant,
);

async fn what_meta_tells_of_a_form_and_what_the_tenant_says_are_written_apart(leads: &impl Leads) {
    let (page, form) = (page_id(1), meta_form(1, "Spring"));
    leads.put_form(&tenant(), &page, &form, NOON).await.unwrap();
    let settings = FormSettings { feedback_pixel_id: PixelId::parse("42").ok(), source_id: None };
    leads.set_form(&tenant(), &page, &form.id, &settings).await.unwrap();
    let later = NOON.plus_ms(1_000);
    let renamed = meta_form(1, "Summer");
    leads.put_form(&tenant(), &page, &renamed, later).await.unwrap();
    let expected =
        LeadForm { tenant: tenant(), page: page.clone(), meta: renamed, settings, synced_at: later };
    assert_eq!(leads.form(&tenant(), &page, &form.id).await.unwrap(), Some(expected));
}

async fn forms_are_paged_by_id_and_found_by_it(leads: &impl Leads) {
    for nth in [2, 4, 1, 3, 5] {
        leads.put_form(&tenant(), &page_id(1), &meta_form(nth, "x"), NOON).await.unwrap();
    }
    leads.put_form(&tenant(), &page_id(2), &meta_form(9, "x"), NOON).await.unwrap();
    // It is no form, though it stands beside them.
    leads.block(&tenant(), &page_id(1), NOON).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..5 {
        let found = leads.forms(&tenant(), &page_id(1), 2, cursor.as_deref()).await.unwrap();
        seen.extend(found.items.into_iter().map(|form| form.meta.id));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=5).map(form_id).collect::<Vec<_>>());
    assert_eq!(leads.page_of(&tenant(), &form_id(9)).await.unwrap(), Some(page_id(2)));
    assert_eq!(leads.page_of(&tenant(), &form_id(8)).await.unwrap(), None);
    assert_eq!(leads.page_of(&TenantId::parse("other").unwrap(), &form_id(9)).await.unwrap(), None);
    let bad = leads.forms(&tenant(), &page_id(1), 2, Some("x")).await;
    assert_eq!(bad.unwrap_err(), StoreError::Conflict);
}

async fn a_page_of_forms_has_one_at_least_and_a_hundred_at_most(leads: &impl Leads) {
    for nth in 0..101 {
        leads.put_form(&tenant(), &page_id(1), &meta_form(nth, "x"), NOON).await.unwrap();
    }
    for (limit, shown) in [(0, 1), (100, 100), (101, 100), (usize::MAX, 100)] {
        let page = leads.forms(&tenant(), &page_id(1), limit, None).await.unwrap();
        let last = page.items.last().map(|form| form.meta.id.to_string());
        assert_eq!((page.items.len(), page.next_cursor), (shown, last), "of {limit}");
    }
}

async fn a_form_that_is_not_there_takes_no_settings(leads: &impl Leads) {
    let none = FormSettings::default();
    let set = leads.set_form(&tenant(), &page_id(1), &form_id(1), &none).await;
    assert_eq!(set, Err(StoreError::Conflict));
    assert_eq!(leads.form(&tenant(), &page_id(1), &form_id(1)).await.unwrap(), None);
}

async fn days_are_counted_where_leads_were_submitted(leads: &impl Leads) {
    // 2026-09-21 ends 7 hours and some after noon of these tests.
    let to_midnight_s = 86_400 - NOON.secs().rem_euclid(86_400);
    for (nth, later_s) in [(1, 0), (2, to_midnight_s - 1), (3, to_midnight_s), (4, to_midnight_s + 86_400)] {
        let mut lead = lead(nth);
        lead.doc.created_at_s += later_s;
        create(leads, &lead).await;
    }
    let mut other = lead(5);
    other.doc.form = form_id(2);
    create(leads, &other).await;
    let days = async |from, to| {
        let days = leads.days(&tenant(), &form_id(1), from, to).await.unwrap();
        days.into_iter().map(|day| format!("{} {}", day.day, day.by_webhook)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(days("2026-09-01", "2026-09-30").await, "2026-09-21 2, 2026-09-22 1, 2026-09-23 1");
    assert_eq!(days("2026-09-22", "2026-09-22").await, "2026-09-22 1");
    assert_eq!(days("2026-09-24", "2026-09-30").await, "");
    assert_eq!(days("2026-09-24", "2026-09-01").await, "");
}

async fn a_day_keeps_its_last_check(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    let check = |at_meta, stored| DayCheck { at_meta, stored, checked_at: NOON };
    for (day, at_meta) in [("2026-09-21", 3), ("2026-09-21", 2), ("2026-09-20", 1)] {
        leads.check_day(&tenant(), &form_id(1), day, &check(at_meta, 1)).await.unwrap();
    }
    let day = |day: &str, by_webhook, at_meta| FormDay {
        day: day.to_owned(),
        by_webhook,
        by_poll: 0,
        check: Some(check(at_meta, 1)),
    };
    let days = leads.days(&tenant(), &form_id(1), "2026-09-01", "2026-09-30").await.unwrap();
    assert_eq!(days, [day("2026-09-20", 0, 1), day("2026-09-21", 1, 2)]);
}

async fn of_more_than_a_hundred_days_the_first_are_told(leads: &impl Leads) {
    let day = |nth: i64| NOON.plus_ms(nth * 86_400_000).utc_day();
    for nth in 0..103 {
        let check = DayCheck { at_meta: 1, stored: 1, checked_at: NOON };
        leads.check_day(&tenant(), &form_id(1), &day(nth), &check).await.unwrap();
    }
    let days = leads.days(&tenant(), &form_id(1), &day(0), &day(200)).await.unwrap();
    let told: Vec<&str> = days.iter().map(|day| day.day.as_str()).collect();
    assert_eq!(told, (0..100).map(day).collect::<Vec<_>>());
}

async fn sync_state_is_written_over_what_was_read_or_not_at_all(leads: &impl Leads) {
    let (tenant, form) = (tenant(), form_id(1));
    assert_eq!(leads.sync_state(&tenant, &form).await.unwrap(), (0, None));
    let one = json!({"after": "abc"});
    let tries = join_all((0..4).map(|_| leads.save_sync_state(&tenant, &form, 0, &one))).await;
    assert_eq!(tries.iter().filter(|saved| saved.is_ok()).count(), 1);
    let two = json!({"after": null, "watermark": 5});
    assert_eq!(leads.save_sync_state(&tenant, &form, 2, &two).await, Err(StoreError::Conflict));
    assert_eq!(leads.sync_state(&tenant, &form).await.unwrap(), (1, Some(one)));
    leads.save_sync_state(&tenant, &form, 1, &two).await.unwrap();
    assert_eq!(leads.sync_state(&tenant, &form).await.unwrap(), (2, Some(two.clone())));
    // With its quotes one byte too many, and just as many as may be.
    let huge = Value::from("x".repeat(MAX_SYNC_STATE_BYTES - 1));
    let refused = leads.save_sync_state(&tenant, &form, 2, &huge).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    assert_eq!(leads.sync_state(&tenant, &form).await.unwrap(), (2, Some(two)));
    let full = Value::from("x".repeat(MAX_SYNC_STATE_BYTES - 2));
    leads.save_sync_state(&tenant, &form, 2, &full).await.unwrap();
    assert_eq!(leads.sync_state(&tenant, &form).await.unwrap(), (3, Some(full)));
}

async fn a_page_is_blocked_until_the_latest_instant(leads: &impl Leads) {
    assert_eq!(leads.blocked_until(&tenant(), &page_id(1)).await.unwrap(), None);
    for later_ms in [1_000, 5_000, 3_000] {
        leads.block(&tenant(), &page_id(1), NOON.plus_ms(later_ms)).await.unwrap();
    }
    assert_eq!(leads.blocked_until(&tenant(), &page_id(1)).await.unwrap(), Some(NOON.plus_ms(5_000)));
    assert_eq!(leads.blocked_until(&tenant(), &page_id(2)).await.unwrap(), None);
}
