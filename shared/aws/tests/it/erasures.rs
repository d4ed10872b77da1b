//! Receipts of erasures.

use adrelay_aws::people::DynamoPeople;
use adrelay_core::ids::{PersonId, TenantId};
use adrelay_core::ports::erasure::{ErasureCounts, ErasureLedger as _, ErasureRecord, ErasureState, Kept};
use adrelay_core::ports::people::{ConversionStore as _, PeopleStore as _};

use crate::support::{NOON, TABLE, dynamodb, item, tenant};

fn person(id: &str) -> PersonId {
    PersonId::parse(id).unwrap()
}

fn record(state: ErasureState) -> Kept {
    Kept::Record(ErasureRecord {
        tenant: tenant(),
        person: person("jane"),
        parts: vec![person("jane"), person("joan")],
        state,
        erased_at: NOON,
        finished_at: (state == ErasureState::Done).then_some(NOON),
        by: "anna".to_owned(),
        counts: ErasureCounts { parts: 2, identifiers: 3, tombstones: 5, holds: 1, leads: 0 },
    })
}

#[tokio::test]
async fn what_is_kept_last_is_read_for_that_tenant_alone() {
    let store = DynamoPeople::new(dynamodb().await, TABLE.to_owned());
    assert_eq!(store.kept(&tenant(), &person("jane")).await, Ok(None));
    let part = Kept::PartOf(person("jane"));
    store.keep(&tenant(), &person("joan"), &part, NOON).await.unwrap();
    for state in [ErasureState::Running, ErasureState::Done] {
        store.keep(&tenant(), &person("jane"), &record(state), NOON).await.unwrap();
        assert_eq!(store.kept(&tenant(), &person("jane")).await, Ok(Some(record(state))));
    }
    assert_eq!(store.kept(&tenant(), &person("joan")).await, Ok(Some(part)));
    let other = TenantId::parse("other").unwrap();
    assert_eq!(store.kept(&other, &person("jane")).await, Ok(None));
}

#[tokio::test]
async fn a_receipt_is_kept_for_three_years_and_outlives_what_it_speaks_of() {
    let client = dynamodb().await;
    let store = DynamoPeople::new(client.clone(), TABLE.to_owned());
    store.keep(&tenant(), &person("jane"), &record(ErasureState::Running), NOON).await.unwrap();
    assert_eq!(store.remove_conversions(&tenant(), &person("jane"), 100).await, Ok(true));
    store.remove(&tenant(), &person("jane")).await.unwrap();
    let stored = item(&client, "T#acme#P#jane", "ERASED").await.unwrap();
    let expires_at: i64 = stored["expires_at"].as_n().unwrap().parse().unwrap();
    assert_eq!(expires_at, NOON.secs() + 3 * 365 * 86_400);
}
