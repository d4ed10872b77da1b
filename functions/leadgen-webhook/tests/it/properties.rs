//! Whatever genuine deliveries look like, exactly their distinct leads are queued.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::World;

/// An id as a number or as text.
fn id(range: std::ops::Range<u64>) -> impl Strategy<Value = (u64, Value)> {
    (range, any::<bool>()).prop_map(|(id, text)| (id, if text { json!(id.to_string()) } else { json!(id) }))
}

/// A change, and the lead that it announces.
fn change() -> impl Strategy<Value = (Value, Option<(Option<u64>, u64)>)> {
    let lead = (id(1..40), proptest::option::of(id(1..4)), any::<bool>(), any::<bool>());
    let lead = lead.prop_map(|((lead, lead_json), page, form, odd)| {
        let mut value = json!({"leadgen_id": lead_json});
        if let Some((_, page)) = &page {
            value["page_id"] = page.clone();
        }
        if form {
            value["form_id"] = json!(7);
        }
        if odd {
            value["form_id"] = json!({"unknown": [1.5]});
            value["later"] = json!("\u{e4}/@<%");
        }
        (json!({"field": "leadgen", "value": value}), Some((page.map(|(page, _)| page), lead)))
    });
    let other = prop_oneof![
        Just(json!({"field": "feed", "value": {"leadgen_id": 1}})),
        Just(json!({"field": "leadgen", "value": {"leadgen_id": "?"}})),
        Just(json!(null)),
    ];
    prop_oneof![4 => lead, 1 => other.prop_map(|json| (json, None))]
}

proptest! {
    #[test]
    fn exactly_the_distinct_leads_of_a_delivery_are_queued(
        entries in proptest::collection::vec((id(4..7), proptest::collection::vec(change(), 0..30)), 0..6)
    ) {
        let mut expected = BTreeSet::new();
        let entries: Vec<Value> = entries
            .into_iter()
            .map(|((page, page_json), changes)| {
                let announced = changes.iter().filter_map(|(_, lead)| *lead);
                expected.extend(announced.map(|(own, lead)| (own.unwrap_or(page).to_string(), lead.to_string())));
                let changes: Vec<Value> = changes.into_iter().map(|(json, _)| json).collect();
                json!({"id": page_json, "time": 1, "changes": changes})
            })
            .collect();
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let body = json!({"object": "page", "entry": entries}).to_string();
        prop_assert_eq!(runtime.block_on(world.deliver(&body)).status, 200);
        let queued = world.leads();
        prop_assert_eq!(queued.len(), expected.len());
        prop_assert_eq!(queued.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
