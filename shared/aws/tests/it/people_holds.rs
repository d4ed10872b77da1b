//! What `HoldStore` promises.

use adrelay_core::ports::people::{Hold, HoldReason};
use adrelay_core::time::UnixMillis;

use crate::contract::contract;
use crate::people_data::{MINUTE_MS, People, hold, person_id};
use crate::support::{NOON, tenant};

contract!(adrelay_aws::people::DynamoPeople::new, crate::support::dynamodb, fakes::MemoryPeople::default;
    a_hold_is_due_from_its_end_on_until_it_is_released,
    what_is_due_comes_oldest_first_and_no_more_than_asked_for,
    the_same_hold_is_stored_once_and_a_repeat_does_not_prolong_it,
    who_works_on_a_hold_may_give_it_another_end,
    a_hold_that_is_made_due_is_found_at_once,
    a_person_has_its_own_holds,
);

async fn due(people: &impl People, at: UnixMillis) -> Vec<Hold> {
    people.due(at, 100).await.unwrap()
}

fn minutes(count: i64) -> UnixMillis {
    NOON.plus_ms(count * MINUTE_MS)
}

async fn a_hold_is_due_from_its_end_on_until_it_is_released(people: &impl People) {
    let held = hold("ann", "1", minutes(30));
    people.hold(&held).await.unwrap();
    for early in [0, 15, 29] {
        assert_eq!(due(people, minutes(early)).await, [], "after {early} minutes");
    }
    assert_eq!(
        due(people, held.until.plus_ms(-1)).await,
        [],
        "not before its end, in the same minute either"
    );
    let after = minutes(31);
    assert_eq!(due(people, after).await, std::slice::from_ref(&held));
    assert_eq!(due(people, after).await, std::slice::from_ref(&held), "it stays due");
    people.release(&held).await.unwrap();
    assert_eq!(due(people, after).await, []);
    people.release(&held).await.unwrap();
    assert_eq!(people.holds_of(&tenant(), &held.person, 10).await.unwrap(), []);
}

async fn what_is_due_comes_oldest_first_and_no_more_than_asked_for(people: &impl People) {
    let mut holds = Vec::new();
    for nth in 0..24 {
        // Each after the one before, but not stored in that order.
        let place = (nth * 7) % 24;
        holds.push(hold("ann", &place.to_string(), minutes(place)));
    }
    for hold in &holds {
        people.hold(hold).await.unwrap();
    }
    holds.sort_by_key(|hold| hold.until);
    assert_eq!(due(people, minutes(30)).await, holds);
    assert_eq!(people.due(minutes(30), 5).await.unwrap(), holds[..5]);
    assert_eq!(due(people, minutes(9)).await.len(), 9);
}

async fn the_same_hold_is_stored_once_and_a_repeat_does_not_prolong_it(people: &impl People) {
    let held = hold("ann", "1", minutes(30));
    let repeat = Hold { since: minutes(10), until: minutes(40), ..held.clone() };
    for again in [&held, &held, &repeat] {
        people.hold(again).await.unwrap();
    }
    assert_eq!(people.holds_of(&tenant(), &held.person, 10).await.unwrap(), std::slice::from_ref(&held));
    assert_eq!(due(people, minutes(31)).await, std::slice::from_ref(&held));
    people.release(&held).await.unwrap();
    assert_eq!(due(people, minutes(41)).await, []);
}

async fn who_works_on_a_hold_may_give_it_another_end(people: &impl People) {
    let held = hold("ann", "1", minutes(30));
    people.hold(&held).await.unwrap();
    let on = Hold { reason: HoldReason::Consent, until: minutes(90), ..held.clone() };
    people.hold(&on).await.unwrap();
    assert_eq!(people.holds_of(&tenant(), &held.person, 10).await.unwrap(), std::slice::from_ref(&on));
    assert_eq!(due(people, minutes(60)).await, []);
    assert_eq!(due(people, minutes(91)).await, std::slice::from_ref(&on));
    people.release(&held).await.unwrap();
    assert_eq!(due(people, minutes(91)).await, [], "released by whoever knows it by its old end");
}

async fn a_hold_that_is_made_due_is_found_at_once(people: &impl People) {
    let (held, other) = (hold("ann", "1", minutes(600)), hold("ann", "2", minutes(600)));
    people.hold(&held).await.unwrap();
    people.hold(&other).await.unwrap();
    assert_eq!(due(people, minutes(5)).await, []);
    people.make_due(&held, minutes(5)).await.unwrap();
    people.make_due(&held, minutes(5)).await.unwrap();
    assert_eq!(due(people, minutes(5)).await, std::slice::from_ref(&held), "with its end as it was");
    people.release(&held).await.unwrap();
    people.make_due(&held, minutes(6)).await.unwrap();
    assert_eq!(due(people, minutes(6)).await, [], "what is released can't be made due");
}

async fn a_person_has_its_own_holds(people: &impl People) {
    for (of, id) in [("ann", "1"), ("ann", "2"), ("ann", "3"), ("bob", "4")] {
        people.hold(&hold(of, id, minutes(30))).await.unwrap();
    }
    let holds = people.holds_of(&tenant(), &person_id("ann"), 10).await.unwrap();
    assert_eq!(holds.len(), 3);
    assert!(holds.iter().all(|hold| hold.person == person_id("ann")));
    assert_eq!(people.holds_of(&tenant(), &person_id("ann"), 2).await.unwrap().len(), 2);
    assert_eq!(people.holds_of(&tenant(), &person_id("cid"), 2).await.unwrap(), []);
}
