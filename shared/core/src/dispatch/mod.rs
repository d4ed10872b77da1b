//! From the queue to Meta: grouping, batching, isolating bad events, waiting, receipts.

pub mod governor;
