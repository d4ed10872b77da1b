#![doc = include_str!("../README.md")]

pub mod admission;
pub mod auth;
pub mod clock;
pub mod entropy;
pub mod env;
pub mod metrics;
pub mod payload;
pub mod problem;
pub mod request;
pub mod respond;
pub mod sqs;
pub mod start;
pub mod telemetry;
