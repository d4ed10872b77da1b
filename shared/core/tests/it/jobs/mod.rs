//! Exports and calls of tenants' webhooks, on virtual time.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its world too")]

mod deliveries;
mod export_faults;
mod exports;
mod world;
