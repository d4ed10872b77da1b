//! The invariants of ARCHITECTURE.md that a look at the dependency tree can show.
//!
//! Which packages there are is read from `cargo metadata`: a package that is new is checked like the others, or fails
//! until somebody says what it may do.

#![expect(clippy::expect_used, reason = "a test fails by panicking, in what it calls too")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Crates that perform I/O, read clocks or make random numbers; none may be in core's tree, nor may any whose name begins
/// with [`AWS`].
const FORBIDDEN_IN_CORE: [&str; 11] = [
    "getrandom",
    "hyper",
    "lambda_http",
    "lambda_runtime",
    "mio",
    "rand",
    "reqwest",
    "rustls",
    "socket2",
    "tokio",
    "ureq",
];

/// What the names of AWS's crates begin with.
const AWS: &str = "aws-";

/// Which of our packages each adapter may depend on.
const ADAPTERS: [(&str, &[&str]); 5] = [
    ("adrelay-aws", &["adrelay-core"]),
    ("adrelay-graph", &["adrelay-core", "adrelay-tls"]),
    ("adrelay-lambda", &["adrelay-core"]),
    ("adrelay-outside", &["adrelay-tls"]),
    ("adrelay-tls", &[]),
];

/// Which servers a function calls itself, beside AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Calls {
    /// Meta's.
    Meta,
    /// Tenants' receivers.
    Receivers,
    /// None: it answers products and webhooks.
    Nobody,
}

/// Every function, with whom it may call.
const FUNCTIONS: [(&str, Calls); 7] = [
    ("admin-api", Calls::Meta),
    ("capi-dispatch", Calls::Meta),
    ("capi-ingest", Calls::Nobody),
    ("job-worker", Calls::Receivers),
    ("lead-worker", Calls::Meta),
    ("leadgen-webhook", Calls::Nobody),
    ("track-conversion", Calls::Nobody),
];

fn cargo(args: &[&str]) -> io::Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the rule is core's, and this asks cargo about it")]
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(args).arg("--locked").current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Packages of the workspace that lie in this directory of its root.
fn packages_in(directory: &str) -> io::Result<BTreeSet<String>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])?)?;
    let root = Path::new(metadata["workspace_root"].as_str().expect("a root")).join(directory);
    let packages = metadata["packages"].as_array().expect("packages");
    let inside = packages.iter().filter(|package| {
        let manifest = package["manifest_path"].as_str().expect("a path");
        Path::new(manifest).starts_with(&root)
    });
    let names: BTreeSet<String> =
        inside.map(|package| package["name"].as_str().expect("a name").to_owned()).collect();
    assert!(!names.is_empty(), "packages lie in {directory}");
    Ok(names)
}

/// What is built into `package` where it is deployed: versions by name, features resolved as for a build of it alone.
fn tree(package: &str, depth: &str) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let edges = ["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--depth", depth];
    let lines = cargo(&[&edges[..], &["--target", "aarch64-unknown-linux-gnu"]].concat())?;
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name.to_owned()).or_default().insert(version.to_owned());
        }
    }
    assert!(versions.contains_key(package), "{package} has a tree");
    Ok(versions)
}

/// The names in `tree` of which `wanted` is true.
fn named(tree: &BTreeMap<String, BTreeSet<String>>, wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    tree.keys().map(String::as_str).filter(|name| wanted(name)).collect()
}

#[test]
fn core_performs_no_io() -> io::Result<()> {
    let tree = tree("adrelay-core", "99")?;
    assert!(tree.contains_key("serde_json"), "the tree is a whole one");
    let found = named(&tree, |name| name.starts_with(AWS) || FORBIDDEN_IN_CORE.contains(&name));
    assert!(found.is_empty(), "core depends on {found:?}");
    Ok(())
}

#[test]
fn the_rules_name_every_package() -> io::Result<()> {
    let functions: BTreeSet<String> = FUNCTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(packages_in("functions")?, functions, "say whom each function may call");
    let core = std::iter::once("adrelay-core");
    let shared: BTreeSet<String> =
        ADAPTERS.iter().map(|(name, _)| *name).chain(core).map(str::to_owned).collect();
    assert_eq!(packages_in("shared")?, shared, "say which of our packages each adapter may depend on");
    Ok(())
}

#[test]
fn dependencies_point_one_way() -> io::Result<()> {
    let (functions, tools) = (packages_in("functions")?, packages_in("tests")?);
    assert!(tools.contains("graph-sim") && tools.contains("fakes"), "{tools:?}");
    let mut ours = packages_in("shared")?;
    ours.extend(functions.iter().cloned());
    ours.extend(tools.iter().cloned());
    for (adapter, allowed) in ADAPTERS {
        let tree = tree(adapter, "1")?;
        assert_eq!(named(&tree, |name| name != adapter && ours.contains(name)), allowed, "{adapter}");
    }
    let core = tree("adrelay-core", "1")?;
    assert_eq!(named(&core, |name| ours.contains(name)), ["adrelay-core"]);
    for function in &functions {
        let tree = tree(function, "99")?;
        assert!(tree.contains_key("adrelay-core"), "the tree of {function} is a whole one");
        let found = named(&tree, |name| {
            name == "dynoxide-rs" || tools.contains(name) || (name != function && functions.contains(name))
        });
        assert!(found.is_empty(), "{function} depends on {found:?}");
    }
    Ok(())
}

#[test]
fn what_answers_products_and_webhooks_never_talks_to_meta() -> io::Result<()> {
    for (function, calls) in FUNCTIONS {
        let clients: &[&str] = match calls {
            Calls::Meta => &["adrelay-graph", "reqwest"],
            Calls::Receivers => &["adrelay-outside", "reqwest"],
            Calls::Nobody => &[],
        };
        let tree = tree(function, "99")?;
        let found = named(&tree, |name| ["adrelay-graph", "adrelay-outside", "reqwest"].contains(&name));
        assert_eq!(found, clients, "{function}");
    }
    Ok(())
}

#[test]
fn there_is_exactly_one_tls_stack() -> io::Result<()> {
    for function in packages_in("functions")? {
        let tree = tree(&function, "99")?;
        let found = named(&tree, |name| {
            ["native-tls", "openssl", "openssl-sys", "ring", "boring", "boring-sys", "s2n-tls"]
                .contains(&name)
        });
        assert!(found.is_empty(), "{function} has {found:?} in its tree");
        let rustls = tree.get("rustls").expect("a TLS stack");
        assert!(
            rustls.len() == 1 && rustls.iter().all(|version| version.starts_with("v0.23.")),
            "{rustls:?}"
        );
    }
    Ok(())
}
