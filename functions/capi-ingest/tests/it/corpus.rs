//! Replays the fuzz target's corpus, so that it stays alive on the stable compiler and every regression stays fixed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeMap;

#[path = "../../fuzz/fuzz_targets/check.rs"]
mod check;

/// The corpus, by the names of its files.
fn corpus() -> BTreeMap<String, Vec<u8>> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/body");
    let mut read = BTreeMap::new();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let entry = entry.unwrap();
        read.insert(entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap());
    }
    read
}

#[test]
fn every_seed_and_regression_passes() {
    let accepted = |(name, data): (String, Vec<u8>)| (check::accepted(&data) > 0).then_some(name);
    let found: Vec<String> = corpus().into_iter().filter_map(accepted).collect();
    // What a seed is for is lost where it is refused at the door.
    let expected = [
        "seed-browser",
        "seed-event-app",
        "seed-event-denied",
        "seed-event-fffe",
        "seed-event-hashed",
        "seed-event-messaging",
        "seed-event-purchase",
        "seed-event-purchase-utf8",
        "seed-events",
        "seed-meta-form",
        "seed-meta-form-objects",
        "seed-meta-json",
        "seed-meta-json-one-text",
        "seed-meta-json-texts",
        "seed-meta-python-sdk",
        "seed-meta-text",
    ];
    let found: Vec<&str> =
        found.iter().map(String::as_str).filter(|name| name.starts_with("seed-")).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_seed_passes_on_every_route() {
    let seeds = corpus().into_iter().filter(|(name, data)| name.starts_with("seed-") && !data.is_empty());
    let seeds: Vec<Vec<u8>> = seeds.map(|(_, data)| data).collect();
    assert_eq!(seeds.len(), 25, "the corpus is not where it is looked for, or a seed is not counted");
    for mut data in seeds {
        for choice in 0..20_u8 {
            data[0] = choice;
            check::check(&data);
        }
    }
}
