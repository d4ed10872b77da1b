//! Leads are stored once, changed under their revision, told, and erased: on the table and in memory.

use std::collections::HashSet;

use adrelay_core::ids::TenantId;
use adrelay_core::leads::{
    ActivityKind, Arrival, FeedbackState, FormDay, Lead, LeadQuery, OutboxTopic, Status,
};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::{Created, LeadWrite};
use futures_util::future::join_all;

use crate::contract::contract;
use crate::leads_data::{
    Leads, TODAY, activity, contact, create, entry, form_id, lead, lead_id, missing, person_id, stage, stored,
};
use crate::support::{NOON, tenant};

contract!(adrelay_aws::leads::DynamoLeads::new, crate::support::dynamodb_by_time, fakes::MemoryLeads::default;
    a_lead_is_stored_with_all_that_comes_with_it,
    a_lead_that_arrives_again_is_known_and_counted_once,
    a_lead_that_was_read_is_never_created,
    of_many_who_store_the_same_lead_one_does,
    many_leads_of_one_form_stored_at_once_are_all_counted,
    a_test_lead_is_not_counted_and_has_no_person,
    a_lead_that_was_missing_is_missing_no_more,
    missing_leads_are_paged_by_id,
    a_change_must_find_the_revision_that_was_read,
    of_many_who_change_the_same_revision_one_does,
    history_is_paged_newest_first,
    known_leads_are_those_of_the_tenant,
    what_is_due_comes_oldest_first_and_goes_when_it_is_done,
    what_was_told_first_stays_noted,
    a_turn_comes_once_an_interval,
    an_erased_lead_keeps_nothing_personal_and_is_still_known,
    erasing_twice_or_what_is_not_there_is_no_error,
);

async fn a_lead_is_stored_with_all_that_comes_with_it(leads: &impl Leads) {
    let new = lead(1);
    assert_eq!(create(leads, &new).await, Created::New);
    assert_eq!(stored(leads, 1).await, Lead { rev: 1, ..new.clone() });
    let lines = leads.activities(&tenant(), &new.id, 10, None).await.unwrap();
    assert_eq!(lines.items, [activity(&new, ActivityKind::Created { arrival: Arrival::Webhook })]);
    assert_eq!(lines.next_cursor, None);
    assert_eq!(leads.feedback(&tenant(), &new.id).await.unwrap(), [stage(&new)]);
    assert_eq!(leads.leads_of(&tenant(), &person_id("ann"), 10).await.unwrap(), [lead_id(1)]);
    let days = leads.days(&tenant(), &form_id(1), TODAY, TODAY).await.unwrap();
    assert_eq!(days, [FormDay { day: TODAY.to_owned(), by_webhook: 1, by_poll: 0, check: None }]);
    let due = NOON.plus_ms(60_000);
    let outbox = [entry(&new, due, OutboxTopic::Created), entry(&new, due, OutboxTopic::Feedback(1))];
    assert_eq!(leads.due(due, 10).await.unwrap(), outbox);
}

async fn a_lead_that_arrives_again_is_known_and_counted_once(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    for topic in [OutboxTopic::Created, OutboxTopic::Feedback(1)] {
        leads.done(&entry(&lead(1), NOON.plus_ms(60_000), topic)).await.unwrap();
    }
    let mut again = lead(1);
    again.doc.arrival = Arrival::Poll;
    again.doc.person = Some(person_id("bob"));
    again.sealed = Some("other answers".to_owned());
    assert_eq!(create(leads, &again).await, Created::Known);
    assert_eq!(stored(leads, 1).await, Lead { rev: 1, ..lead(1) });
    let days = leads.days(&tenant(), &form_id(1), TODAY, TODAY).await.unwrap();
    assert_eq!((days[0].by_webhook, days[0].by_poll), (1, 0));
    assert_eq!(leads.leads_of(&tenant(), &person_id("bob"), 10).await.unwrap(), []);
    assert_eq!(leads.due(NOON.plus_ms(600_000), 10).await.unwrap(), [], "told, and not to be told again");
}

async fn a_lead_that_was_read_is_never_created(leads: &impl Leads) {
    let read = Lead { rev: 1, ..lead(1) };
    let made = activity(&read, ActivityKind::Note);
    let write = LeadWrite { lead: &read, activity: &made, feedback: None, outbox: &[] };
    assert_eq!(leads.create(write).await, Err(StoreError::Conflict));
    assert_eq!(leads.lead(&tenant(), &lead_id(1)).await.unwrap(), None);
    assert_eq!(leads.activities(&tenant(), &lead_id(1), 10, None).await.unwrap().items, []);
}

async fn of_many_who_store_the_same_lead_one_does(leads: &impl Leads) {
    let new = lead(1);
    let tries = join_all((0..8).map(|_| create(leads, &new))).await;
    assert_eq!(tries.iter().filter(|created| **created == Created::New).count(), 1);
    let days = leads.days(&tenant(), &form_id(1), TODAY, TODAY).await.unwrap();
    assert_eq!(days[0].by_webhook, 1);
}

async fn many_leads_of_one_form_stored_at_once_are_all_counted(leads: &impl Leads) {
    let new: Vec<Lead> = (0..40)
        .map(|nth| {
            let mut lead = lead(nth);
            lead.doc.arrival = if nth < 30 { Arrival::Webhook } else { Arrival::Poll };
            lead
        })
        .collect();
    let tries = join_all(new.iter().map(|lead| create(leads, lead))).await;
    assert!(tries.iter().all(|created| *created == Created::New));
    let days = leads.days(&tenant(), &form_id(1), TODAY, TODAY).await.unwrap();
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].by_webhook, days[0].by_poll), (30, 10));
}

async fn a_test_lead_is_not_counted_and_has_no_person(leads: &impl Leads) {
    let mut test = lead(1);
    test.doc.test = true;
    test.doc.person = None;
    assert_eq!(create(leads, &test).await, Created::New);
    assert_eq!(leads.days(&tenant(), &form_id(1), "2000-01-01", "2100-01-01").await.unwrap(), []);
    assert_eq!(leads.list(&LeadQuery::all(tenant(), 10)).await.unwrap().items, []);
    let tests = LeadQuery { test: true, ..LeadQuery::all(tenant(), 10) };
    assert_eq!(leads.list(&tests).await.unwrap().items, [Lead { rev: 1, ..test }]);
}

async fn a_lead_that_was_missing_is_missing_no_more(leads: &impl Leads) {
    leads.note_missing(&missing(1)).await.unwrap();
    let again = adrelay_core::leads::MissingLead { attempts: 4, given_up: true, ..missing(1) };
    leads.note_missing(&again).await.unwrap();
    leads.note_missing(&missing(2)).await.unwrap();
    let found = leads.missing(&tenant(), 10, None).await.unwrap();
    assert_eq!((found.items, found.next_cursor), (vec![again, missing(2)], None));
    create(leads, &lead(1)).await;
    assert_eq!(leads.missing(&tenant(), 10, None).await.unwrap().items, [missing(2)]);
}

async fn missing_leads_are_paged_by_id(leads: &impl Leads) {
    for nth in [3, 1, 2] {
        leads.note_missing(&missing(nth)).await.unwrap();
    }
    let first = leads.missing(&tenant(), 2, None).await.unwrap();
    assert_eq!(first.items, [missing(1), missing(2)]);
    let second = leads.missing(&tenant(), 2, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((second.items, second.next_cursor), (vec![missing(3)], None));
    assert_eq!(leads.missing(&tenant(), 2, Some("x#y")).await, Err(StoreError::Conflict));
    let other = TenantId::parse("other").unwrap();
    assert_eq!(leads.missing(&other, 2, None).await.unwrap().items, []);
}

async fn a_change_must_find_the_revision_that_was_read(leads: &impl Leads) {
    assert_eq!(contact(leads, &Lead { rev: 1, ..lead(1) }, None).await, Err(StoreError::Conflict));
    create(leads, &lead(1)).await;
    let read = stored(leads, 1).await;
    contact(leads, &read, None).await.unwrap();
    assert_eq!(contact(leads, &read, None).await, Err(StoreError::Conflict));
    assert_eq!(contact(leads, &lead(1), None).await, Err(StoreError::Conflict), "a new one is created");
    let now = stored(leads, 1).await;
    assert_eq!((now.rev, now.doc.status), (2, Status::Contacted));
    let stages = leads.feedback(&tenant(), &lead_id(1)).await.unwrap();
    assert_eq!(
        stages.iter().map(|stage| (stage.nth, stage.stage)).collect::<Vec<_>>(),
        [(1, Status::New), (2, Status::Contacted)]
    );
    assert_eq!(leads.activities(&tenant(), &lead_id(1), 10, None).await.unwrap().items.len(), 2);
}

async fn of_many_who_change_the_same_revision_one_does(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    let read = stored(leads, 1).await;
    let tries = join_all((0..8).map(|_| contact(leads, &read, None))).await;
    assert_eq!(tries.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(tries.iter().all(|result| matches!(result, Ok(()) | Err(StoreError::Conflict))));
    assert_eq!(stored(leads, 1).await.rev, 2);
}

async fn history_is_paged_newest_first(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    for _ in 0..11 {
        contact(leads, &stored(leads, 1).await, None).await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    for _ in 0..5 {
        let lines = leads.activities(&tenant(), &lead_id(1), 5, cursor.as_deref()).await.unwrap();
        seen.extend(lines.items.into_iter().map(|line| line.nth));
        cursor = lines.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=12).rev().collect::<Vec<u64>>());
    for bad in ["A#1", "", "-1", "x"] {
        let refused = leads.activities(&tenant(), &lead_id(1), 5, Some(bad)).await;
        assert_eq!(refused, Err(StoreError::Conflict), "{bad:?}");
    }
    for (cursor, newest) in [("0", None), ("1", None), ("2", Some(1)), ("9999999999999", Some(12))] {
        let lines = leads.activities(&tenant(), &lead_id(1), 0, Some(cursor)).await.unwrap().items;
        assert_eq!(lines.first().map(|line| line.nth), newest, "before {cursor}");
        assert!(lines.len() <= 1, "a page of none has one");
    }
}

async fn known_leads_are_those_of_the_tenant(leads: &impl Leads) {
    let mut theirs = lead(2);
    theirs.tenant = TenantId::parse("other").unwrap();
    create(leads, &lead(1)).await;
    create(leads, &theirs).await;
    // More than one read takes, and one of them twice.
    let mut asked: Vec<_> = (0..130).map(lead_id).collect();
    asked.push(lead_id(1));
    assert_eq!(leads.known(&tenant(), &asked).await.unwrap(), HashSet::from([lead_id(1)]));
    assert_eq!(leads.known(&tenant(), &[]).await.unwrap(), HashSet::new());
    assert_eq!(leads.lead(&tenant(), &lead_id(2)).await.unwrap(), None);
}

async fn what_is_due_comes_oldest_first_and_goes_when_it_is_done(leads: &impl Leads) {
    // In several parts of the outbox, each with an instant of its own.
    let mut entries = Vec::new();
    for nth in 0..12 {
        let due = NOON.plus_ms(i64::try_from(nth * 7 % 12).unwrap());
        let (lead, activity) = (lead(nth), activity(&lead(nth), ActivityKind::Note));
        entries.push(entry(&lead, due, OutboxTopic::Created));
        let outbox = &entries[entries.len() - 1..];
        leads.create(LeadWrite { lead: &lead, activity: &activity, feedback: None, outbox }).await.unwrap();
    }
    entries.sort_by_key(|entry| entry.due);
    assert_eq!(leads.due(NOON.plus_ms(-1), 100).await.unwrap(), []);
    assert_eq!(leads.due(NOON, 100).await.unwrap(), entries[..1]);
    assert_eq!(leads.due(NOON.plus_ms(5), 100).await.unwrap(), entries[..6]);
    assert_eq!(leads.due(NOON.plus_ms(60_000), 4).await.unwrap(), entries[..4]);
    for _ in 0..2 {
        leads.done(&entries[0]).await.unwrap();
    }
    assert_eq!(leads.due(NOON.plus_ms(60_000), 100).await.unwrap(), entries[1..]);
}

async fn what_was_told_first_stays_noted(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    let told = entry(&lead(1), NOON.plus_ms(60_000), OutboxTopic::Feedback(1));
    let queued = FeedbackState::Queued { at: NOON };
    leads.settle(&told, &queued).await.unwrap();
    let created = entry(&lead(1), NOON.plus_ms(60_000), OutboxTopic::Created);
    assert_eq!(leads.due(NOON.plus_ms(60_000), 10).await.unwrap(), [created]);
    assert_eq!(leads.feedback(&tenant(), &lead_id(1)).await.unwrap()[0].state, queued);
    let later = FeedbackState::Skipped { reason: "too_old".to_owned() };
    leads.settle(&told, &later).await.unwrap();
    assert_eq!(leads.feedback(&tenant(), &lead_id(1)).await.unwrap()[0].state, queued);
}

async fn a_turn_comes_once_an_interval(leads: &impl Leads) {
    assert!(leads.turn("reconcile", NOON, 1_000).await.unwrap());
    assert!(!leads.turn("reconcile", NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(leads.turn("other", NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(leads.turn("reconcile", NOON.plus_ms(1_000), 1_000).await.unwrap());
    assert!(!leads.turn("reconcile", NOON.plus_ms(1_000), 1_000).await.unwrap());
}

async fn an_erased_lead_keeps_nothing_personal_and_is_still_known(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    create(leads, &lead(2)).await;
    contact(leads, &stored(leads, 1).await, Some("sealed note")).await.unwrap();
    let lines = leads.activities(&tenant(), &lead_id(1), 1, None).await.unwrap();
    assert_eq!(lines.items[0].sealed_note.as_deref(), Some("sealed note"));
    let at = NOON.plus_ms(5_000);
    leads.erase_lead(&tenant(), &lead_id(1), at).await.unwrap();

    let erased = stored(leads, 1).await;
    assert_eq!((erased.rev, &erased.sealed, erased.texts.len()), (3, &None, 0));
    assert_eq!((&erased.doc.person, erased.doc.erased_at), (&None, Some(at)));
    assert_eq!(erased.doc.status, Status::Contacted);
    let lines = leads.activities(&tenant(), &lead_id(1), 10, None).await.unwrap().items;
    assert_eq!(lines.iter().map(|line| line.nth).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((&lines[0].what, lines[0].at, lines[0].by.as_str()), (&ActivityKind::Erased, at, "adrelay"));
    assert!(lines.iter().all(|line| line.sealed_note.is_none()));
    assert_eq!(leads.leads_of(&tenant(), &person_id("ann"), 10).await.unwrap(), [lead_id(2)]);
    assert_eq!(create(leads, &lead(1)).await, Created::Known);
    assert_eq!(leads.list(&LeadQuery::all(tenant(), 10)).await.unwrap().items.len(), 2);
}

async fn erasing_twice_or_what_is_not_there_is_no_error(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    leads.erase_lead(&tenant(), &lead_id(1), NOON).await.unwrap();
    let erased = stored(leads, 1).await;
    leads.erase_lead(&tenant(), &lead_id(1), NOON.plus_ms(1)).await.unwrap();
    assert_eq!(stored(leads, 1).await, erased);
    leads.erase_lead(&tenant(), &lead_id(9), NOON).await.unwrap();
    assert_eq!(leads.lead(&tenant(), &lead_id(9)).await.unwrap(), None);
}
