//! An outage: for a while no Graph call gets through.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;

/// What callers meet during an outage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutageMode {
    /// Status 500, code 1.
    #[serde(rename = "500")]
    Status500,
    /// Status 503, code 2.
    #[default]
    #[serde(rename = "503")]
    Status503,
    /// The connection is closed without an answer and nothing is processed.
    #[serde(rename = "refuse")]
    Refuse,
    /// No answer ever comes; the caller has to give up.
    #[serde(rename = "hang")]
    Hang,
}

/// The body of `POST /_sim/outage`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutageRequest {
    /// For how long, by the simulator's clock; absent or null: until it is deleted.
    pub seconds: Option<u32>,
    /// What callers meet.
    pub mode: OutageMode,
}

/// An outage that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    ends_at_ms: Option<i64>,
    mode: OutageMode,
}

impl Outage {
    pub(crate) fn begin(request: OutageRequest, clock: Clock) -> Self {
        let ends_at_ms = request.seconds.map(|s| clock.now_ms().saturating_add(i64::from(s) * 1_000));
        Self { ends_at_ms, mode: request.mode }
    }

    /// The mode while it lasts.
    pub(crate) fn mode_at(&self, now_ms: i64) -> Option<OutageMode> {
        self.ends_at_ms.is_none_or(|end| now_ms < end).then_some(self.mode)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outage, OutageMode, OutageRequest};
    use crate::clock::Clock;

    #[test]
    fn an_outage_lasts_its_seconds_by_the_simulators_clock() {
        let clock = Clock::new(Some(5_000));
        let request = OutageRequest { seconds: Some(60), mode: OutageMode::Hang };
        let outage = Outage::begin(request, clock);
        assert_eq!(outage.mode_at(64_999), Some(OutageMode::Hang));
        assert_eq!(outage.mode_at(65_000), None);
        let endless = Outage::begin(OutageRequest::default(), clock);
        assert_eq!(endless.mode_at(i64::MAX), Some(OutageMode::Status503));
    }
}
