//! Leads, forms and what is written with them.

use std::collections::BTreeSet;

use adrelay_aws::leads::DynamoLeads;
use adrelay_core::ids::{AdObjectId, EventId, EventName, FormId, LeadId, PageId, PersonId};
use adrelay_core::leads::{
    Activity, ActivityKind, Arrival, Feedback, FeedbackState, Lead, LeadAds, LeadDoc, MetaForm, MissingLead,
    OutboxEntry, OutboxTopic, Status,
};
use adrelay_core::people::{LinkHash, LookupKey};
use adrelay_core::ports::leads::{
    Created, FormStore, LeadEraser, LeadOutbox, LeadStore, LeadWrite, SyncStore,
};
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;

use crate::support::{NOON, TABLE, dynamodb_by_time, source, tenant};

/// Every trait that the leads table has.
pub(crate) trait Leads: LeadStore + LeadEraser + LeadOutbox + FormStore + SyncStore {}

impl<T: LeadStore + LeadEraser + LeadOutbox + FormStore + SyncStore> Leads for T {}

/// Leads in a table of their own.
pub(crate) async fn in_the_table() -> DynamoLeads {
    DynamoLeads::new(dynamodb_by_time().await, TABLE.to_owned())
}

/// The day of [`NOON`].
pub(crate) const TODAY: &str = "2026-09-21";

pub(crate) fn lead_id(nth: u64) -> LeadId {
    LeadId::parse(&(9_007_199_254_740_993 + nth).to_string()).unwrap()
}

pub(crate) fn form_id(nth: u64) -> FormId {
    FormId::parse(&format!("7{nth}")).unwrap()
}

pub(crate) fn page_id(nth: u64) -> PageId {
    PageId::parse(&format!("5{nth}")).unwrap()
}

pub(crate) fn ad_id(nth: u64) -> AdObjectId {
    AdObjectId::parse(&format!("3{nth}")).unwrap()
}

pub(crate) fn person_id(name: &str) -> PersonId {
    PersonId::parse(&format!("per_{name}")).unwrap()
}

pub(crate) fn text_hash(text: &str) -> LinkHash {
    let key = LookupKey::parse(&Secret::new(format!(r#"{{"key":"{}="}}"#, "A".repeat(43)))).unwrap();
    key.text(&tenant(), text)
}

/// A lead that was never stored, submitted at noon.
pub(crate) fn lead(nth: u64) -> Lead {
    Lead {
        tenant: tenant(),
        id: lead_id(nth),
        rev: 0,
        doc: LeadDoc {
            page: page_id(1),
            form: form_id(1),
            source: source(),
            created_at_s: NOON.secs(),
            stored_at: NOON,
            arrival: Arrival::Webhook,
            test: false,
            ads: LeadAds { ad_id: Some(ad_id(1)), campaign_id: Some(ad_id(2)), ..LeadAds::default() },
            platform: Some("fb".to_owned()),
            is_organic: false,
            person: Some(person_id("ann")),
            status: Status::New,
            assignee: None,
            contacted_at: None,
            converted_at: None,
            worth: None,
            last_event_s: Some(NOON.secs()),
            updated_at: NOON,
            erased_at: None,
        },
        texts: BTreeSet::from([text_hash("ann@example.com"), text_hash("ann")]),
        sealed: Some("sealed answers".to_owned()),
    }
}

pub(crate) fn activity(lead: &Lead, what: ActivityKind) -> Activity {
    Activity { nth: lead.rev + 1, at: NOON, by: "crm".to_owned(), what, sealed_note: None }
}

pub(crate) fn stage(lead: &Lead) -> Feedback {
    let nth = lead.rev + 1;
    Feedback {
        nth,
        stage: lead.doc.status,
        event_name: EventName::parse("New").unwrap(),
        event_id: EventId::parse(&format!("lead-{}-{nth}", lead.id)).unwrap(),
        event_time_s: NOON.secs(),
        state: FeedbackState::Pending,
    }
}

pub(crate) fn entry(lead: &Lead, due: UnixMillis, topic: OutboxTopic) -> OutboxEntry {
    OutboxEntry { due, tenant: lead.tenant.clone(), lead: lead.id.clone(), topic }
}

/// Stores a new lead with its activity, its stage and two entries in the outbox, due in a minute.
pub(crate) async fn create(leads: &impl Leads, lead: &Lead) -> Created {
    let activity = activity(lead, ActivityKind::Created { arrival: lead.doc.arrival });
    let due = NOON.plus_ms(60_000);
    let outbox = [entry(lead, due, OutboxTopic::Created), entry(lead, due, OutboxTopic::Feedback(1))];
    let stage = stage(lead);
    let write = LeadWrite { lead, activity: &activity, feedback: Some(&stage), outbox: &outbox };
    leads.create(write).await.unwrap()
}

/// A lead's contact, as a change of what is stored.
pub(crate) async fn contact(
    leads: &impl Leads,
    stored: &Lead,
    note: Option<&str>,
) -> Result<(), adrelay_core::ports::StoreError> {
    let mut changed = stored.clone();
    changed.doc.status = Status::Contacted;
    let what = ActivityKind::Status { from: stored.doc.status, to: Status::Contacted, worth: None };
    let activity = Activity { sealed_note: note.map(str::to_owned), ..activity(stored, what) };
    let stage = stage(&changed);
    let outbox = [entry(stored, NOON.plus_ms(60_000), OutboxTopic::Feedback(stage.nth))];
    let write = LeadWrite { lead: &changed, activity: &activity, feedback: Some(&stage), outbox: &outbox };
    leads.change(write).await
}

pub(crate) async fn stored(leads: &impl Leads, nth: u64) -> Lead {
    leads.lead(&tenant(), &lead_id(nth)).await.unwrap().unwrap()
}

pub(crate) fn missing(nth: u64) -> MissingLead {
    MissingLead {
        tenant: tenant(),
        id: lead_id(nth),
        page: page_id(1),
        form: Some(form_id(1)),
        announced_at: NOON,
        attempts: 3,
        reason: "not_readable".to_owned(),
        code: Some(100),
        given_up: false,
    }
}

pub(crate) fn meta_form(nth: u64, name: &str) -> MetaForm {
    MetaForm {
        id: form_id(nth),
        name: Some(name.to_owned()),
        status: "ACTIVE".to_owned(),
        locale: Some("en_US".to_owned()),
        questions: Vec::new(),
        leads_count: Some(3),
        expired_leads_count: None,
        organic_leads_count: None,
        privacy_policy_url: None,
        thank_you_page: None,
        created_at_s: Some(NOON.secs()),
    }
}
