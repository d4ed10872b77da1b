//! Meta's own endpoint: what an official SDK sends, and the answers that it understands.

pub(crate) mod answer;
pub(crate) mod body;
