//! The adapters against an embedded DynamoDB and stubs of SQS and Secrets Manager: the contracts of core's ports.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in what it calls too")]

mod governor;
mod index;
mod receipts;
mod support;
mod waiting;
