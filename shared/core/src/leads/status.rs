//! The life cycle: which steps are legal.

use serde::{Deserialize, Serialize};

/// Where a lead stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has done anything about it yet.
    New,
    /// Somebody got in touch.
    Contacted,
    /// Worth pursuing.
    Qualified,
    /// Became a customer.
    Converted,
    /// Not worth pursuing.
    Disqualified,
    /// Put away.
    Archived,
}

/// A step that the life cycle does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a lead that is {} can't become {}", from.as_str(), to.as_str())]
pub struct IllegalStep {
    /// Where the lead stands.
    pub from: Status,
    /// Where it was to go.
    pub to: Status,
}

impl Status {
    /// Every status, in the order of a lead's life.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Contacted, Self::Qualified, Self::Converted, Self::Disqualified, Self::Archived];

    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Contacted => "contacted",
            Self::Qualified => "qualified",
            Self::Converted => "converted",
            Self::Disqualified => "disqualified",
            Self::Archived => "archived",
        }
    }

    /// The name of the event that tells Meta of it: the word with a capital.
    #[must_use]
    pub const fn event_name(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Contacted => "Contacted",
            Self::Qualified => "Qualified",
            Self::Converted => "Converted",
            Self::Disqualified => "Disqualified",
            Self::Archived => "Archived",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Where a lead may go from here. A stage can't be skipped, for Meta learns from each of them; who was disqualified or
    /// put away by mistake is contacted again.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::New => &[Self::Contacted, Self::Disqualified, Self::Archived],
            Self::Contacted => &[Self::Qualified, Self::Disqualified, Self::Archived],
            Self::Qualified => &[Self::Converted, Self::Disqualified, Self::Archived],
            Self::Converted => &[Self::Archived],
            Self::Disqualified | Self::Archived => &[Self::Contacted],
        }
    }

    /// Takes a step.
    ///
    /// # Errors
    /// [`IllegalStep`] where there is none, and where the lead stands there already.
    pub fn step(self, to: Self) -> Result<Self, IllegalStep> {
        if self.next().contains(&to) { Ok(to) } else { Err(IllegalStep { from: self, to }) }
    }

    /// Whether Meta is told: archiving is housekeeping, not a stage of the funnel.
    #[must_use]
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Archived)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_walks_from_new_to_converted_one_stage_at_a_time() {
        let walk = [Status::New, Status::Contacted, Status::Qualified, Status::Converted];
        for (nth, from) in walk.iter().enumerate() {
            for (mth, to) in walk.iter().enumerate() {
                assert_eq!(from.step(*to).is_ok(), mth == nth + 1, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert!(status.step(status).is_err());
        }
        assert_eq!(Status::parse("New"), None);
    }
}
