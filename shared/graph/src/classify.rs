//! What Meta's error codes mean for a caller: one table, read from the top, the first row that fits decides.
//!
//! Sources are Meta's error reference, its rate-limiting page and the Conversions API's *using the API* page;
//! rows that rest on the observation of other clients say so. Texts never decide: Meta localises them.

use std::ops::RangeInclusive;

use adrelay_core::ports::meta::{MetaError, Verdict};

/// How long to wait at a limit for which no header names a time, in milliseconds. Limits are counted over a
/// rolling hour, so a call a minute neither feeds them nor misses their end by much.
const LIMIT_WAIT_MS: u64 = 60_000;

/// The longest wait that is passed on, in milliseconds: a header that asks for more is not to be believed.
pub(crate) const MAX_WAIT_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Retry,
    /// Wait what the headers say, or this many milliseconds where they say nothing.
    Wait(u64),
    Token,
    Permission,
    BadData,
}

/// What a row fits.
enum When {
    /// These codes, whatever the subcode.
    Codes(RangeInclusive<i64>),
    /// This code with this subcode.
    Exactly(i64, i64),
    /// This subcode of any code.
    Subcode(i64),
    /// Any error that Meta calls transient.
    Transient,
}

use Class::{BadData, Permission, Retry, Token, Wait};
use When::{Codes, Exactly, Subcode, Transient};

const TABLE: &[(When, Class)] = &[
    // Limits stand before `is_transient`, which some of them carry: a retry at once would only feed them.
    (Exactly(613, 5_044_001), Wait(5_000)),    // 100 mutations a second
    (Exactly(613, 1_487_632), Wait(900_000)),  // an ad set's budget: 4 changes an hour
    (Exactly(17, 1_885_172), Wait(3_600_000)), // a spend limit: 10 changes a day
    (Exactly(2650, 1_870_145), Wait(300_000)), // another replacement of the audience runs, for ≤ 90 minutes
    (Codes(4..=4), Wait(LIMIT_WAIT_MS)),       // the app's limit
    (Codes(17..=17), Wait(LIMIT_WAIT_MS)),     // the user's or ad account's limit
    (Codes(32..=32), Wait(LIMIT_WAIT_MS)),     // the page's limit
    (Codes(341..=341), Wait(LIMIT_WAIT_MS)),   // an application limit
    (Codes(368..=368), Wait(3_600_000)),       // blocked for a while over a policy
    (Codes(613..=613), Wait(LIMIT_WAIT_MS)),   // custom limits and abuse
    (Codes(80_000..=80_014), Wait(LIMIT_WAIT_MS)), // business use cases
    (Transient, Retry),
    (Subcode(99), Retry),           // "unknown"; production clients retry it
    (Codes(-3..=-1), Retry),        // insights' own temporary errors
    (Codes(1..=2), Retry),          // unknown, service unavailable
    (Codes(960..=960), Retry),      // a batch ran out of time
    (Codes(102..=102), Token),      // session
    (Codes(190..=190), Token),      // expired, revoked, password changed, app removed, …
    (Exactly(100, 33), Permission), // the object is unknown, or not this token's
    (Codes(3..=3), Permission),     // capability
    (Codes(10..=10), Permission),
    (Codes(104..=104), Permission), // appsecret_proof; retried by some, so `is_transient` comes first
    (Codes(200..=299), Permission), // 270: a development-tier app on a foreign account
    (Codes(803..=803), Permission), // no such object
    (Codes(2635..=2635), Permission), // the version is past its end: an operator must raise it
    (Codes(100..=100), BadData),
    (Codes(506..=506), BadData),             // duplicate post
    (Codes(2500..=2500), BadData),           // query syntax
    (Codes(2650..=2650), BadData),           // the audience's replacement must start over
    (Codes(2654..=2654), BadData),           // creating an audience
    (Codes(2656..=2656), BadData),           // deleting an audience
    (Codes(3018..=3018), BadData),           // insights from beyond 37 months
    (Codes(1_609_005..=1_609_005), BadData), // a link
];

/// What the HTTP status says where the code says nothing: an unknown code, or an answer that is not Meta's envelope.
const BY_STATUS: &[(RangeInclusive<u16>, Class)] = &[
    (401..=401, Token),
    (403..=404, Permission),
    (408..=408, Retry),
    (413..=413, BadData), // too large: half of it may pass
    (425..=425, Retry),
    (429..=429, Wait(LIMIT_WAIT_MS)),
    (400..=499, BadData),
    (500..=599, Retry),
];

impl When {
    fn fits(&self, error: &MetaError) -> bool {
        match self {
            Self::Codes(codes) => codes.contains(&error.code),
            Self::Exactly(code, subcode) => error.code == *code && error.subcode == Some(*subcode),
            Self::Subcode(subcode) => error.subcode == Some(*subcode),
            Self::Transient => error.is_transient,
        }
    }
}

/// What `error` means. `asked_wait_ms` is the wait that the answer's headers ask for, 0 for none.
///
/// An error without a code is none of Meta's, e.g. a gateway's page: only its status can tell.
pub(crate) fn classify(error: &MetaError, asked_wait_ms: u64) -> Verdict {
    let row = TABLE.iter().find(|(when, _)| when.fits(error)).map(|(_, class)| *class);
    match row.or_else(|| by_status(error.http_status)) {
        Some(Retry) => Verdict::Retry,
        Some(Wait(default_ms)) if asked_wait_ms == 0 => Verdict::Wait { ms: default_ms },
        Some(Wait(_)) => Verdict::Wait { ms: asked_wait_ms.min(MAX_WAIT_MS) },
        Some(Token) => Verdict::Token,
        Some(Permission) => Verdict::Permission,
        // A success that nobody can read, or a redirect that is not followed: it may have been carried out.
        None if error.code == 0 => Verdict::UnknownOutcome,
        // A code of Meta's that neither table knows is about what was sent.
        Some(BadData) | None => Verdict::BadData,
    }
}

fn by_status(http_status: u16) -> Option<Class> {
    BY_STATUS.iter().find(|(statuses, _)| statuses.contains(&http_status)).map(|(_, class)| *class)
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
