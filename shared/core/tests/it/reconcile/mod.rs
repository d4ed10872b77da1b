//! Reconciliation on virtual time: whatever webhooks do, every lead is stored once, and each day's completeness is known.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod data;
mod finding;
mod kills;
mod limits;
mod pages;
mod world;
