//! Repeatable pseudo-random numbers and the trace ids of answers.

/// `SplitMix64`: small, seedable, good enough for dice and ids.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// True with the given probability (0 never, 1 always).
    pub(crate) fn hits(&mut self, probability: f64) -> bool {
        // The upper 32 bits convert to f64 without loss.
        let unit = f64::from(u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0;
        unit < probability
    }
}

/// A bijection on 64 bits, so that different counters never give the same number.
fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Gives every answer its own `fbtrace_id`.
#[derive(Debug)]
pub(crate) struct TraceIds {
    issued: u64,
    dice: Dice,
}

impl TraceIds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { issued: 0, dice: Dice::new(seed) }
    }

    /// `A` and 22 characters of `[A-Za-z0-9_-]`, as Meta's look. The first eleven encode the scrambled
    /// counter, which makes them unique; the others make them unlike an earlier run's.
    pub(crate) fn next(&mut self) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
        self.issued = self.issued.wrapping_add(1);
        let mut id = String::from("A");
        for mut word in [scramble(self.issued), self.dice.next()] {
            for _ in 0..11 {
                id.push(char::from(ALPHABET[usize::try_from(word & 63).unwrap_or(0)]));
                word >>= 6;
            }
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Dice, TraceIds};

    #[test]
    fn trace_ids_are_unique_and_look_like_metas() {
        let mut ids = TraceIds::new(7);
        let seen: HashSet<String> = (0..10_000).map(|_| ids.next()).collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|id| id.len() == 23 && id.starts_with('A')));
    }

    #[test]
    fn the_same_seed_throws_the_same_dice() {
        let throw = |seed| {
            let mut dice = Dice::new(seed);
            (0..1_000).filter(|_| dice.hits(0.3)).count()
        };
        assert_eq!(throw(1), throw(1));
        assert!((250..350).contains(&throw(1)), "{}", throw(1));
        assert!(!Dice::new(1).hits(0.0));
        assert!(Dice::new(1).hits(1.0));
    }
}
