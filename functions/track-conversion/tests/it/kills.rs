//! The process dies between any two steps; whoever got no answer posts again.

use std::collections::BTreeSet;

use fakes::NOON;
use futures_util::future::join_all;
use serde_json::json;

use crate::world::{World, visited};

#[tokio::test]
async fn wherever_it_dies_the_next_try_completes_it_and_counts_once() {
    let body = json!({"event_name": "bought", "event_id": "1", "value": 5, "currency": "USD",
        "identity": {"email": "jane@example.com", "phone": "+16505551212", "external_id": "u1"}});
    let mut deaths = 0;
    for steps in 1.. {
        assert!(steps < 1_000, "it never comes to its end");
        let world = World::new();
        if world.convert_and_die(&body, steps) {
            break;
        }
        deaths += 1;
        // Two tries at once, one of which dies as well.
        world.convert_and_die(&body, steps / 2);
        let answer = world.convert(&body).await;
        assert_eq!(answer.status, 202, "after {steps} steps: {answer:?}");
        assert_eq!(world.people.roots().len(), 1, "after {steps} steps");
        let features = world.features().await;
        assert_eq!(features.times("bought", 1, NOON.secs()), 1, "after {steps} steps");
        assert_eq!(json!(features.totals_minor), json!({"USD": 500}), "after {steps} steps");
        let events: BTreeSet<(String, String)> = world.names().into_iter().collect();
        assert_eq!(events.len(), 1, "after {steps} steps");
    }
    assert!(deaths >= 8, "it died at {deaths} places");
}

#[tokio::test]
async fn conversions_at_once_and_out_of_order_make_one_person_with_exact_features() {
    let world = World::new();
    let identities = [
        json!({"email": "jane@example.com", "external_id": "u1"}),
        json!({"phone": "+16505551212", "email": "jane@example.com"}),
        json!({"external_id": "u1", "phone": "+16505551212"}),
    ];
    let posts: Vec<_> = (0..60)
        .map(|nth| {
            let mut body = visited(&format!("e{}", nth % 40));
            body["identity"] = identities[nth % 3].clone();
            body["event_time"] = json!(NOON.secs() - i64::try_from((nth * 7) % 40).unwrap() * 3_600);
            body
        })
        .collect();
    for answer in join_all(posts.iter().map(|body| world.convert(body))).await {
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    assert_eq!(world.people.roots().len(), 1);
    let features = world.features().await;
    assert_eq!(features.times("visited", 3, NOON.secs()), 40);
    let unique: BTreeSet<(String, String)> = world.names().into_iter().collect();
    assert_eq!(unique.len(), 40);
}
