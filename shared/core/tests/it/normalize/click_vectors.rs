//! Against Meta's `capi-param-builder` 1.3.2: the cookies of `vectors/fbc_fbp.json`, as far as they are ours
//! to make.
//!
//! Not ours: the appendix names Meta's own tool; `fbp` is made in browsers; cookies and their domains are
//! theirs.

use std::collections::HashMap;

use adrelay_core::normalize::{UserDataContext, UserDataInput, fbclid_in_url};
use adrelay_core::time::UnixMillis;
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    note: String,
    queries: HashMap<String, Vec<String>>,
    cookies: HashMap<String, String>,
    referer: Option<String>,
    fbc: String,
    fbp: String,
}

/// The clock that the vectors were made with.
const NOW: UnixMillis = UnixMillis(1_700_000_000_123);

#[test]
fn fbc_and_fbp_are_metas_but_for_the_appendix() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../vectors/fbc_fbp.json")).unwrap();
    assert!(rows.len() >= 10);
    for row in rows {
        let mut input = UserDataInput::default();
        for (cookie, key) in [("_fbc", "fbc"), ("_fbp", "fbp")] {
            if let Some(value) = row.cookies.get(cookie) {
                input.push(key, value.as_str());
            }
        }
        if let Some(id) = row.queries.get("fbclid").and_then(|values| values.first()) {
            input.push("fbclid", id.as_str());
        }
        let fbclid = row.referer.as_deref().and_then(fbclid_in_url);
        let outcome = input.normalize(&UserDataContext { fbclid, ..UserDataContext::at(NOW) });
        assert_eq!(outcome.warnings, [], "{}", row.note);
        let sent = serde_json::to_value(&outcome.user_data).unwrap();

        let made = !row.cookies.contains_key("_fbc") || row.fbc.contains(".NEW.");
        assert_eq!(sent["fbc"].as_str().unwrap(), as_server(&row.fbc, made), "{}", row.note);
        match row.cookies.get("_fbp") {
            Some(_) => assert_eq!(sent["fbp"].as_str().unwrap(), as_server(&row.fbp, false), "{}", row.note),
            None => assert!(sent.get("fbp").is_none(), "{}", row.note),
        }
    }
}

/// Meta's value as a server makes it: without the appendix, and the subdomain index 1 where the value is
/// made.
fn as_server(value: &str, made: bool) -> String {
    let mut parts: Vec<&str> = value.split('.').take(4).collect();
    if made {
        parts[1] = "1";
    }
    parts.join(".")
}
