#![doc = include_str!("../README.md")]

mod address;
mod client;
mod fault;
mod resolver;
mod target;

pub use client::{Outside, OutsideConfig, OutsideConfigError, Reply};
pub use fault::OutsideError;
pub use target::check_url;
