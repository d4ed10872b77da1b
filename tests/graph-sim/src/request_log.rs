//! What was called: a ring of the latest Graph requests.

use std::collections::{BTreeMap, VecDeque};

use hyper::HeaderMap;
use serde::{Deserialize, Serialize};

/// One Graph call, as `GET /_sim/requests` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEntry {
    /// Unix milliseconds of its arrival, by the simulator's clock.
    pub at_ms: i64,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// The query as sent, so that a token leaked into a URL is seen.
    pub query: String,
    /// Lower-case names; the token of `authorization` is cut to its first six characters.
    pub headers: BTreeMap<String, String>,
    /// HTTP status; 0 where the connection was cut or left hanging.
    pub status: u16,
    /// Size of the request's body.
    pub request_bytes: usize,
    /// Size of the answer's body.
    pub response_bytes: usize,
    /// Number of events in the request, taken or not.
    pub events: usize,
    /// How many of them were new.
    pub stored: usize,
    /// The page that the path names, or whose form or lead it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_id: Option<String>,
    /// What of it the path names: `page`, `form` or `lead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The pixel that the path names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_id: Option<String>,
    /// `header`, `query` or `body`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_in: Option<String>,
    /// Id of the fault that hit the call, or `outage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Meta's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// Meta's subcode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subcode: Option<i64>,
    /// The answer's `fbtrace_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fbtrace_id: Option<String>,
}

/// Headers as they may be shown.
pub(crate) fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    for (name, value) in headers {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if name == hyper::header::AUTHORIZATION { redacted(&text) } else { text.into_owned() };
        shown
            .entry(name.as_str().to_owned())
            .and_modify(|all: &mut String| {
                all.push_str(", ");
                all.push_str(&text);
            })
            .or_insert(text);
    }
    shown
}

fn redacted(authorization: &str) -> String {
    let cut = |token: &str| format!("{}…", token.chars().take(6).collect::<String>());
    match authorization.split_once(' ') {
        Some((scheme, token)) => format!("{scheme} {}", cut(token.trim())),
        None => cut(authorization),
    }
}

/// The latest calls, oldest first.
#[derive(Debug)]
pub(crate) struct RequestLog {
    entries: VecDeque<RequestEntry>,
    max_entries: usize,
}

impl RequestLog {
    pub(crate) fn new(max_entries: usize) -> Self {
        Self { entries: VecDeque::new(), max_entries }
    }

    pub(crate) fn push(&mut self, entry: RequestEntry) {
        if self.entries.len() >= self.max_entries {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    /// How many match, and the latest `limit` of them, oldest first.
    pub(crate) fn list(&self, path_contains: &str, limit: usize) -> (usize, Vec<&RequestEntry>) {
        let matching: Vec<&RequestEntry> =
            self.entries.iter().filter(|entry| entry.path.contains(path_contains)).collect();
        let skip = matching.len().saturating_sub(limit);
        (matching.len(), matching[skip..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::{RequestEntry, RequestLog, shown};

    #[test]
    fn a_token_in_a_header_is_cut_to_six_characters() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer EAABsecretsecret".parse().unwrap());
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        let shown = shown(&headers);
        assert_eq!(shown["authorization"], "Bearer EAABse…");
        assert_eq!(shown["x-a"], "1, 2");
    }

    #[test]
    fn the_log_keeps_and_lists_the_latest() {
        let mut log = RequestLog::new(3);
        for n in 0..5 {
            log.push(RequestEntry { path: format!("/{n}"), ..RequestEntry::default() });
        }
        let (total, entries) = log.list("/", 2);
        let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!((total, paths), (3, vec!["/3", "/4"]));
        assert_eq!(log.list("/4", 9).0, 1);
    }
}
