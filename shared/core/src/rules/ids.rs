//! Event ids of what one trigger sends. Meta takes two events of one pixel, name and id for one.

use sha2::{Digest as _, Sha256};

use crate::ids::{EventId, EventName};

/// Ids for `names` in order: the trigger's own, so that a browser's copy matches, with `.2`, `.3`, … where a name comes
/// again. Where the suffix would make an id too long, the id's hash stands for it.
#[must_use]
pub fn event_ids(trigger: &EventId, names: &[&EventName]) -> Vec<EventId> {
    let id = |(nth, name): (usize, &&EventName)| match names[..nth]
        .iter()
        .filter(|known| *known == name)
        .count()
    {
        0 => trigger.clone(),
        before => suffixed(trigger, before + 1),
    };
    names.iter().enumerate().map(id).collect()
}

fn suffixed(trigger: &EventId, nth: usize) -> EventId {
    let short = EventId::parse(&format!("{trigger}.{nth}"));
    let hashed = || EventId::parse(&format!("{}.{nth}", hex::encode(Sha256::digest(trigger.as_str()))));
    // The second can't fail: 64 hexadecimal digits and a number are an id.
    short.or_else(|_| hashed()).unwrap_or_else(|_| trigger.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_name_that_comes_again_gets_a_suffix() {
        let [lead, call] = ["Lead", "GreetNow_CallStarted"].map(|name| EventName::parse(name).unwrap());
        let ids = event_ids(&EventId::parse("e").unwrap(), &[&call, &lead, &lead, &call, &lead]);
        assert_eq!(ids.iter().map(EventId::as_str).collect::<Vec<_>>(), ["e", "e", "e.2", "e.2", "e.3"]);
        assert!(event_ids(&EventId::parse("e").unwrap(), &[]).is_empty());
    }

    #[test]
    fn long_ids_stay_apart() {
        let ids: Vec<EventId> =
            ["a", "b"].map(|last| EventId::parse(&format!("{}{last}", "é".repeat(127))).unwrap()).to_vec();
        let lead = EventName::parse("Lead").unwrap();
        let second: HashSet<EventId> =
            ids.iter().map(|id| event_ids(id, &[&lead, &lead])[1].clone()).collect();
        assert_eq!(second.len(), 2);
    }

    proptest! {
        #[test]
        fn a_name_never_has_an_id_twice(
            id in "[a-z.0-9é]{1,120}",
            names in prop::collection::vec(0_usize..4, 0..20),
        ) {
            let names: Vec<EventName> = names.iter().map(|nth| EventName::parse(&format!("n{nth}")).unwrap()).collect();
            let names: Vec<&EventName> = names.iter().collect();
            let trigger = EventId::parse(&id).unwrap();
            let ids = event_ids(&trigger, &names);
            let pairs: HashSet<(&EventName, &EventId)> = names.iter().copied().zip(&ids).collect();
            prop_assert_eq!(pairs.len(), names.len());
            prop_assert!(ids.iter().all(|id| id.as_str().len() <= 256));
            prop_assert!(names.is_empty() || ids[0] == trigger);
        }
    }
}
