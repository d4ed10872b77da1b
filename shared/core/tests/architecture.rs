//! The invariants of ARCHITECTURE.md that a look at the dependency graph can show.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

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

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        // What is deployed; other platforms pull in other crates.
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "aarch64-unknown-linux-gnu"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Normal dependencies (not those of tests or builds) by package name.
fn graph(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let name_of: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .filter_map(|package| Some((package["id"].as_str()?, package["name"].as_str()?)))
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let mut graph = BTreeMap::new();
    for node in nodes {
        let is_normal = |dep: &&Value| {
            dep["dep_kinds"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        };
        let deps = node["deps"].as_array().expect("deps").iter().filter(is_normal);
        let deps = deps.filter_map(|dep| Some((*name_of.get(dep["pkg"].as_str()?)?).to_owned())).collect();
        graph.insert(name_of[node["id"].as_str().expect("id")].to_owned(), deps);
    }
    graph
}

fn reachable(graph: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for dep in graph.get(&name).into_iter().flatten() {
            if seen.insert(dep.clone()) {
                open.push(dep.clone());
            }
        }
    }
    seen
}

#[test]
fn core_performs_no_io() {
    let tree = reachable(&graph(&metadata()), "adrelay-core");
    assert!(tree.contains("serde_json"), "the walk finds something");
    let found: Vec<&&str> = FORBIDDEN_IN_CORE.iter().filter(|name| tree.contains(**name)).collect();
    assert!(found.is_empty(), "core depends on {found:?}");
}

#[test]
fn dependencies_point_one_way() {
    let graph = graph(&metadata());
    let ours = ["adrelay-core", "adrelay-graph", "adrelay-aws", "adrelay-lambda"];
    let allowed: [(&str, &[&str]); 4] = [
        ("adrelay-core", &[]),
        ("adrelay-graph", &["adrelay-core"]),
        ("adrelay-aws", &["adrelay-core"]),
        ("adrelay-lambda", &["adrelay-core"]),
    ];
    for (name, may) in allowed {
        let deps: Vec<&str> = graph[name].iter().map(String::as_str).filter(|dep| ours.contains(dep)).collect();
        assert!(deps.iter().all(|dep| may.contains(dep)), "{name} depends on {deps:?}");
    }
    for function in ["capi-ingest", "capi-dispatch", "admin-api"] {
        let tree = reachable(&graph, function);
        for tool in ["graph-sim", "stack", "fakes", "dynoxide-rs"] {
            assert!(!tree.contains(tool), "{function} depends on {tool}");
        }
    }
}

#[test]
fn a_function_depends_only_on_the_adapters_it_uses() {
    let graph = graph(&metadata());
    assert!(!reachable(&graph, "capi-ingest").contains("adrelay-graph"), "ingest never talks to Meta");
}

#[test]
fn there_is_exactly_one_tls_stack() {
    let metadata = metadata();
    let graph = graph(&metadata);
    for function in ["capi-ingest", "capi-dispatch", "admin-api"] {
        let tree = reachable(&graph, function);
        for other in ["native-tls", "openssl", "openssl-sys", "ring", "boring"] {
            assert!(!tree.contains(other), "{function} has {other} in its tree");
        }
    }
    let rustls = metadata["packages"].as_array().expect("packages").iter().filter(|p| p["name"] == "rustls");
    assert_eq!(rustls.count(), 1, "one version of rustls");
}
