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

    /// The whole life cycle: a row for each status, a column for each that it may become, in the order of [`Status::ALL`].
    const STEPS: [(Status, [bool; 6]); 6] = [
        (Status::New, [false, true, false, false, true, true]),
        (Status::Contacted, [false, false, true, false, true, true]),
        (Status::Qualified, [false, false, false, true, true, true]),
        (Status::Converted, [false, false, false, false, false, true]),
        (Status::Disqualified, [false, true, false, false, false, false]),
        (Status::Archived, [false, true, false, false, false, false]),
    ];

    #[test]
    fn each_of_the_36_steps_is_legal_or_refused_as_the_table_says() {
        assert_eq!(STEPS.map(|(from, _)| from), Status::ALL);
        for (from, row) in STEPS {
            for (to, legal) in Status::ALL.into_iter().zip(row) {
                let expected = if legal { Ok(to) } else { Err(IllegalStep { from, to }) };
                assert_eq!(from.step(to), expected, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn every_stage_but_archiving_is_told() {
        let told: Vec<Status> = Status::ALL.into_iter().filter(|status| status.is_told()).collect();
        assert_eq!(told, Status::ALL[..5]);
    }

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(Status::parse("New"), None);
    }
}
