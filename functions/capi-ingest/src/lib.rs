//! Takes conversion events over HTTP: checks, normalises, hashes, queues.
