//! The lifecycle stage, from evidence that may come in any order.

use serde::{Deserialize, Serialize};

/// How far a person has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Known.
    Lead,
    /// Has used the product.
    Activated,
    /// Has paid.
    Customer,
    /// Has left.
    Churned,
}

impl Stage {
    /// Every stage, in the order in which people pass them.
    pub const ALL: [Self; 4] = [Self::Lead, Self::Activated, Self::Customer, Self::Churned];

    /// The word in stores and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Activated => "activated",
            Self::Customer => "customer",
            Self::Churned => "churned",
        }
    }
}

/// First and last time that something spoke for a stage, unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    first_s: i64,
    last_s: i64,
}

/// What speaks for which stage. The same evidence gives the same stage, in whatever order it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lead: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activated: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    churned: Option<Span>,
}

impl Evidence {
    /// Notes that something at `at_s` (unix seconds) spoke for `stage`. Says whether that changed anything.
    pub fn note(&mut self, stage: Stage, at_s: i64) -> bool {
        self.widen(stage, Span { first_s: at_s, last_s: at_s })
    }

    /// Takes in what speaks for another part of the same person.
    pub fn add(&mut self, other: &Self) {
        for stage in Stage::ALL {
            if let Some(span) = other.span(stage) {
                self.widen(stage, span);
            }
        }
    }

    /// The stage: `churned` where the last sign of leaving is later than the last one of using or paying, else the
    /// furthest of the others. Who comes back after leaving is again what they were.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        let last = |stage| self.span(stage).map(|span| span.last_s);
        let stays = last(Stage::Activated).max(last(Stage::Customer));
        if last(Stage::Churned).is_some_and(|left| stays.is_none_or(|stays| left > stays)) {
            return Some(Stage::Churned);
        }
        [Stage::Customer, Stage::Activated, Stage::Lead].into_iter().find(|stage| self.span(*stage).is_some())
    }

    /// When a stage was first spoken for, unix seconds.
    #[must_use]
    pub fn since_s(&self, stage: Stage) -> Option<i64> {
        self.span(stage).map(|span| span.first_s)
    }

    const fn span(&self, stage: Stage) -> Option<Span> {
        match stage {
            Stage::Lead => self.lead,
            Stage::Activated => self.activated,
            Stage::Customer => self.customer,
            Stage::Churned => self.churned,
        }
    }

    fn widen(&mut self, stage: Stage, by: Span) -> bool {
        let place = match stage {
            Stage::Lead => &mut self.lead,
            Stage::Activated => &mut self.activated,
            Stage::Customer => &mut self.customer,
            Stage::Churned => &mut self.churned,
        };
        let wide = place.map_or(by, |span| Span {
            first_s: span.first_s.min(by.first_s),
            last_s: span.last_s.max(by.last_s),
        });
        let changes = *place != Some(wide);
        *place = Some(wide);
        changes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_person_goes_forward_leaves_and_may_come_back() {
        let mut evidence = Evidence::default();
        assert_eq!(evidence.stage(), None);
        for (stage, at_s, expected) in [
            (Stage::Customer, 30, Stage::Customer),
            (Stage::Lead, 10, Stage::Customer),
            (Stage::Activated, 20, Stage::Customer),
            (Stage::Churned, 25, Stage::Customer),
            (Stage::Churned, 40, Stage::Churned),
            (Stage::Activated, 50, Stage::Customer),
        ] {
            assert!(evidence.note(stage, at_s));
            assert_eq!(evidence.stage(), Some(expected), "{stage:?} at {at_s}");
        }
        assert!(!evidence.note(Stage::Lead, 10), "nothing new");
        assert_eq!(evidence.since_s(Stage::Customer), Some(30));
    }

    proptest! {
        #[test]
        fn the_order_of_evidence_does_not_matter(mut notes in prop::collection::vec((0_usize..4, 0_i64..50), 0..20), cut in 0_usize..20) {
            let evidence = |notes: &[(usize, i64)]| {
                let mut evidence = Evidence::default();
                for (stage, at_s) in notes {
                    evidence.note(Stage::ALL[*stage], *at_s);
                }
                evidence
            };
            let forward = evidence(&notes);
            let (one, two) = notes.split_at(cut.min(notes.len()));
            let mut joined = evidence(two);
            joined.add(&evidence(one));
            prop_assert_eq!(&joined, &forward);
            notes.reverse();
            prop_assert_eq!(evidence(&notes), forward);
        }
    }
}
