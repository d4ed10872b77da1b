#![doc = include_str!("../README.md")]

mod handler;
pub mod receivers;
pub mod settings;
mod telling;
pub mod wiring;

pub use handler::JobWorkerFunction;
