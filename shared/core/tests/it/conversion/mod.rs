//! Conversions on in-memory ports: tracked, held, swept, forwarded.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod crowds;
mod expected;
mod faults;
mod holding;
mod world;
