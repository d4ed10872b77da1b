//! From what a caller posts to what Meta gets: checks, event ids, hashing.
