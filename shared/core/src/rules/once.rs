//! What fires once a person, or once a person and period.

use serde::{Deserialize, Serialize};

use crate::ids::RuleId;
use crate::people::Day;
use crate::ports::people::OnceMark;

const DAY_S: i64 = 86_400;

/// Days for which the mark of a period outlives it: Meta takes events of physical stores up to 62 days late, and what
/// comes late belongs to the period in which it happened.
const LATE_DAYS: i64 = 63;

/// How often is once: `"person"` or `{"days": 30}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Once {
    /// Once a person, ever.
    #[serde(rename = "person")]
    Ever,
    /// Once a person and period of so many UTC days, 1 to 365. Periods are counted from 1970-01-01.
    #[serde(rename = "days")]
    Days(u16),
}

impl Once {
    /// What a store marks before rule `rule` fires its event `nth` for a trigger that happened at `at_s`, unix seconds.
    #[must_use]
    pub fn mark(&self, rule: &RuleId, nth: usize, at_s: i64) -> OnceMark {
        let (period, expires_at_s) = match self {
            Self::Ever => ("ever".to_owned(), None),
            Self::Days(days) => {
                let days = i64::from(*days).max(1);
                let first = at_s.div_euclid(DAY_S).div_euclid(days) * days;
                let expires = first.saturating_add(days + LATE_DAYS).saturating_mul(DAY_S);
                (Day::of(first.saturating_mul(DAY_S)).as_str().to_owned(), Some(expires))
            }
        };
        OnceMark { rule: rule.clone(), nth, period, expires_at_s }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn period(once: Once, at_s: i64) -> OnceMark {
        once.mark(&RuleId::parse("r").unwrap(), 2, at_s)
    }

    #[test]
    fn a_period_is_named_by_its_first_day() {
        let ever = period(Once::Ever, 5);
        assert_eq!((ever.period.as_str(), ever.nth, ever.expires_at_s), ("ever", 2, None));
        let week = period(Once::Days(7), 8 * DAY_S);
        assert_eq!((week.period.as_str(), week.expires_at_s), ("1970-01-08", Some((7 + 7 + 63) * DAY_S)));
        assert_eq!(period(Once::Days(7), 7 * DAY_S - 1).period, "1970-01-01");
        assert_eq!(period(Once::Days(1), 7 * DAY_S - 1).period, "1970-01-07");
    }

    proptest! {
        #[test]
        fn two_moments_share_a_mark_where_they_share_a_period(days in 1_u16..=365, one in 0_i64..20_000, two in 0_i64..20_000) {
            let same = one / i64::from(days) == two / i64::from(days);
            let marks = [one, two].map(|day| period(Once::Days(days), day * DAY_S + 5));
            prop_assert_eq!(marks[0] == marks[1], same);
        }
    }
}
