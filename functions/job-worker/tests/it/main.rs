//! job-worker in-process.

mod batches;
mod samples;
