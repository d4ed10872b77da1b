//! The function on in-memory ports: requests in, answers and queue messages out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod batches;
mod bodies;
mod browsers;
mod consent;
mod corpus;
mod doors;
mod meta;
mod queues;
mod rules;
mod samples;
mod singles;
mod world;
