#![doc = include_str!("../README.md")]

mod handler;
pub mod settings;
mod telling;
pub mod wiring;

pub use handler::LeadWorker;
