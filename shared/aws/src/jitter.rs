//! Randomness that keeps those apart who try again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Good enough for that, and nothing else: each hasher of the standard library has a seed of its own.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
