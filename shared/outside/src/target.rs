//! Which URLs may be called, as far as the URL alone tells.

use std::net::IpAddr;

use reqwest::Url;

use crate::address::is_allowed;
use crate::fault::OutsideError;

/// Longest URL in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Checks a URL before it is stored or called. What its name resolves to is checked when it is connected to.
///
/// # Errors
/// [`OutsideError::InvalidUrl`], [`OutsideError::NotPublic`].
pub fn check_url(url: &str, loopback_allowed: bool) -> Result<(), OutsideError> {
    target(url, loopback_allowed).map(|_| ())
}

pub(crate) fn target(url: &str, loopback_allowed: bool) -> Result<Url, OutsideError> {
    if !(1..=MAX_URL_BYTES).contains(&url.len()) {
        return Err(OutsideError::InvalidUrl);
    }
    let url = Url::parse(url).map_err(|_| OutsideError::InvalidUrl)?;
    let host = url.host_str().ok_or(OutsideError::InvalidUrl)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>().ok();
    let scheme_fits = match url.scheme() {
        "https" => true,
        "http" => {
            loopback_allowed && (host == "localhost" || address.is_some_and(|address| address.is_loopback()))
        }
        _ => false,
    };
    if !scheme_fits || !url.username().is_empty() || url.password().is_some() {
        return Err(OutsideError::InvalidUrl);
    }
    // An address is connected to without being looked up.
    if address.is_some_and(|address| !is_allowed(address, loopback_allowed)) {
        return Err(OutsideError::NotPublic);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_https_without_credentials() {
        for url in ["https://example.com", "https://example.com:8443/hook?key=1#x", "https://8.8.8.8/"] {
            assert_eq!(check_url(url, false), Ok(()), "{url}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2_048));
        for url in [
            "",
            "example.com",
            "http://example.com",
            "http://127.0.0.1",
            "http://localhost",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://u@example.com",
            "https://:p@example.com",
            "https://",
            &long,
        ] {
            assert_eq!(check_url(url, false), Err(OutsideError::InvalidUrl), "{url}");
        }
    }

    #[test]
    fn an_inner_address_is_refused_however_it_is_written() {
        for host in [
            "10.0.0.1",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "%31%30.0.0.1",
            "１０.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "[fd00:ec2::254]",
            "0",
        ] {
            assert_eq!(check_url(&format!("https://{host}/"), false), Err(OutsideError::NotPublic), "{host}");
        }
    }

    #[test]
    fn plain_http_goes_to_loopback_alone_and_only_where_told_so() {
        for url in ["http://127.0.0.1:1/", "http://[::1]:1/", "http://localhost:1/", "https://localhost/"] {
            assert_eq!(check_url(url, true), Ok(()), "{url}");
        }
        for url in ["http://example.com/", "http://10.0.0.1/", "http://localhost.example/"] {
            assert_eq!(check_url(url, true), Err(OutsideError::InvalidUrl), "{url}");
        }
        assert_eq!(check_url("https://10.0.0.1/", true), Err(OutsideError::NotPublic));
    }
}
