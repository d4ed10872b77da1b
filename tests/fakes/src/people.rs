//! People, conversions and holds in memory, under the conditions that the table keeps.

mod conversions;
mod erasures;
mod holds;
mod persons;

use std::collections::{BTreeMap, HashMap};

use adrelay_core::ids::{ConversionKey, EventName, PersonId, RuleId, TenantId};
use adrelay_core::money::Money;
use adrelay_core::people::{LinkHash, Person};
use adrelay_core::ports::erasure::Kept;
use adrelay_core::ports::people::{Hold, MergeRecord, StoredConversion};

use crate::shared::Shared;
use crate::{ANY, Faults};

/// A person of a tenant.
type Whose = (TenantId, PersonId);

/// A conversion's place in time: unix seconds, then its key.
type Place = (i64, ConversionKey);

/// What fires once: rule, which of its fires, period.
type Mark = (RuleId, usize, String);

/// A hold with the minute (since 1970) in which it is due.
#[derive(Debug, Clone)]
struct Filed {
    hold: Hold,
    due: i64,
}

#[derive(Debug, Default)]
struct State {
    links: HashMap<(TenantId, LinkHash), PersonId>,
    persons: BTreeMap<Whose, Person>,
    merges: BTreeMap<Whose, Vec<MergeRecord>>,
    conversions: BTreeMap<(TenantId, ConversionKey), StoredConversion>,
    counted: BTreeMap<Whose, BTreeMap<Place, EventName>>,
    money: BTreeMap<Whose, BTreeMap<Place, Money>>,
    marks: BTreeMap<Whose, BTreeMap<Mark, ConversionKey>>,
    holds: BTreeMap<(TenantId, PersonId, ConversionKey), Filed>,
    erasures: BTreeMap<Whose, Kept>,
    writes: u64,
}

/// The people table. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryPeople(Shared<State>);

impl MemoryPeople {
    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// One call fails, after `calls_before` others: before it does anything, or having done it all the same, as when an
    /// answer is lost.
    pub fn stumble(&self, calls_before: u64, done_all_the_same: bool) {
        self.0.stumble(calls_before, done_all_the_same);
    }

    /// Whether anything at all is stored under this person's id, but for the receipt of its erasure.
    #[must_use]
    pub fn knows(&self, tenant: &TenantId, person: &PersonId) -> bool {
        self.0.with(|state| {
            let whose = (tenant.clone(), person.clone());
            let filled = |rows: usize| rows > 0;
            state.persons.contains_key(&whose)
                || state.links.iter().any(|((of, _), to)| of == tenant && to == person)
                || filled(state.merges.get(&whose).map_or(0, Vec::len))
                || filled(state.counted.get(&whose).map_or(0, BTreeMap::len))
                || filled(state.money.get(&whose).map_or(0, BTreeMap::len))
                || filled(state.marks.get(&whose).map_or(0, BTreeMap::len))
                || state
                    .conversions
                    .values()
                    .any(|stored| stored.tenant == *tenant && stored.person == *person)
                || state.holds.keys().any(|(of, held, _)| of == tenant && held == person)
        })
    }

    /// Whether every call fails from now on.
    pub fn set_down(&self, down: bool) {
        self.0.faults.set_down(ANY, down);
    }

    /// Persons that are stored, merged ones included.
    #[must_use]
    pub fn person_count(&self) -> usize {
        self.0.with(|state| state.persons.len())
    }

    /// Persons that are not merged into another, by id.
    #[must_use]
    pub fn roots(&self) -> Vec<PersonId> {
        self.0.with(|state| {
            let roots = state.persons.values().filter(|person| person.doc.merged_into.is_none());
            roots.map(|person| person.id.clone()).collect()
        })
    }

    /// Every person's document, by tenant and id.
    #[must_use]
    pub fn everybody(&self) -> Vec<Person> {
        self.0.with(|state| state.persons.values().cloned().collect())
    }

    /// Links that point to anybody.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.0.with(|state| state.links.len())
    }

    /// Every conversion that is stored, by tenant and key.
    #[must_use]
    pub fn stored_conversions(&self) -> Vec<StoredConversion> {
        self.0.with(|state| state.conversions.values().cloned().collect())
    }

    /// Everything that is held, by tenant, person and conversion.
    #[must_use]
    pub fn held(&self) -> Vec<Hold> {
        self.0.with(|state| state.holds.values().map(|filed| filed.hold.clone()).collect())
    }

    /// Writes so far that changed something, of any kind.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.0.with(|state| state.writes)
    }
}
