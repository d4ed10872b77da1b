#![doc = include_str!("../README.md")]

mod answer;
pub mod body;
mod browser;
mod fan_out;
mod handler;
mod meta;
pub mod route;
mod rule_book;
pub mod settings;
mod submit;
pub mod wiring;

pub use handler::Ingest;
