//! Transactions that others get in the way of: tried again, told apart from a condition that failed, never half done.

use adrelay_aws::config_admin::DynamoConfigAdmin;
use adrelay_aws::leads::DynamoLeads;
use adrelay_aws::people::DynamoPeople;
use adrelay_core::people::Person;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::admin::{CreateError, Records as _};
use adrelay_core::ports::leads::{Created, LeadEraser as _, LeadStore as _, LeadWrite};
use adrelay_core::ports::people::{HoldStore as _, PeopleStore as _};
use adrelay_core::ports::rules::RuleAdmin as _;
use serde_json::{Value, json};

use crate::config_data::{a_page, a_pixel};
use crate::leads_data::{activity, contact, create, entry, lead, lead_id, stage, stored};
use crate::people_data::{hold, person, record};
use crate::support::{NOON, TABLE, dynamodb, dynamodb_by_time, tenant, unreachable};
use crate::wire::{Turn, Wire};

/// Why a transaction was cancelled, by its items.
fn cancelled(codes: &[&str]) -> Turn {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({"Code": code})).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    Turn::Failed(json!({"__type": kind, "Message": "cancelled", "CancellationReasons": reasons}))
}

fn raced() -> Turn {
    cancelled(&["None", "TransactionConflict"])
}

/// Gets in the way of so many transactions, then of none.
fn raced_at_first(times: usize) -> impl Fn(&crate::wire::Call) -> Turn + Send + Sync + 'static {
    move |call| match call.operation.as_str() {
        "TransactWriteItems" if call.nth < times => raced(),
        _ => Turn::Pass,
    }
}

fn transactions(wire: &Wire) -> usize {
    wire.calls().iter().filter(|call| call.operation == "TransactWriteItems").count()
}

/// Creates a lead with what comes with it.
async fn try_create(leads: &DynamoLeads) -> Result<Created, StoreError> {
    let new = lead(1);
    let (made, stage) = (activity(&new, adrelay_core::leads::ActivityKind::Note), stage(&new));
    let outbox = [entry(&new, NOON, adrelay_core::leads::OutboxTopic::Created)];
    let write = LeadWrite { lead: &new, activity: &made, feedback: Some(&stage), outbox: &outbox };
    leads.create(write).await
}

#[tokio::test]
async fn a_lead_is_stored_past_others_who_get_in_the_way() {
    let client = dynamodb_by_time().await;
    let (racing, wire) = Wire::between(&client, raced_at_first(3));
    assert_eq!(try_create(&DynamoLeads::new(racing, TABLE.to_owned())).await, Ok(Created::New));
    assert_eq!(transactions(&wire), 4);
    assert_eq!(stored(&DynamoLeads::new(client, TABLE.to_owned()), 1).await.rev, 1);
}

/// Whether it is there nobody knows, so it must be tried once more.
#[tokio::test]
async fn a_lead_that_others_are_always_in_the_way_of_is_neither_new_nor_known() {
    let (client, wire) = Wire::between(&unreachable(), |_| raced());
    let created = try_create(&DynamoLeads::new(client, TABLE.to_owned())).await;
    assert_eq!(created, Err(StoreError::Unavailable("TransactionConflict".to_owned())));
    assert_eq!(wire.calls().len(), 6);
}

#[tokio::test]
async fn a_lead_is_known_by_its_own_condition_even_where_another_item_is_raced_for() {
    let (client, wire) =
        Wire::between(&unreachable(), |_| cancelled(&["ConditionalCheckFailed", "TransactionConflict"]));
    assert_eq!(try_create(&DynamoLeads::new(client, TABLE.to_owned())).await, Ok(Created::Known));
    assert_eq!(wire.calls().len(), 1);
}

#[tokio::test]
async fn a_throttled_transaction_is_an_error_with_its_reason() {
    let (client, wire) = Wire::between(&unreachable(), |_| cancelled(&["None", "ThrottlingError"]));
    let leads = DynamoLeads::new(client, TABLE.to_owned());
    let throttled = StoreError::Unavailable("ThrottlingError".to_owned());
    assert_eq!(try_create(&leads).await, Err(throttled.clone()));
    let read = adrelay_core::leads::Lead { rev: 1, ..lead(1) };
    assert_eq!(contact(&leads, &read, None).await, Err(throttled));
    assert_eq!(wire.calls().len(), 2, "it is no race");
}

#[tokio::test]
async fn a_change_of_a_lead_goes_past_races_and_is_a_conflict_where_they_never_end() {
    let client = dynamodb_by_time().await;
    let leads = DynamoLeads::new(client.clone(), TABLE.to_owned());
    create(&leads, &lead(1)).await;
    let read = stored(&leads, 1).await;
    let (racing, wire) = Wire::between(&client, raced_at_first(2));
    contact(&DynamoLeads::new(racing, TABLE.to_owned()), &read, None).await.unwrap();
    assert_eq!((transactions(&wire), stored(&leads, 1).await.rev), (3, 2));
    let (racing, wire) = Wire::between(&client, raced_at_first(100));
    let read = stored(&leads, 1).await;
    let changed = contact(&DynamoLeads::new(racing, TABLE.to_owned()), &read, None).await;
    assert_eq!((changed, transactions(&wire)), (Err(StoreError::Conflict), 6));
    assert_eq!(stored(&leads, 1).await.rev, 2);
}

#[tokio::test]
async fn a_lead_that_is_changed_at_every_try_to_erase_it_is_a_conflict() {
    let client = dynamodb_by_time().await;
    let leads = DynamoLeads::new(client.clone(), TABLE.to_owned());
    create(&leads, &lead(1)).await;
    let other = leads.clone();
    let (racing, wire) = Wire::between(&client, move |call| {
        let other = other.clone();
        match call.operation.as_str() {
            "TransactWriteItems" => Turn::After(Box::pin(async move {
                contact(&other, &stored(&other, 1).await, Some("sealed note")).await.unwrap();
            })),
            _ => Turn::Pass,
        }
    });
    let erased = DynamoLeads::new(racing, TABLE.to_owned()).erase_lead(&tenant(), &lead_id(1), NOON).await;
    assert_eq!((erased, transactions(&wire)), (Err(StoreError::Conflict), 5));
    assert_eq!(stored(&leads, 1).await.doc.erased_at, None);
    leads.erase_lead(&tenant(), &lead_id(1), NOON).await.unwrap();
    let lines = leads.activities(&tenant(), &lead_id(1), 100, None).await.unwrap().items;
    assert!(lines.len() == 7 && lines.iter().all(|line| line.sealed_note.is_none()));
}

#[tokio::test]
async fn two_persons_that_others_are_writing_are_a_conflict() {
    let (client, wire) = Wire::between(&unreachable(), |_| raced());
    let people = DynamoPeople::new(client, TABLE.to_owned());
    let both = people.save_both(&person("ann"), &person("bob"), &record("ann", "bob", NOON)).await;
    assert_eq!((both, wire.calls().len()), (Err(StoreError::Conflict), 1), "who merges reads anew");
}

#[tokio::test]
async fn a_person_that_is_being_merged_is_a_conflict() {
    let (client, _) = Wire::between(&unreachable(), |_| Turn::Refused("TransactionConflictException"));
    let people = DynamoPeople::new(client, TABLE.to_owned());
    assert_eq!(people.save(&Person { rev: 1, ..person("ann") }).await, Err(StoreError::Conflict));
    let (client, _) = Wire::between(&unreachable(), |_| Turn::Refused("ThrottlingException"));
    let people = DynamoPeople::new(client, TABLE.to_owned());
    let throttled = Err(StoreError::Unavailable("ThrottlingException".to_owned()));
    assert_eq!(people.save(&Person { rev: 1, ..person("ann") }).await, throttled);
}

#[tokio::test]
async fn holds_are_written_moved_and_ended_past_races_and_conflict_where_they_never_end() {
    let client = dynamodb().await;
    let people = DynamoPeople::new(client.clone(), TABLE.to_owned());
    let held = hold("ann", "1", NOON.plus_ms(600_000));
    for times in [2, 100] {
        let racing = || {
            let (client, wire) = Wire::between(&client, raced_at_first(times));
            (DynamoPeople::new(client, TABLE.to_owned()), wire)
        };
        let expected = || if times == 2 { (Ok(()), 3) } else { (Err(StoreError::Conflict), 6) };
        let (store, wire) = racing();
        assert_eq!((store.hold(&held).await, transactions(&wire)), expected());
        people.hold(&held).await.unwrap();
        let (store, wire) = racing();
        assert_eq!((store.make_due(&held, NOON).await, transactions(&wire)), expected());
        people.make_due(&held, NOON).await.unwrap();
        let (store, wire) = racing();
        assert_eq!((store.release(&held).await, transactions(&wire)), expected());
        people.release(&held).await.unwrap();
        assert_eq!(people.holds_of(&tenant(), &held.person, 10).await.unwrap(), []);
    }
}

/// Who creates what somebody else creates in that moment learns nothing, and tries once more.
#[tokio::test]
async fn a_creation_that_is_raced_for_is_neither_there_nor_taken() {
    let cancelled_as = |codes: &'static [&'static str]| {
        let (client, _) = Wire::between(&unreachable(), move |_| cancelled(codes));
        DynamoConfigAdmin::new(client, TABLE.to_owned())
    };
    let raced = StoreError::Unavailable("TransactionCanceledException".to_owned());
    for codes in [&["TransactionConflict", "None"] as &[_], &["None", "TransactionConflict"]] {
        let created = cancelled_as(codes).create(&a_pixel()).await;
        assert_eq!(created, Err(CreateError::Store(raced.clone())), "{codes:?}");
        assert_eq!(cancelled_as(codes).delete(&a_pixel()).await, Err(raced.clone()), "{codes:?}");
    }
    for (codes, error) in [
        (&["ConditionalCheckFailed", "ConditionalCheckFailed", "None"] as &[_], CreateError::Exists),
        (&["ConditionalCheckFailed", "None", "None"], CreateError::Exists),
        (&["None", "ConditionalCheckFailed", "None"], CreateError::Taken),
        (&["None", "None", "ConditionalCheckFailed"], CreateError::Taken),
        (&["TransactionConflict", "ConditionalCheckFailed", "None"], CreateError::Taken),
    ] {
        assert_eq!(cancelled_as(codes).create(&a_page("acme", "5")).await, Err(error), "{codes:?}");
        let deleted = cancelled_as(codes).delete(&a_page("acme", "5")).await;
        assert_eq!(deleted, Err(StoreError::Conflict), "{codes:?}");
    }
}

#[tokio::test]
async fn rules_that_somebody_else_is_changing_are_a_conflict() {
    for (codes, error) in [
        (&["TransactionConflict", "None"] as &[_], StoreError::Conflict),
        (&["None", "ConditionalCheckFailed"], StoreError::Conflict),
        (&["ThrottlingError", "None"], StoreError::Unavailable("TransactionCanceledException".to_owned())),
    ] {
        let (client, wire) = Wire::between(&unreachable(), move |_| cancelled(codes));
        let admin = DynamoConfigAdmin::new(client, TABLE.to_owned());
        let replaced = admin.replace(&tenant(), 1, Vec::new(), "root", NOON).await;
        assert_eq!(replaced, Err(error), "{codes:?}");
        assert_eq!(wire.calls().len(), 1);
    }
}
