//! Conversions on in-memory ports: tracked, held, swept, forwarded.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in what it calls too")]

mod holding;
mod world;
