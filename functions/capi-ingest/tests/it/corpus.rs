//! Replays the fuzz target's corpus, so that it stays alive on the stable compiler and every regression stays fixed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

#[test]
fn every_seed_and_regression_passes() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/body");
    let mut seeds = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        check::check(&data);
        seeds += 1;
    }
    assert!(seeds >= 20, "the corpus is not where it is looked for");
}

#[test]
fn every_seed_passes_on_every_route() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/body");
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let is_seed = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-"));
        let mut data = std::fs::read(&path).unwrap();
        for choice in 0..20_u8 {
            if is_seed && !data.is_empty() {
                data[0] = choice;
                check::check(&data);
            }
        }
    }
}
