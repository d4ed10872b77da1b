//! What the domain needs from outside, cut by capability so that a function takes only what its role may do.
//!
//! Methods return `impl Future + Send`: a handler is generic over its ports, and nothing is boxed on the hot path.

pub mod admin;
pub mod bus;
pub mod clock;
pub mod config;
pub mod erasure;
pub mod governor;
pub mod jobs;
pub mod leads;
pub mod leads_api;
pub mod meta;
pub mod outside;
pub mod people;
pub mod queue;
pub mod receipts;
pub mod rules;
pub mod secrets;
pub mod vault;
pub mod waiting;

/// Why a store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or refused for now: the same call may succeed later.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// The condition of the write did not hold: someone else was faster, or the thing exists (or doesn't).
    #[error("condition not met")]
    Conflict,
    /// What it holds can't be read: a bug, or an item of a later version.
    #[error("stored item unreadable: {0}")]
    Corrupt(String),
}
