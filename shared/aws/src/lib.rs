//! DynamoDB, SQS and Secrets Manager behind the ports that adrelay-core declares.

mod batch;
pub mod config;
pub mod config_admin;
pub mod events;
mod governor;
mod index;
mod item;
mod listing;
pub mod people;
pub mod queue;
mod receipts;
mod rollup;
mod rules;
pub mod sdk;
pub mod secrets;
mod tombstones;
mod waiting;
