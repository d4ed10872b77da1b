//! Where the Graph API is and how long to wait for it.

use std::time::Duration;

use adrelay_tls::TlsError;
use reqwest::Url;

/// Settings of a [`Graph`](crate::Graph).
#[derive(Debug, Clone)]
pub struct GraphConfig {
    /// Scheme and host, with a path where a proxy needs one: `https://graph.facebook.com`. Plain `http` is taken
    /// for loopback addresses only: a simulator on the same machine.
    pub base_url: String,
    /// `v26.0`.
    pub version: String,
    /// The longest that connecting may take, with name look-up and TLS handshake.
    pub connect_timeout: Duration,
    /// The longest that a call may take, from connecting to the last byte of the answer.
    pub total_timeout: Duration,
    /// The most bytes of an answer that are read, unless it is a list.
    pub max_response_bytes: usize,
    /// The most bytes of a list's page that are read: a hundred leads with long answers take more than one object.
    pub max_list_bytes: usize,
}

impl Default for GraphConfig {
    fn default() -> Self {
        Self {
            base_url: "https://graph.facebook.com".to_owned(),
            version: "v26.0".to_owned(),
            connect_timeout: Duration::from_secs(3),
            total_timeout: Duration::from_secs(20),
            max_response_bytes: 1024 * 1024,
            max_list_bytes: 8 * 1024 * 1024,
        }
    }
}

/// Why a [`Graph`](crate::Graph) could not be made.
#[derive(Debug, thiserror::Error)]
pub enum GraphConfigError {
    /// The base URL is none, or has a query, a fragment or credentials.
    #[error("base URL is not of the form https://host[/path]")]
    BaseUrl,
    /// A token would travel in clear.
    #[error("base URL must be https, but for loopback addresses")]
    Insecure,
    /// The version is not of Meta's form.
    #[error("version is not of the form v26.0")]
    Version,
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client could not be set up.
    #[error("HTTP client: {0}")]
    Client(reqwest::Error),
}

impl GraphConfig {
    /// The base of every call's URL, `https://graph.facebook.com/v26.0`, and whether it is https.
    pub(crate) fn root(&self) -> Result<Root, GraphConfigError> {
        let mut url = Url::parse(&self.base_url).map_err(|_| GraphConfigError::BaseUrl)?;
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(GraphConfigError::BaseUrl);
        }
        let https = match url.scheme() {
            "https" => true,
            "http" if is_loopback(&url) => false,
            "http" => return Err(GraphConfigError::Insecure),
            _ => return Err(GraphConfigError::BaseUrl),
        };
        if !is_version(&self.version) {
            return Err(GraphConfigError::Version);
        }
        url.path_segments_mut().map_err(|()| GraphConfigError::BaseUrl)?.pop_if_empty().push(&self.version);
        Ok(Root { url, https })
    }
}

/// The base of every call's URL.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    url: Url,
    /// Whether calls go through TLS.
    pub(crate) https: bool,
}

impl Root {
    /// The URL of an object, or of an edge of it: `["1234", "events"]`.
    pub(crate) fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        // `GraphConfig::root` has pushed a segment already, so the URL can have segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_version(text: &str) -> bool {
    let number = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts = text.strip_prefix('v').and_then(|numbers| numbers.split_once('.'));
    parts.is_some_and(|(major, minor)| number(major) && number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(base_url: &str, version: &str) -> Result<Root, GraphConfigError> {
        let config = GraphConfig {
            base_url: base_url.to_owned(),
            version: version.to_owned(),
            ..GraphConfig::default()
        };
        config.root()
    }

    #[test]
    fn calls_go_to_base_version_and_object() {
        for base in ["https://graph.facebook.com", "https://graph.facebook.com/"] {
            let url = root(base, "v26.0").unwrap().join(&["1234", "events"]);
            assert_eq!(url.as_str(), "https://graph.facebook.com/v26.0/1234/events");
        }
        let url = root("http://127.0.0.1:8190/graph/", "v25.0").unwrap().join(&["me"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:8190/graph/v25.0/me");
    }

    #[test]
    fn a_token_never_travels_in_clear_but_on_this_machine() {
        for loopback in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
            assert!(!root(loopback, "v26.0").unwrap().https, "{loopback}");
        }
        for outside in ["http://graph.facebook.com", "http://10.0.0.1", "http://localhost.example"] {
            assert!(matches!(root(outside, "v26.0"), Err(GraphConfigError::Insecure)), "{outside}");
        }
    }

    #[test]
    fn what_is_no_plain_base_is_refused() {
        for bad in
            ["", "graph.facebook.com", "ftp://x", "https://u:p@x", "https://x?a=1", "https://x#a", "data:x"]
        {
            assert!(matches!(root(bad, "v26.0"), Err(GraphConfigError::BaseUrl)), "{bad}");
        }
        for bad in ["", "26.0", "v26", "v26.", "v26.0/x", "v26.0?x", "va.b", "v1234.0"] {
            assert!(matches!(root("https://x", bad), Err(GraphConfigError::Version)), "{bad}");
        }
    }
}
