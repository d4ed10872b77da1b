//! Randomness that keeps those apart who try again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// Good enough for that, and nothing else: each hasher of the standard library has a seed of its own.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_try_again_are_kept_apart() {
        let seen: std::collections::HashSet<u64> = (0..100).map(|_| random()).collect();
        assert_eq!(seen.len(), 100);
    }
}
