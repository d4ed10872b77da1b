//! Normalising as a whole: against Meta's own tools, by properties, and by the shapes that callers post and
//! Meta gets.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod click_vectors;
mod properties;
mod user_data;
mod vectors;
