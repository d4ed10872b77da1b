//! The domain on in-memory ports and virtual time. One binary, for linking takes longer than any of these tests.

mod architecture;
mod bounded;
mod conversion;
mod dispatch;
mod event;
mod export_memory;
mod jobs;
mod leads;
mod normalize;
mod people;
mod people_by_hand;
mod reconcile;
mod rules;
