#![doc = include_str!("../README.md")]

mod answer;
mod handler;
pub mod settings;
pub mod wiring;

pub use handler::TrackConversion;
