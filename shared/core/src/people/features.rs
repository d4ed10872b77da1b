//! What segments and rules ask of a person: how often what was done, what it was worth, when it was seen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ConversionKey, EventName};
use crate::money::{Currency, Money};
use crate::time::UnixMillis;

/// Days that counts by day are kept for.
pub const FEATURE_DAYS: i64 = 90;

/// A UTC day as `2026-11-21`; texts sort as days do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(String);

impl Day {
    /// The day of an instant, unix seconds.
    #[must_use]
    pub fn of(at_s: i64) -> Self {
        Self(UnixMillis::from_secs(at_s).utc_day())
    }

    /// Reads `2026-11-21` as a store gives it back; any text, which then never matches a day.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The month: `2026-11`.
    #[must_use]
    pub fn month(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

/// A conversion as features see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which one; counted once, however often it is told.
    pub key: ConversionKey,
    /// Its name.
    pub event_name: EventName,
    /// When it happened, unix seconds.
    pub at_s: i64,
    /// What it was worth.
    pub money: Option<Money>,
}

/// A person's features.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Features {
    /// Conversions by UTC day and event name, of the last [`FEATURE_DAYS`] days.
    pub days: BTreeMap<Day, BTreeMap<String, u64>>,
    /// Worth of all conversions ever, in minor units by currency.
    pub totals_minor: BTreeMap<Currency, i64>,
    /// When the first conversion happened, unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<i64>,
    /// When the last conversion happened, unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<i64>,
}

impl Features {
    /// Counts a conversion. That each is counted once is the store's part.
    pub fn count(&mut self, conversion: &Counted) {
        let names = self.days.entry(Day::of(conversion.at_s)).or_default();
        *names.entry(conversion.event_name.to_string()).or_default() += 1;
        if let Some(money) = conversion.money {
            let total = self.totals_minor.entry(money.currency).or_default();
            *total = total.saturating_add(money.minor);
        }
        self.seen(conversion.at_s);
    }

    /// Widens first and last seen.
    pub fn seen(&mut self, at_s: i64) {
        self.first_seen = Some(self.first_seen.map_or(at_s, |first| first.min(at_s)));
        self.last_seen = Some(self.last_seen.map_or(at_s, |last| last.max(at_s)));
    }

    /// Takes in the features of another part of the same person.
    pub fn add(&mut self, other: &Self) {
        for (day, names) in &other.days {
            let mine = self.days.entry(day.clone()).or_default();
            for (name, count) in names {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
        for (currency, minor) in &other.totals_minor {
            let total = self.totals_minor.entry(*currency).or_default();
            *total = total.saturating_add(*minor);
        }
        for at_s in [other.first_seen, other.last_seen].into_iter().flatten() {
            self.seen(at_s);
        }
    }

    /// How often `event_name` happened within the last `days` days, today (the day of `now_s`) included.
    #[must_use]
    pub fn times(&self, event_name: &str, days: i64, now_s: i64) -> u64 {
        let since = Day::of(now_s.saturating_sub((days - 1).max(0) * 86_400));
        self.days.range(since..).filter_map(|(_, names)| names.get(event_name)).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn conversion(nth: usize, name: &str, at_s: i64, minor: Option<i64>) -> Counted {
        let usd = Currency::parse("USD").unwrap();
        Counted {
            key: ConversionKey::parse(&format!("{nth:022}")).unwrap(),
            event_name: EventName::parse(name).unwrap(),
            at_s,
            money: minor.map(|minor| Money { currency: usd, minor }),
        }
    }

    #[test]
    fn a_window_of_days_holds_today() {
        let mut features = Features::default();
        for at_s in [0, 86_399, 86_400, 3 * 86_400] {
            features.count(&conversion(0, "Lead", at_s, None));
        }
        let now_s = 3 * 86_400 + 5;
        assert_eq!(features.times("Lead", 1, now_s), 1);
        assert_eq!(features.times("Lead", 3, now_s), 2);
        assert_eq!(features.times("Lead", 4, now_s), 4);
        assert_eq!(features.times("Purchase", 4, now_s), 0);
        assert_eq!((features.first_seen, features.last_seen), (Some(0), Some(now_s - 5)));
    }

    proptest! {
        #[test]
        fn features_are_the_same_after_any_order(
            what in prop::collection::vec((0_usize..3, 0_i64..9 * 86_400, prop::option::of(0_i64..10_000)), 0..30),
            seed in any::<u64>(),
            cut in 0_usize..30,
        ) {
            let names = ["Lead", "Purchase", "CallStarted"];
            let all: Vec<Counted> = what.iter().enumerate()
                .map(|(nth, (name, at_s, minor))| conversion(nth, names[*name], *at_s, *minor)).collect();
            let fold = |all: &[Counted]| all.iter().fold(Features::default(), |mut features, one| {
                features.count(one);
                features
            });
            let mut shuffled = all.clone();
            let mut state = seed;
            for at in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
            }
            prop_assert_eq!(fold(&shuffled), fold(&all));
            let (one, two) = shuffled.split_at(cut.min(shuffled.len()));
            let mut joined = fold(two);
            joined.add(&fold(one));
            prop_assert_eq!(joined, fold(&all));
        }
    }
}
