//! Leads from their announcement to Meta's stages: stored once, with one person each, whatever dies or refuses in between.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its world too")]

mod changes;
mod crowds;
mod faults;
mod intake;
mod kills;
mod patience;
mod people;
mod stages;
mod trouble;
mod world;
