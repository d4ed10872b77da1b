#![doc = include_str!("../README.md")]

mod answer;
pub mod body;
mod browser;
mod handler;
mod meta;
pub mod route;
pub mod settings;
mod submit;
pub mod wiring;

pub use handler::Ingest;
