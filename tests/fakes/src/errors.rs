//! What each port answers for a call that is made to fail.

use adrelay_core::ports::StoreError;
use adrelay_core::ports::bus::BusError;
use adrelay_core::ports::jobs::FileError;
use adrelay_core::ports::meta::{Failure, Verdict};
use adrelay_core::ports::outside::OutsideFault;
use adrelay_core::ports::queue::QueueError;
use adrelay_core::ports::vault::CredentialError;

use crate::{ScriptedMeta, When};

/// An error that can stand for a call's failure.
pub(crate) trait Failing {
    /// What the caller gets where the call failed before it took effect, or where its answer was lost.
    fn failing(when: When) -> Self;
}

fn text(when: When) -> String {
    match when {
        When::Before => "down".to_owned(),
        When::After => "the answer was lost".to_owned(),
    }
}

impl Failing for StoreError {
    fn failing(when: When) -> Self {
        Self::Unavailable(text(when))
    }
}

impl Failing for QueueError {
    fn failing(when: When) -> Self {
        Self(text(when))
    }
}

impl Failing for BusError {
    fn failing(when: When) -> Self {
        Self(text(when))
    }
}

impl Failing for FileError {
    fn failing(when: When) -> Self {
        Self(text(when))
    }
}

impl Failing for CredentialError {
    fn failing(when: When) -> Self {
        Self::Unavailable(text(when))
    }
}

impl Failing for OutsideFault {
    fn failing(when: When) -> Self {
        match when {
            When::Before => Self { code: "refused" },
            When::After => Self { code: "timeout" },
        }
    }
}

impl Failing for Failure {
    /// A call of Meta of which no answer came may have been carried out; one that failed before was not.
    fn failing(when: When) -> Self {
        match when {
            When::Before => ScriptedMeta::failure(Verdict::Retry, 2, None),
            When::After => ScriptedMeta::failure(Verdict::UnknownOutcome, 0, None),
        }
    }
}
