//! The function on parts in memory: its gate, bad messages, the payloads under `events/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its world too")]

mod batches;
mod world;
