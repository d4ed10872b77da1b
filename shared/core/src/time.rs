//! Instants as unix milliseconds, and their RFC 3339 form.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The instant `seconds` after 1970.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant plus `ms` milliseconds; saturates.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; negative where `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-11-21T08:00:00.123Z`. Instants outside the years 0 to 9999 give the nearest bound's text.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let bounded = self.0.clamp(-62_135_596_800_000, 253_402_300_799_999);
        let format = |at: OffsetDateTime| at.format(&Rfc3339).ok();
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(bounded) * 1_000_000)
            .ok()
            .and_then(format)
            .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
    }

    /// `2026-11-21`: the UTC day, as receipts are listed by.
    #[must_use]
    pub fn utc_day(self) -> String {
        let mut text = self.rfc3339();
        text.truncate(10);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_rfc3339_in_utc() {
        assert_eq!(UnixMillis(1_706_745_600_123).rfc3339(), "2024-02-01T00:00:00.123Z");
        assert_eq!(UnixMillis::from_secs(1_706_745_600).utc_day(), "2024-02-01");
    }

    #[test]
    fn seconds_round_down_before_1970_too() {
        assert_eq!(UnixMillis(-1).secs(), -1);
        assert_eq!(UnixMillis(1999).secs(), 1);
    }
}
