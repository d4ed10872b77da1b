//! What is particular to browsers: origins.
//!
//! `text/plain` with the key in the body makes a request that needs no preflight, so that `sendBeacon` works. An
//! origin is forgeable outside of browsers; it keeps other people's pages from posting, not attackers.

use adrelay_core::config::Source;
use http::HeaderValue;
use lambda_http::{Body, Response};

/// The request's origin, where the source takes it.
pub(crate) fn allowed_origin<'r>(origin: Option<&'r str>, source: &Source) -> Option<&'r str> {
    origin.filter(|origin| source.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)))
}

/// Lets scripts of `origin` read the answer.
pub(crate) fn readable_by(mut response: Response<Body>, origin: &str) -> Response<Body> {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        let headers = response.headers_mut();
        headers.insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(http::header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}
