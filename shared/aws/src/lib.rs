//! DynamoDB, SQS, S3, EventBridge and Secrets Manager behind the ports that adrelay-core declares.

mod batch;
pub mod bus;
#[cfg(debug_assertions)]
mod call_log;
pub mod config;
pub mod config_admin;
pub mod events;
pub mod files;
mod governor;
mod index;
mod item;
mod jitter;
pub mod jobs;
pub mod leads;
mod listing;
pub mod people;
pub mod queue;
mod range;
mod receipts;
mod rollup;
mod rules;
pub mod sdk;
pub mod secrets;
mod tombstones;
mod transaction;
mod waiting;
