//! What people do with people by hand: merge and separate them, give them identifiers, erase them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in what it calls too")]

mod erasing;
mod giving;
mod late;
mod merging;
mod world;
