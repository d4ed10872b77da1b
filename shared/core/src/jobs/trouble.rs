//! Why an export does not get on.

use crate::leads::csv::RowError;
use crate::ports::StoreError;
use crate::ports::jobs::FileError;

/// Why a slice ended early. The codes stand in failed jobs.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The store did not answer.
    #[error("store_unavailable")]
    Store,
    /// Somebody else changed the job meanwhile.
    #[error("changed_elsewhere")]
    Conflict,
    /// What is stored can't be read.
    #[error("stored_data_unreadable")]
    Corrupt,
    /// The keyring of personal data can't be read.
    #[error("keyring_unavailable")]
    Keyring,
    /// The file store did not take something.
    #[error("file_store_unavailable")]
    Files,
    /// A row could not be written.
    #[error("row_unwritable")]
    Row,
    /// The file would be larger than files may be.
    #[error("too_large")]
    TooLarge,
    /// Nobody got anything done: there was never time enough, or whoever worked on it was killed.
    #[error("worker_lost")]
    WorkerLost,
}

impl Trouble {
    /// Whether trying again can't help.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::TooLarge | Self::WorkerLost)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Store,
            StoreError::Conflict => Self::Conflict,
            StoreError::Corrupt(_) => Self::Corrupt,
        }
    }
}

impl From<FileError> for Trouble {
    fn from(_: FileError) -> Self {
        Self::Files
    }
}

impl From<RowError> for Trouble {
    fn from(_: RowError) -> Self {
        Self::Row
    }
}
