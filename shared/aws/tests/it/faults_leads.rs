//! Each call of the leads table fails once.

use adrelay_core::leads::{
    Activity, ActivityKind, DayCheck, FeedbackState, FormSettings, LeadQuery, OutboxTopic, Status,
};
use adrelay_core::ports::leads::{
    FormStore as _, LeadEraser as _, LeadOutbox as _, LeadStore as _, LeadWrite, SyncStore as _,
};
use serde_json::json;

use crate::faults::{Stores, sweeps};
use crate::leads_data::{
    activity, contact, create, entry, form_id, lead, lead_id, meta_form, missing, page_id, person_id, stage,
    stored,
};
use crate::support::{NOON, dynamodb_by_time, tenant};

async fn nothing(_: &Stores) {}

async fn a_lead(stores: &Stores) {
    create(&stores.leads, &lead(1)).await;
}

async fn a_missing_lead(stores: &Stores) {
    stores.leads.note_missing(&missing(1)).await.unwrap();
}

async fn a_lead_with_notes(stores: &Stores) {
    a_lead(stores).await;
    for _ in 0..2 {
        contact(&stores.leads, &stored(&stores.leads, 1).await, Some("sealed note")).await.unwrap();
    }
}

async fn a_form(stores: &Stores) {
    stores.leads.put_form(&tenant(), &page_id(1), &meta_form(1, "Spring"), NOON).await.unwrap();
}

async fn a_state(stores: &Stores) {
    stores.leads.save_sync_state(&tenant(), &form_id(1), 0, &json!({})).await.unwrap();
}

async fn a_check(stores: &Stores) {
    let check = DayCheck { at_meta: 3, stored: 1, checked_at: NOON };
    stores.leads.check_day(&tenant(), &form_id(1), "2026-09-21", &check).await.unwrap();
}

async fn a_block(stores: &Stores) {
    stores.leads.block(&tenant(), &page_id(1), NOON).await.unwrap();
}

sweeps!(a_failed_write_of_leads_is_an_error_and_a_repeat_completes_it, dynamodb_by_time;
    "create": a_missing_lead, async |s: &Stores| {
        let (new, due) = (lead(1), NOON.plus_ms(60_000));
        let (made, stage) = (activity(&new, ActivityKind::Note), stage(&new));
        let outbox = [entry(&new, due, OutboxTopic::Created), entry(&new, due, OutboxTopic::Feedback(1))];
        let write = LeadWrite { lead: &new, activity: &made, feedback: Some(&stage), outbox: &outbox };
        s.leads.create(write).await
    }, Done;
    "change": a_lead, async |s: &Stores| {
        let mut known = lead(1);
        (known.rev, known.doc.status) = (1, Status::Contacted);
        let (noted, stage) = (activity(&known, ActivityKind::Note), stage(&known));
        let noted = Activity { sealed_note: Some("sealed note".to_owned()), ..noted };
        let outbox = [entry(&known, NOON, OutboxTopic::Feedback(2))];
        s.leads.change(LeadWrite { lead: &known, activity: &noted, feedback: Some(&stage), outbox: &outbox }).await
    }, Conflict;
    "erase": a_lead_with_notes, async |s: &Stores| s.leads.erase_lead(&tenant(), &lead_id(1), NOON).await, Done;
    "note a missing lead": nothing, async |s: &Stores| s.leads.note_missing(&missing(1)).await, Done;
    "done": a_lead, async |s: &Stores| {
        s.leads.done(&entry(&lead(1), NOON.plus_ms(60_000), OutboxTopic::Created)).await
    }, Done;
    "settle": a_lead, async |s: &Stores| {
        let told = entry(&lead(1), NOON.plus_ms(60_000), OutboxTopic::Feedback(1));
        s.leads.settle(&told, &FeedbackState::Queued { at: NOON }).await
    }, Done;
    "turn": nothing, async |s: &Stores| s.leads.turn("reconcile", NOON, 1_000).await, Done;
    "put a new form": nothing, async |s: &Stores| {
        s.leads.put_form(&tenant(), &page_id(1), &meta_form(1, "Spring"), NOON).await
    }, Done;
    "put a known form": a_form, async |s: &Stores| {
        s.leads.put_form(&tenant(), &page_id(1), &meta_form(1, "Summer"), NOON.plus_ms(1)).await
    }, Done;
    "set a form": a_form, async |s: &Stores| {
        s.leads.set_form(&tenant(), &page_id(1), &form_id(1), &FormSettings::default()).await
    }, Done;
    "check a day": nothing, async |s: &Stores| {
        let check = DayCheck { at_meta: 3, stored: 1, checked_at: NOON };
        s.leads.check_day(&tenant(), &form_id(1), "2026-09-21", &check).await
    }, Done;
    "a first state": nothing, async |s: &Stores| {
        s.leads.save_sync_state(&tenant(), &form_id(1), 0, &json!({"after": "x"})).await
    }, Conflict;
    "a later state": a_state, async |s: &Stores| {
        s.leads.save_sync_state(&tenant(), &form_id(1), 1, &json!({"after": "x"})).await
    }, Conflict;
    "block": a_block, async |s: &Stores| s.leads.block(&tenant(), &page_id(1), NOON.plus_ms(5)).await, Done;
);

sweeps!(a_failed_read_of_leads_is_an_error, dynamodb_by_time;
    "lead": a_lead, async |s: &Stores| s.leads.lead(&tenant(), &lead_id(1)).await, Done;
    "known": a_lead, async |s: &Stores| s.leads.known(&tenant(), &[lead_id(1)]).await, Done;
    "list": a_lead, async |s: &Stores| s.leads.list(&LeadQuery::all(tenant(), 10)).await, Done;
    "activities": a_lead, async |s: &Stores| s.leads.activities(&tenant(), &lead_id(1), 5, None).await, Done;
    "feedback": a_lead, async |s: &Stores| s.leads.feedback(&tenant(), &lead_id(1)).await, Done;
    "leads of a person": a_lead, async |s: &Stores| s.leads.leads_of(&tenant(), &person_id("ann"), 5).await, Done;
    "missing": a_missing_lead, async |s: &Stores| s.leads.missing(&tenant(), 5, None).await, Done;
    "due": a_lead, async |s: &Stores| s.leads.due(NOON.plus_ms(60_000), 10).await, Done;
    "forms": a_form, async |s: &Stores| s.leads.forms(&tenant(), &page_id(1), 5, None).await, Done;
    "form": a_form, async |s: &Stores| s.leads.form(&tenant(), &page_id(1), &form_id(1)).await, Done;
    "page of a form": a_form, async |s: &Stores| s.leads.page_of(&tenant(), &form_id(1)).await, Done;
    "days": a_check, async |s: &Stores| s.leads.days(&tenant(), &form_id(1), "2026-09-01", "2026-09-30").await, Done;
    "state": a_state, async |s: &Stores| s.leads.sync_state(&tenant(), &form_id(1)).await, Done;
    "blocked": a_block, async |s: &Stores| s.leads.blocked_until(&tenant(), &page_id(1)).await, Done;
);
