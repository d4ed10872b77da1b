//! One event from its posted text to its verdict, and from there to queue messages.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod codes;
mod consent;
mod identity;
mod messages;
mod properties;
mod verdicts;
mod world;
