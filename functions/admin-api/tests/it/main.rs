//! The function in-process: its handler on an embedded DynamoDB, a queue in memory, a scripted Meta and virtual time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod access;
mod bodies;
mod canary;
mod connections;
mod events;
mod keys;
mod log;
mod meta;
mod pixels;
mod products;
mod rig;
mod samples;
mod secrets;
mod sources;
mod tenants;
