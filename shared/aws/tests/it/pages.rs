//! Queries over several pages: all of them or an error, never the first alone.

use adrelay_aws::events::DynamoEvents;
use adrelay_aws::leads::DynamoLeads;
use adrelay_core::leads::{Activity, ActivityKind};
use adrelay_core::normalize::Sha256Hex;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::erasure::{ErasureList as _, ErasureWriter as _};
use adrelay_core::ports::leads::{LeadEraser as _, LeadStore as _, LeadWrite};
use serde_json::json;

use crate::leads_data::{activity, contact, create, lead, lead_id, stored};
use crate::support::{NOON, TABLE, dynamodb, dynamodb_by_time, partition, tenant, unreachable};
use crate::wire::{DENIED, Turn, Wire, short_page};

/// A client whose every query is answered with nothing, and that there is more.
fn without_end() -> (aws_sdk_dynamodb::Client, Wire) {
    Wire::between(&unreachable(), |_| {
        let more = json!({"pk": {"S": "T#acme"}, "sk": {"S": "x"}});
        Turn::Answered(json!({"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": more}))
    })
}

fn hashes(count: usize) -> Vec<Sha256Hex> {
    (0..count).map(|n| Sha256Hex::of(&n.to_string()).unwrap()).collect()
}

#[tokio::test]
async fn a_list_of_tombstones_of_several_pages_is_complete() {
    let client = dynamodb().await;
    DynamoEvents::new(client.clone(), TABLE.to_owned()).bury(&tenant(), &hashes(40), NOON).await.unwrap();
    let (client, wire) = Wire::between(&client, |call| short_page(call, 7));
    let listed = DynamoEvents::new(client, TABLE.to_owned()).tombstones(&tenant()).await.unwrap();
    let mut found: Vec<Sha256Hex> = listed.iter().map(|tombstone| tombstone.sha256).collect();
    let mut expected = hashes(40);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let calls = wire.calls();
    assert_eq!(calls.len(), 6, "pages of seven");
    assert!(calls[1..].iter().all(|call| call.input["ExclusiveStartKey"]["sk"]["S"].is_string()));
}

#[tokio::test]
async fn half_a_list_of_tombstones_is_an_error() {
    let client = dynamodb().await;
    DynamoEvents::new(client.clone(), TABLE.to_owned()).bury(&tenant(), &hashes(20), NOON).await.unwrap();
    let (client, _) = Wire::between(&client, |call| match call.nth {
        2 => Turn::Refused(DENIED),
        _ => short_page(call, 5),
    });
    let listed = DynamoEvents::new(client, TABLE.to_owned()).tombstones(&tenant()).await;
    assert_eq!(listed, Err(StoreError::Unavailable(DENIED.to_owned())));

    let (client, wire) = without_end();
    let listed = DynamoEvents::new(client, TABLE.to_owned()).tombstones(&tenant()).await;
    assert_eq!(listed, Err(StoreError::Unavailable("more tombstones than one list holds".to_owned())));
    assert_eq!(wire.calls().len(), 100);
}

#[tokio::test]
async fn notes_beyond_the_first_megabyte_are_erased_too() {
    let client = dynamodb_by_time().await;
    let leads = DynamoLeads::new(client.clone(), TABLE.to_owned());
    create(&leads, &lead(1)).await;
    for _ in 0..8 {
        let now = stored(&leads, 1).await;
        let note = "note ".repeat(40_000);
        let noted = Activity { sealed_note: Some(note), ..activity(&now, ActivityKind::Note) };
        leads.change(LeadWrite { lead: &now, activity: &noted, feedback: None, outbox: &[] }).await.unwrap();
    }
    let (client_on_wire, wire) = Wire::between(&client, |_| Turn::Pass);
    let leads = DynamoLeads::new(client_on_wire, TABLE.to_owned());
    leads.erase_lead(&tenant(), &lead_id(1), NOON).await.unwrap();
    let queries: Vec<_> = wire.calls().into_iter().filter(|call| call.operation == "Query").collect();
    assert!(queries.iter().any(|call| call.input["ExclusiveStartKey"].is_object()), "1.6 MB are two pages");
    let lines = partition(&client, &format!("T#acme#L#{}", lead_id(1))).await;
    assert_eq!(lines.iter().filter(|line| line["sk"].as_s().unwrap().starts_with("A#")).count(), 10);
    assert!(lines.iter().all(|line| !line.contains_key("note")));
}

#[tokio::test]
async fn a_range_without_an_end_is_an_error_after_a_hundred_pages() {
    let (client, wire) = without_end();
    let listed = DynamoLeads::new(client, TABLE.to_owned()).activities(&tenant(), &lead_id(1), 5, None).await;
    assert_eq!(listed, Err(StoreError::Unavailable("more than one call reads".to_owned())));
    assert_eq!(wire.calls().len(), 100);
}

#[tokio::test]
async fn a_page_of_a_range_that_is_refused_is_an_error_of_all() {
    let client = dynamodb_by_time().await;
    let leads = DynamoLeads::new(client.clone(), TABLE.to_owned());
    create(&leads, &lead(1)).await;
    contact(&leads, &stored(&leads, 1).await, None).await.unwrap();
    let (client, wire) = Wire::between(&client, |call| match call.nth {
        0 => short_page(call, 1),
        _ => Turn::Refused(DENIED),
    });
    let leads = DynamoLeads::new(client, TABLE.to_owned());
    let listed = leads.activities(&tenant(), &lead_id(1), 5, None).await;
    assert_eq!(listed, Err(StoreError::Unavailable(DENIED.to_owned())));
    assert_eq!(wire.calls().len(), 2);
}
