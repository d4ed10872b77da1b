//! The function in-process: its handler on stores, a queue and secrets in memory, and virtual time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod conversions;
mod gates;
mod holds;
mod kills;
mod rules;
mod samples;
mod world;
