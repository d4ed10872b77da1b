//! The dispatcher on in-memory ports and virtual time: what Meta gets, and where each event is afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its world too"
)]

mod attention;
mod batch;
mod call;
mod erasure;
mod faults;
mod governor;
mod isolate;
mod known;
mod resend;
mod sending;
mod settle;
mod skip;
mod sync;
mod throttle;
mod together;
mod waiting;
mod world;
