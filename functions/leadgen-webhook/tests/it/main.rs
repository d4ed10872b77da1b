//! The function in-process: its handler on a queue and secrets in memory, and virtual time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod corpus;
mod deliveries;
mod handshake;
mod properties;
mod refusals;
mod samples;
mod secrets;
mod world;
