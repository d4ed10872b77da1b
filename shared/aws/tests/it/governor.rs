//! What `GovernorStore` and `RateGate` promise, of the table and of what stands for it in other tests.

use adrelay_aws::events::DynamoEvents;
use adrelay_core::dispatch::governor::{Booking, Lease, Ledger};
use adrelay_core::ids::{KeyId, PixelId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::governor::{GovernorStore as _, Versioned};
use adrelay_core::time::UnixMillis;
use futures_util::future::join_all;

use crate::contract::contract;
use crate::events_data::Events;
use crate::support::{NOON, TABLE, dynamodb, item, pixel, tenant};

contract!(adrelay_aws::events::DynamoEvents::new, crate::support::dynamodb, fakes::MemoryEvents::default;
    a_ledger_is_saved_only_over_the_version_that_was_read,
    each_pixel_of_each_tenant_has_a_ledger_of_its_own,
    of_concurrent_saves_one_wins,
    a_key_passes_once_an_interval,
    of_many_who_want_to_pass_at_once_one_does,
);

/// A ledger with something in each of its parts.
fn full() -> Ledger {
    let lease = |owner: &str, later_ms, events| Lease {
        owner: owner.to_owned(),
        until: NOON.plus_ms(later_ms),
        events,
    };
    Ledger {
        bookings: vec![Booking { at: NOON, events: 400 }, Booking { at: NOON.plus_ms(900), events: 7 }],
        leases: vec![lease("a", 15_000, 20), lease("b", 9_000, 100)],
        wait_until: Some(NOON.plus_ms(60_000)),
        proven_until: Some(NOON.plus_ms(3_600_000)),
        trial: Some(lease("c", 5_000, 0)),
        probe_due: Some(NOON.plus_ms(30_000)),
    }
}

async fn a_ledger_is_saved_only_over_the_version_that_was_read(store: &impl Events) {
    let (tenant, pixel, empty) = (tenant(), pixel(), Ledger::default());
    assert_eq!(store.load(&tenant, &pixel).await.unwrap(), Versioned::default());
    assert_eq!(store.save(&tenant, &pixel, 1, &full()).await, Err(StoreError::Conflict), "nothing is there");
    assert_eq!(store.load(&tenant, &pixel).await.unwrap(), Versioned::default());
    store.save(&tenant, &pixel, 0, &full()).await.unwrap();
    assert_eq!(store.save(&tenant, &pixel, 0, &empty).await, Err(StoreError::Conflict));
    let read = store.load(&tenant, &pixel).await.unwrap();
    assert_eq!(read, Versioned { version: 1, ledger: full() });
    store.save(&tenant, &pixel, 1, &empty).await.unwrap();
    for stale in [0, 1, 3, 9] {
        let late = store.save(&tenant, &pixel, stale, &read.ledger).await;
        assert_eq!(late, Err(StoreError::Conflict), "over {stale}");
    }
    assert_eq!(store.load(&tenant, &pixel).await.unwrap(), Versioned { version: 2, ledger: empty });
}

async fn each_pixel_of_each_tenant_has_a_ledger_of_its_own(store: &impl Events) {
    let (other_tenant, other_pixel) = (TenantId::parse("other").unwrap(), PixelId::parse("5").unwrap());
    store.save(&tenant(), &pixel(), 0, &full()).await.unwrap();
    for (tenant, pixel) in [(&other_tenant, &pixel()), (&tenant(), &other_pixel)] {
        assert_eq!(store.load(tenant, pixel).await.unwrap(), Versioned::default());
        store.save(tenant, pixel, 0, &Ledger::default()).await.unwrap();
    }
    assert_eq!(store.load(&tenant(), &pixel()).await.unwrap().ledger, full());
}

async fn of_concurrent_saves_one_wins(store: &impl Events) {
    let (tenant, pixel) = (tenant(), pixel());
    for expected in [0, 1] {
        let ledgers = (0..8).map(|n| Ledger { wait_until: Some(NOON.plus_ms(n)), ..Ledger::default() });
        let ledgers: Vec<Ledger> = ledgers.collect();
        let saves = ledgers.iter().map(|ledger| store.save(&tenant, &pixel, expected, ledger));
        let saves = join_all(saves).await;
        let mut won = saves.iter().zip(&ledgers).filter(|(saved, _)| saved.is_ok());
        let (_, winner) = won.next().unwrap();
        assert_eq!(won.count(), 0, "{saves:?}");
        assert!(saves.iter().all(|saved| matches!(saved, Ok(()) | Err(StoreError::Conflict))), "{saves:?}");
        let now = store.load(&tenant, &pixel).await.unwrap();
        assert_eq!(now, Versioned { version: expected + 1, ledger: winner.clone() });
    }
}

async fn a_key_passes_once_an_interval(store: &impl Events) {
    let (tenant, key) = (tenant(), KeyId::parse("key_1").unwrap());
    let (other_key, other_tenant) = (KeyId::parse("key_2").unwrap(), TenantId::parse("other").unwrap());
    assert!(store.pass(&tenant, &key, NOON, 1_000).await.unwrap());
    assert!(!store.pass(&tenant, &key, NOON, 1_000).await.unwrap());
    assert!(!store.pass(&tenant, &key, NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(store.pass(&tenant, &other_key, NOON.plus_ms(999), 1_000).await.unwrap());
    assert!(store.pass(&other_tenant, &key, NOON.plus_ms(999), 1_000).await.unwrap());
    let refused_tries_do_not_count = store.pass(&tenant, &key, NOON.plus_ms(1_000), 1_000).await;
    assert_eq!(refused_tries_do_not_count, Ok(true));
    assert!(!store.pass(&tenant, &key, NOON.plus_ms(1_999), 1_000).await.unwrap());
    assert!(!store.pass(&tenant, &key, NOON, 1_000).await.unwrap(), "a clock that is behind");
}

async fn of_many_who_want_to_pass_at_once_one_does(store: &impl Events) {
    let (tenant, key) = (tenant(), KeyId::parse("key_1").unwrap());
    for round in 0..3 {
        let now = NOON.plus_ms(round * 1_000);
        let passes = join_all((0..6).map(|_| store.pass(&tenant, &key, now, 1_000))).await;
        assert_eq!(passes.iter().filter(|passed| **passed == Ok(true)).count(), 1, "{passes:?}");
        assert_eq!(passes.iter().filter(|passed| **passed == Ok(false)).count(), 5, "{passes:?}");
    }
}

async fn ends(client: &aws_sdk_dynamodb::Client, pk: &str, sk: &str) -> i64 {
    item(client, pk, sk).await.unwrap()["expires_at"].as_n().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_ledger_is_kept_for_a_day_beyond_the_last_instant_in_it() {
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    let late: UnixMillis = NOON.plus_ms(7_200_000);
    let mut ledgers = vec![full(); 5];
    ledgers[0].bookings.push(Booking { at: late, events: 1 });
    ledgers[1].leases[0].until = late;
    ledgers[2].wait_until = Some(late);
    ledgers[3].proven_until = Some(late);
    ledgers[4].probe_due = Some(late);
    for (version, ledger) in (0..).zip(&ledgers) {
        store.save(&tenant(), &pixel(), version, ledger).await.unwrap();
        let ends = ends(&client, "T#acme#G#1234567890123456", "GOVERNOR").await;
        assert_eq!(ends, late.secs() + 86_400, "{version}");
    }
}

#[tokio::test]
async fn a_passage_is_remembered_for_an_hour() {
    use adrelay_core::ports::governor::RateGate as _;
    let client = dynamodb().await;
    let store = DynamoEvents::new(client.clone(), TABLE.to_owned());
    store.pass(&tenant(), &KeyId::parse("key_1").unwrap(), NOON, 1_000).await.unwrap();
    assert_eq!(ends(&client, "T#acme#R#key_1", "RATE").await, NOON.secs() + 3_600);
}
