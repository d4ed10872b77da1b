//! Replays the fuzz target's corpus, so that it stays alive on the stable compiler and every regression stays fixed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

#[test]
fn every_seed_and_regression_passes() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/delivery");
    let mut seeds = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        check::check(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds >= 15, "the corpus is not where it is looked for");
}
