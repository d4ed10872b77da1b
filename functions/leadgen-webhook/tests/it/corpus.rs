//! Replays the fuzz target's corpus, so that it stays alive on the stable compiler and every regression stays fixed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

#[test]
fn every_seed_and_regression_passes() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/delivery");
    let mut understood = BTreeSet::new();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let entry = entry.unwrap();
        let data = std::fs::read(entry.path()).unwrap();
        check::check(&data);
        if check::understood(&data) {
            understood.insert(entry.file_name().into_string().unwrap());
        }
    }
    // What a seed is for is lost where nothing of it is understood.
    let expected = [
        "seed-batch",
        "seed-documented",
        "seed-duplicates",
        "seed-escaped",
        "seed-handshake",
        "seed-large-ids",
        "seed-organic",
        "seed-signature",
        "seed-strange-parts",
        "seed-surrogate",
        "seed-texts",
        "seed-twice-named",
    ];
    let found: Vec<&str> =
        understood.iter().map(String::as_str).filter(|name| name.starts_with("seed-")).collect();
    assert_eq!(found, expected);
}
