//! The domain of adrelay: events, normalising and hashing, receipts, dispatch.
//!
//! Architecture Invariant: this crate performs no I/O, reads no clock and no environment. Time, randomness,
//! stores, queues and Meta itself come in through the traits of [`ports`].

pub mod auth;
pub mod cache;
pub mod config;
pub mod conversion;
pub mod dispatch;
pub mod event;
pub mod ids;
pub mod jobs;
pub mod leads;
pub mod message;
pub mod money;
pub mod normalize;
pub mod people;
pub mod ports;
pub mod receipt;
pub mod retry;
pub mod rules;
pub mod seal;
pub mod time;
pub mod vault;
