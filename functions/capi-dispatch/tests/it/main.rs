//! capi-dispatch in-process.

mod outage;
mod samples;
mod sync;
