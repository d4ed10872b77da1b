#![doc = include_str!("../README.md")]

mod answer;
mod api;
mod caller;
mod connections;
mod day;
mod events;
mod explain;
mod fields;
mod health;
mod jobs;
mod keys;
mod leads;
mod meta_answer;
#[cfg(test)]
mod openapi;
mod page;
mod people;
mod pixels;
pub mod ports;
mod products;
mod query;
mod route;
mod rule_sets;
mod rules;
pub mod settings;
mod source_fields;
mod source_view;
mod sources;
mod tenants;
mod test_event;
mod verify;
pub mod wiring;

pub use api::AdminApi;
