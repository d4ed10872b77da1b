//! The simulator over HTTP, as its users meet it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "functions that tests share may fail the test as well"
)]

mod auth;
mod bench;
mod control;
mod conversions;
mod faults;
mod leads;
mod official_sdk;
mod outage;
mod program;
mod reads;
mod webhooks;
