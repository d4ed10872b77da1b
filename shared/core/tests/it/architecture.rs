//! The invariants of ARCHITECTURE.md that a look at the dependency tree can show.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::process::Command;

/// Crates that perform I/O, read clocks or make random numbers; none may be in core's tree.
const FORBIDDEN_IN_CORE: [&str; 12] = [
    "aws-sdk-dynamodb",
    "aws-sdk-secretsmanager",
    "aws-sdk-sqs",
    "getrandom",
    "hyper",
    "lambda_http",
    "lambda_runtime",
    "mio",
    "rand",
    "reqwest",
    "socket2",
    "tokio",
];

const FUNCTIONS: [&str; 6] =
    ["capi-ingest", "capi-dispatch", "track-conversion", "leadgen-webhook", "job-worker", "admin-api"];

/// What is built into `package` where it is deployed: versions by name, features resolved as for a build of it alone.
fn tree(package: &str, depth: &str) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    #[expect(clippy::disallowed_methods, reason = "the rule is core's, and this asks cargo about it")]
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--depth", depth])
        .args(["--target", "aarch64-unknown-linux-gnu", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    assert!(versions.contains_key(package), "{package} has a tree");
    Ok(versions)
}

#[test]
fn core_performs_no_io() -> io::Result<()> {
    let tree = tree("adrelay-core", "99")?;
    assert!(tree.contains_key("serde_json"), "the tree is a whole one");
    let found: Vec<&&str> = FORBIDDEN_IN_CORE.iter().filter(|name| tree.contains_key(**name)).collect();
    assert!(found.is_empty(), "core depends on {found:?}");
    Ok(())
}

#[test]
fn dependencies_point_one_way() -> io::Result<()> {
    let adapters = [
        ("adrelay-graph", &["adrelay-core", "adrelay-tls"][..]),
        ("adrelay-aws", &["adrelay-core"]),
        ("adrelay-lambda", &["adrelay-core"]),
        ("adrelay-outside", &["adrelay-tls"]),
        ("adrelay-tls", &[]),
    ];
    for (adapter, allowed) in adapters {
        let tree = tree(adapter, "1")?;
        let ours: Vec<&str> = tree
            .keys()
            .map(String::as_str)
            .filter(|name| name.starts_with("adrelay-") && *name != adapter)
            .collect();
        assert_eq!(ours, allowed, "{adapter}");
    }
    for function in FUNCTIONS {
        let tree = tree(function, "99")?;
        for tool in ["graph-sim", "stack", "fakes", "dynoxide-rs"] {
            assert!(!tree.contains_key(tool), "{function} depends on {tool}");
        }
    }
    Ok(())
}

#[test]
fn what_answers_products_and_webhooks_never_talks_to_meta() -> io::Result<()> {
    for function in ["capi-ingest", "track-conversion", "leadgen-webhook"] {
        let tree = tree(function, "99")?;
        for client in ["adrelay-graph", "reqwest"] {
            assert!(!tree.contains_key(client), "{function} depends on {client}");
        }
    }
    Ok(())
}

#[test]
fn there_is_exactly_one_tls_stack() -> io::Result<()> {
    for function in FUNCTIONS {
        let tree = tree(function, "99")?;
        for other in ["native-tls", "openssl", "openssl-sys", "ring", "boring"] {
            assert!(!tree.contains_key(other), "{function} has {other} in its tree");
        }
        let rustls = tree.get("rustls").expect("a TLS stack");
        assert!(
            rustls.len() == 1 && rustls.iter().all(|version| version.starts_with("v0.23.")),
            "{rustls:?}"
        );
    }
    Ok(())
}
