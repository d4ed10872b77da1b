//! Exports and calls of tenants' webhooks, on virtual time.

mod deliveries;
mod export_faults;
mod exports;
mod world;
