//! Amounts as whole minor units of a currency: cents, yen, fils. Never floats.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::event::currency_code;

/// An active ISO 4217 currency, e.g. `USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Currency(&'static str);

/// Currencies without minor units (ISO 4217).
const NO_MINOR: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
];

/// Currencies with three decimals (ISO 4217).
const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// Currencies with four decimals (ISO 4217).
const FOUR: &[&str] = &["CLF", "UYW"];

impl Currency {
    /// Reads a code in any case; absent where it is no active one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        currency_code(text).map(Self)
    }

    /// The code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Decimals of an amount.
    #[must_use]
    pub fn decimals(self) -> u32 {
        match self.0 {
            code if NO_MINOR.contains(&code) => 0,
            code if THREE.contains(&code) => 3,
            code if FOUR.contains(&code) => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an active ISO 4217 currency"))
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// The currency.
    pub currency: Currency,
    /// Whole minor units.
    pub minor: i64,
}

/// The largest amount that is taken, in minor units: far above any price, and far below where sums could overflow.
pub const MAX_MINOR: i64 = 1_000_000_000_000_000;

impl Money {
    /// Reads a decimal amount of major units as JSON or people write it: `29.9`, `1e3`. What is finer than a minor
    /// unit is rounded half up, each amount by itself, so that sums do not depend on an order.
    ///
    /// Absent where it is no number, negative, or above [`MAX_MINOR`].
    #[must_use]
    pub fn parse(decimal: &str, currency: Currency) -> Option<Self> {
        let (mantissa, exponent) = match decimal.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (decimal, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || decimal.len() > 64 {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()? - exponent;
        let shift = i32::try_from(currency.decimals()).ok()? - scale;
        let all = format!("{whole}{fraction}");
        let all = all.trim_start_matches('0');
        let minor = if all.is_empty() {
            0
        } else if shift >= 0 {
            let zeros = "0".repeat(usize::try_from(shift.min(32)).ok()?);
            format!("{all}{zeros}").parse::<i64>().ok()?
        } else {
            rounded(all, usize::try_from(-shift).ok()?)?
        };
        (minor <= MAX_MINOR).then_some(Self { currency, minor })
    }
}

/// `digits` without its last `cut`, rounded half up.
fn rounded(digits: &str, cut: usize) -> Option<i64> {
    if cut > digits.len() {
        return Some(0);
    }
    let (kept, dropped) = digits.split_at(digits.len() - cut);
    let kept: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    kept.checked_add(i64::from(dropped.as_bytes().first().is_some_and(|digit| *digit >= b'5')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(decimal: &str, code: &str) -> Option<i64> {
        Money::parse(decimal, Currency::parse(code).unwrap()).map(|money| money.minor)
    }

    #[test]
    fn amounts_become_minor_units() {
        for (decimal, code, expected) in [
            ("29.99", "USD", 2_999),
            ("29.9", "usd", 2_990),
            ("0", "EUR", 0),
            ("007", "EUR", 700),
            ("1200", "JPY", 1_200),
            ("1.2345", "KWD", 1_235),
            ("1e3", "USD", 100_000),
            ("2.5e-2", "USD", 3),
            ("0.005", "USD", 1),
            ("0.0049", "USD", 0),
            ("1e-40", "USD", 0),
            ("99.5", "JPY", 100),
        ] {
            assert_eq!(minor(decimal, code), Some(expected), "{decimal} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in ["", "-1", "1,5", "x", "1e", "1e99", ".5", "1.2.3", "NaN", "99999999999999999999"] {
            assert_eq!(minor(bad, "USD"), None, "{bad:?}");
        }
        assert_eq!(Currency::parse("XTS"), None);
    }

    #[test]
    fn every_currency_with_other_decimals_is_an_active_one() {
        for code in [NO_MINOR, THREE, FOUR].concat() {
            assert_eq!(Currency::parse(code).map(Currency::as_str), Some(code));
        }
    }
}
