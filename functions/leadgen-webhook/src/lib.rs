#![doc = include_str!("../README.md")]

mod app;
pub mod delivery;
mod fields;
mod handler;
pub mod handshake;
pub mod settings;
pub mod signature;
pub mod wiring;

pub use handler::LeadgenWebhook;
