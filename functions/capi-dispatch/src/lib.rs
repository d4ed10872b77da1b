#![doc = include_str!("../README.md")]

mod handler;
pub mod settings;
mod sync;
mod telling;
pub mod wiring;

pub use handler::CapiDispatch;
