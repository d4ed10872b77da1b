#![doc = include_str!("../README.md")]

mod answer;
mod body;
mod call;
mod classify;
mod client;
mod config;
mod leads;
mod proof;
mod redact;
mod usage;

pub use client::{Graph, Named};
pub use config::{GraphConfig, GraphConfigError};
