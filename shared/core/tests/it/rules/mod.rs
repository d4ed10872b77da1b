//! Rules: the shipped set, what matches and why not, and what holds for every set.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its world too")]

mod decisions;
mod properties;
mod shipped;
mod world;
