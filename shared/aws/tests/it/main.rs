//! The adapters against an embedded DynamoDB and stubs of SQS and Secrets Manager: the contracts of core's ports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod config;
mod governor;
mod index;
mod queue;
mod receipts;
mod rollup;
mod secrets;
mod stub;
mod support;
mod tombstones;
mod waiting;
