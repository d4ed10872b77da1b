//! What happened to a lead, when, and who did it.

use serde::{Deserialize, Serialize};

use super::lead::Arrival;
use super::status::Status;
use crate::money::Money;
use crate::time::UnixMillis;

/// Purpose under which an activity's note is sealed with `keyring-pii`; its owner is the lead's id.
pub const NOTE_PURPOSE: &str = "lead_note";

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ActivityKind {
    /// It was stored.
    Created {
        /// By which way it came.
        arrival: Arrival,
    },
    /// Its status changed.
    Status {
        /// What it was.
        from: Status,
        /// What it is.
        to: Status,
        /// What it was worth, where it was converted and somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worth: Option<Money>,
    },
    /// Somebody else works on it, or nobody.
    Assigned {
        /// Who.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Somebody wrote a note.
    Note,
    /// What is personal was erased.
    Erased,
}

/// One line of a lead's history. Written with the change that it tells, under the lead's new `rev`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The lead's `rev` after it: its place in the history.
    pub nth: u64,
    /// When.
    pub at: UnixMillis,
    /// The key's name, or the actor that the request names; `adrelay` for what happens on its own.
    pub by: String,
    /// What.
    #[serde(flatten)]
    pub what: ActivityKind,
    /// A note, sealed: it may say anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_note: Option<String>,
}
