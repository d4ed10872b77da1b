//! The function in-process: its handler on an embedded DynamoDB, a queue in memory, a scripted Meta and virtual time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod access;
mod bodies;
mod canary;
mod connections;
mod events;
mod explain;
mod keys;
mod lead_exports;
mod lead_forms;
mod lead_webhook;
mod leads;
mod leads_privacy;
mod log;
mod meta;
mod pages;
mod people;
mod people_change;
mod people_erase;
mod people_history;
mod people_merge;
mod people_privacy;
mod pixels;
mod products;
mod rig;
mod rule_sets;
mod samples;
mod secrets;
mod sources;
mod tenants;
