//! Each call of the people table fails once.

use adrelay_core::ids::RuleId;
use adrelay_core::people::{Day, Person};
use adrelay_core::ports::erasure::{ErasureLedger as _, Kept};
use adrelay_core::ports::people::{ConversionStore as _, HoldStore as _, OnceMark, PeopleStore as _};

use crate::faults::{Stores, sweeps};
use crate::people_data::{
    MINUTE_MS, conversion, conversion_key, counted, hold, link, person, person_id, record, usd,
};
use crate::support::{NOON, dynamodb, tenant};

fn mark() -> OnceMark {
    let rule = RuleId::parse("first").unwrap();
    OnceMark { rule, nth: 0, period: "ever".to_owned(), expires_at_s: None }
}

async fn nothing(_: &Stores) {}

async fn a_link(s: &Stores) {
    s.people.claim(&tenant(), &link("ann"), &person_id("ann")).await.unwrap();
}

async fn two_persons(s: &Stores) {
    s.people.save(&person("ann")).await.unwrap();
    s.people.save(&person("bob")).await.unwrap();
}

async fn a_hold(s: &Stores) {
    s.people.hold(&hold("ann", "1", NOON.plus_ms(5 * MINUTE_MS))).await.unwrap();
}

async fn a_hold_of_now(s: &Stores) {
    s.people.hold(&hold("ann", "1", NOON)).await.unwrap();
}

/// Conversions of two days, a mark and a merge.
async fn a_life(s: &Stores) {
    two_persons(s).await;
    for (id, days_ago) in [("1", 0), ("2", 0), ("3", 1)] {
        let at_s = NOON.secs() - days_ago * 86_400;
        s.people.store(&conversion("ann", id, at_s)).await.unwrap();
        let one = counted("Purchase", id, at_s, Some(usd(100)));
        s.people.count(&tenant(), &person_id("ann"), &one).await.unwrap();
    }
    s.people.once(&tenant(), &person_id("ann"), &mark(), &conversion_key("1")).await.unwrap();
    let (ann, bob) = (Person { rev: 1, ..person("ann") }, Person { rev: 1, ..person("bob") });
    s.people.save_both(&ann, &bob, &record("ann", "bob", NOON)).await.unwrap();
}

async fn an_erasure(s: &Stores) {
    let part = Kept::PartOf(person_id("bob"));
    s.people.keep(&tenant(), &person_id("ann"), &part, NOON).await.unwrap();
}

sweeps!(a_failed_write_of_people_is_an_error_and_a_repeat_completes_it, dynamodb;
    "claim": nothing, async |s: &Stores| s.people.claim(&tenant(), &link("ann"), &person_id("ann")).await, Done;
    "unlink": a_link, async |s: &Stores| s.people.unlink(&tenant(), &link("ann"), &person_id("ann")).await, Done;
    "a new person": nothing, async |s: &Stores| s.people.save(&person("ann")).await, Conflict;
    "a known person": two_persons,
        async |s: &Stores| s.people.save(&Person { rev: 1, sealed: None, ..person("ann") }).await, Conflict;
    "two persons": two_persons, async |s: &Stores| {
        let (ann, bob) = (Person { rev: 1, ..person("ann") }, Person { rev: 1, ..person("bob") });
        s.people.save_both(&ann, &bob, &record("ann", "bob", NOON)).await
    }, Conflict;
    "remove a person": two_persons, async |s: &Stores| s.people.remove(&tenant(), &person_id("ann")).await, Done;
    "store": nothing, async |s: &Stores| s.people.store(&conversion("ann", "1", NOON.secs())).await, Done;
    "count": nothing, async |s: &Stores| {
        let one = counted("Purchase", "1", NOON.secs(), Some(usd(100)));
        s.people.count(&tenant(), &person_id("ann"), &one).await
    }, Done;
    "once": nothing,
        async |s: &Stores| s.people.once(&tenant(), &person_id("ann"), &mark(), &conversion_key("1")).await, Done;
    "remove conversions": a_life,
        async |s: &Stores| s.people.remove_conversions(&tenant(), &person_id("ann"), 100).await, Done;
    "hold": nothing, async |s: &Stores| s.people.hold(&hold("ann", "1", NOON.plus_ms(MINUTE_MS))).await, Done;
    "release": a_hold,
        async |s: &Stores| s.people.release(&hold("ann", "1", NOON.plus_ms(5 * MINUTE_MS))).await, Done;
    "make due": a_hold,
        async |s: &Stores| s.people.make_due(&hold("ann", "1", NOON.plus_ms(5 * MINUTE_MS)), NOON).await, Done;
    "keep": nothing, async |s: &Stores| {
        s.people.keep(&tenant(), &person_id("ann"), &Kept::PartOf(person_id("bob")), NOON).await
    }, Done;
);

sweeps!(a_failed_read_of_people_is_an_error, dynamodb;
    "links": a_link, async |s: &Stores| s.people.links(&tenant(), &[link("ann")]).await, Done;
    "persons": two_persons, async |s: &Stores| s.people.persons(&tenant(), &[person_id("ann")]).await, Done;
    "merges": a_life, async |s: &Stores| s.people.merges(&tenant(), &person_id("ann")).await, Done;
    "conversions": a_life, async |s: &Stores| s.people.conversions(&tenant(), &[conversion_key("1")]).await, Done;
    "features": a_life, async |s: &Stores| s.people.features(&tenant(), &person_id("ann"), &Day::of(0)).await, Done;
    "conversion keys": a_life,
        async |s: &Stores| s.people.conversion_keys(&tenant(), &person_id("ann"), 5, None).await, Done;
    "holds of a person": a_hold, async |s: &Stores| s.people.holds_of(&tenant(), &person_id("ann"), 5).await, Done;
    "kept": an_erasure, async |s: &Stores| s.people.kept(&tenant(), &person_id("ann")).await, Done;
);

sweeps!(a_failed_sweep_is_an_error, dynamodb;
    "due": a_hold_of_now, async |s: &Stores| s.people.due(NOON.plus_ms(MINUTE_MS), 5).await, Done;
);
