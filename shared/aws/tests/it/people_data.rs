//! People, conversions and holds to store.

use adrelay_core::ids::{ConversionKey, EventId, EventName, PersonId, SourceId};
use adrelay_core::money::{Currency, Money};
use adrelay_core::people::{
    Counted, ExternalId, Identifier, LinkHash, LookupKey, Person, PersonDoc, Provider,
};
use adrelay_core::ports::people::{
    ConversionStore, Hold, HoldReason, HoldStore, MergeRecord, PeopleStore, StoredConversion,
};
use adrelay_core::seal::Secret;
use adrelay_core::time::UnixMillis;

use crate::support::{NOON, source, tenant};

/// Every trait that the people table has.
pub(crate) trait People: PeopleStore + ConversionStore + HoldStore {}

impl<T: PeopleStore + ConversionStore + HoldStore> People for T {}

pub(crate) const MINUTE_MS: i64 = 60_000;

pub(crate) fn person_id(name: &str) -> PersonId {
    PersonId::parse(&format!("per_{name}")).unwrap()
}

/// A person that was never stored.
pub(crate) fn person(name: &str) -> Person {
    Person {
        tenant: tenant(),
        id: person_id(name),
        rev: 0,
        doc: PersonDoc::new(NOON, Some(source())),
        sealed: Some(format!("sealed profile of {name}")),
    }
}

pub(crate) fn link(id: &str) -> LinkHash {
    let key = LookupKey::parse(&Secret::new(format!(r#"{{"key":"{}="}}"#, "A".repeat(43)))).unwrap();
    let provider = Provider::parse("shop").unwrap();
    key.link(&tenant(), &Identifier::External(ExternalId { provider, id: id.to_owned() }))
}

pub(crate) fn usd(minor: i64) -> Money {
    Money { currency: Currency::parse("USD").unwrap(), minor }
}

fn key_of(name: &str, id: &str) -> (SourceId, EventName, EventId, ConversionKey) {
    let (name, id) = (EventName::parse(name).unwrap(), EventId::parse(id).unwrap());
    let key = ConversionKey::of(&source(), &name, &id);
    (source(), name, id, key)
}

pub(crate) fn conversion_key(id: &str) -> ConversionKey {
    key_of("Purchase", id).3
}

/// A `Purchase` with this id.
pub(crate) fn conversion(of: &str, id: &str, at_s: i64) -> StoredConversion {
    let (source, event_name, event_id, key) = key_of("Purchase", id);
    StoredConversion {
        tenant: tenant(),
        key,
        person: person_id(of),
        source,
        event_name,
        event_id,
        at_s,
        stored_at: NOON,
        money: Some(usd(2_999)),
        sealed: "sealed body".to_owned(),
    }
}

/// What is counted of such an event.
pub(crate) fn counted(name: &str, id: &str, at_s: i64, money: Option<Money>) -> Counted {
    let (_, event_name, _, key) = key_of(name, id);
    Counted { key, event_name, at_s, money }
}

/// A hold of a person's conversion from noon on.
pub(crate) fn hold(of: &str, id: &str, until: UnixMillis) -> Hold {
    Hold {
        tenant: tenant(),
        person: person_id(of),
        conversion: conversion_key(id),
        reason: HoldReason::Identity,
        since: NOON,
        until,
        keys_before: vec!["fbp".into(), "client_ip_address".into()],
    }
}

pub(crate) fn record(winner: &str, loser: &str, at: UnixMillis) -> MergeRecord {
    MergeRecord {
        winner: person_id(winner),
        loser: person_id(loser),
        undone: false,
        at,
        by: "identity".to_owned(),
    }
}
