use adrelay_core::people::RegistryError;
use proptest::prelude::*;
use serde_json::json;

use crate::people_by_hand::world::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The order of parts decides whose values are shown, so it must not depend on how the tree came about.
    #[test]
    fn a_merge_answers_what_is_read_of_the_person_from_then_on(
        merges in prop::collection::vec((0_usize..6, 0_usize..6), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let mut ids = Vec::new();
            for nth in 0..6 {
                let identity = json!({"external_id": format!("u{nth}"), "first_name": format!("N{nth}")});
                ids.push(world.post(&identity).await);
            }
            for (winner, loser) in merges {
                match world.registry().merge(&world.tenant, &ids[winner], &ids[loser], "anna").await {
                    Ok(merged) => {
                        assert_eq!(merged.whole(), world.tree(&ids[winner]).await.whole());
                        assert_eq!(merged.whole(), world.tree(&ids[loser]).await.whole());
                    }
                    Err(error) => assert_eq!(error, RegistryError::Same),
                }
            }
        });
    }
}
