//! What is stored for a person while they are erased, by somebody who had read them before the marks were written.

use std::pin::pin;

use adrelay_core::people::NoLeads;
use adrelay_core::ports::erasure::ErasureState;
use serde_json::json;

use crate::bounded::{advance, up_to};
use crate::people_by_hand::world::World;

/// What comes late.
#[derive(Debug, Clone, Copy)]
enum Late {
    Hold,
    Conversion,
    Lead,
}

/// Erases a person, of whom something is stored after so many steps of the erasure. Whether the person's document was
/// still there by then; `None` where the erasure had ended before.
async fn erase_with(late: Late, steps: usize) -> Option<bool> {
    let world = World::new();
    let jane = world.post(&json!({"email": "jane@example.com", "external_id": "u1"})).await;
    for nth in 0..2 {
        world.convert(&jane, nth).await;
        world.lead(&jane, nth).await;
    }
    let eraser = world.eraser(8_000);
    let mut erasure = pin!(eraser.run(&world.tenant, &jane, "anna"));
    if advance(erasure.as_mut(), steps).await.is_some() {
        return None;
    }
    let there = world.people.person_count() == 1;
    match late {
        Late::Hold => world.hold(&jane, 7).await,
        Late::Conversion => world.convert(&jane, 7).await,
        Late::Lead => world.lead(&jane, 7).await,
    }
    let record = erasure.await.unwrap();
    assert_eq!(record.state, ErasureState::Done);
    if there {
        let context = format!("{late:?} after {steps} steps");
        assert_eq!(world.people.held(), [], "{context}");
        assert_eq!(world.people.stored_conversions(), [], "{context}");
        assert!(!world.people.knows(&world.tenant, &jane), "{context}");
        assert!(world.with_leads().is_empty(), "{context}");
        let more = |late: bool| u64::from(late);
        assert_eq!(record.counts.leads, 2 + more(matches!(late, Late::Lead)), "{context}");
        assert_eq!(record.counts.holds, 2 + more(!matches!(late, Late::Lead)), "{context}");
    }
    Some(there)
}

#[tokio::test]
async fn what_is_stored_before_the_document_is_gone_goes_with_it() {
    for late in [Late::Hold, Late::Conversion, Late::Lead] {
        let mut before = 0;
        for steps in up_to(500) {
            match erase_with(late, steps).await {
                Some(there) => before += usize::from(there),
                None => break,
            }
        }
        assert!(before >= 15, "{late:?}: {before} places before the document went");
    }
}

#[tokio::test]
async fn where_no_leads_are_kept_a_person_is_erased_all_the_same() {
    let world = World::new();
    let jane = world.post(&json!({"email": "jane@example.com"})).await;
    world.convert(&jane, 0).await;
    let eraser: adrelay_core::people::Eraser<'_, _, _, _, _, _, NoLeads> = adrelay_core::people::Eraser::new(
        &world.people,
        &world.graves,
        &world.pii,
        &world.clock,
        &world.entropy,
        8_000,
    );
    let record = eraser.run(&world.tenant, &jane, "anna").await.unwrap();
    assert_eq!((record.state, record.counts.leads, record.counts.holds), (ErasureState::Done, 0, 1));
    assert!(!world.people.knows(&world.tenant, &jane));
}
