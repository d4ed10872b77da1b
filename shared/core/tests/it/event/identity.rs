//! A repeated post is the same event.

use std::collections::BTreeSet;

use adrelay_core::config::Source;
use adrelay_core::event::{EventContext, Idempotency, prepare};
use adrelay_core::ids::{SourceId, TenantId};
use serde_json::{Value, json};

use crate::event::world::{Counting, NOW_S, accepted, context, purchase, source, with};

fn id(event: &Value, idempotency: Option<Idempotency<'_>>, entropy: &Counting) -> String {
    let source = source(&["1"]);
    let context = EventContext { idempotency, ..context(&source) };
    accepted(prepare(&event.to_string(), &context, entropy)).event_id.as_str().to_owned()
}

#[test]
fn the_callers_own_id_goes_before_all() {
    let event = with(purchase(), json!({"event_id": 12}));
    let key = Some(Idempotency { key: "k", index: None });
    assert_eq!(id(&event, key, &Counting::default()), "12");
}

#[test]
fn an_idempotency_key_names_an_event_by_its_place() {
    let entropy = Counting::default();
    let at = |index| id(&purchase(), Some(Idempotency { key: "k", index }), &entropy);
    assert_eq!(at(Some(0)), at(Some(0)));
    assert_eq!(at(Some(0)).len(), 32);
    assert_ne!(at(Some(0)), at(Some(1)));
    assert_ne!(at(Some(0)), at(None));
    let other = id(&purchase(), Some(Idempotency { key: "l", index: Some(0) }), &entropy);
    assert_ne!(at(Some(0)), other);
}

#[test]
fn an_order_names_its_purchase_whatever_else_changes() {
    let entropy = Counting::default();
    let order = |custom: Value| {
        id(&with(purchase(), json!({"custom_data": custom, "event_time": null})), None, &entropy)
    };
    let first = order(json!({"value": 1, "currency": "EUR", "order_id": "A-1"}));
    assert_eq!(first, order(json!({"value": 2, "currency": "EUR", "order_id": "A-1"})));
    assert_ne!(first, order(json!({"value": 1, "currency": "EUR", "order_id": "A-2"})));
    assert_ne!(first, order(json!({"value": 1, "currency": "EUR", "order_id": "A-1", "item_number": "2"})));
}

#[test]
fn the_body_names_an_event_that_carries_its_time() {
    let entropy = Counting::default();
    let lead = json!({"event_name": "Lead", "event_time": NOW_S, "user_data": {"email": "a@b.org"}});
    assert_eq!(id(&lead, None, &entropy), id(&lead, None, &entropy));
    assert_ne!(
        id(&lead, None, &entropy),
        id(&with(lead.clone(), json!({"event_time": NOW_S - 1})), None, &entropy)
    );
}

#[test]
fn without_a_time_every_post_is_an_event_of_its_own() {
    let entropy = Counting::default();
    let lead = json!({"event_name": "Lead", "user_data": {"email": "a@b.org"}});
    assert_ne!(id(&lead, None, &entropy), id(&lead, None, &entropy));
}

#[test]
fn two_sources_never_share_a_derived_id() {
    let shop = source(&["1"]);
    let named = |tenant: &str, id: &str| Source {
        tenant_id: TenantId::parse(tenant).unwrap(),
        id: SourceId::parse(id).unwrap(),
        ..shop.clone()
    };
    // Another source of the tenant, the same name at another tenant, and names that read alike when they are joined.
    let sources =
        [named("acme", "shop"), named("acme", "app"), named("other", "shop"), named("acmes", "hop")];
    let timed = json!({"event_name": "Lead", "event_time": NOW_S, "user_data": {"email": "a@b.org"}});
    let key = Some(Idempotency { key: "k", index: Some(0) });
    for (event, idempotency) in [(purchase(), None), (timed, None), (purchase(), key)] {
        let ids: BTreeSet<String> = sources
            .iter()
            .map(|source| {
                let context = EventContext { idempotency, ..context(source) };
                accepted(prepare(&event.to_string(), &context, &Counting::default())).event_id.to_string()
            })
            .collect();
        assert_eq!(ids.len(), sources.len(), "{event} {idempotency:?}");
    }
}
