//! The client against servers on this machine.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod client;
mod leads;
mod server;
mod simulated;
