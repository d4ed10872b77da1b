//! The adapters against an embedded DynamoDB and stubs of SQS and Secrets Manager: the contracts of core's ports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod config;
mod erasures;
mod governor;
mod index;
mod people;
mod people_contract;
mod people_data;
mod people_due;
mod people_holds;
mod people_keys;
mod people_table;
mod queue;
mod receipts;
mod rollup;
mod rules;
mod secrets;
mod stub;
mod support;
mod tombstones;
mod waiting;
