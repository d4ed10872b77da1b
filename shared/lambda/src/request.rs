//! What a handler asks of a request.

use std::borrow::Cow;
use std::net::IpAddr;

use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt as _};
use percent_encoding::percent_decode_str;

use crate::problem::Problem;

/// The path without a stage's prefix, as API Gateway matched it. `rawPath` has a named stage in front, but not
/// `$default` (AWS: working with AWS Lambda proxy integrations for HTTP APIs).
#[must_use]
pub fn path(request: &Request) -> &str {
    let raw = request.raw_http_path();
    if raw.is_empty() {
        return request.uri().path();
    }
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    let behind_stage = stage.and_then(|stage| raw.strip_prefix('/')?.strip_prefix(stage));
    behind_stage.filter(|path| path.starts_with('/')).unwrap_or(raw)
}

/// The segments of [`path`] between slashes, percent-decoded: an event id may hold any character. API Gateway has
/// decoded all but `%25` already, and a request made in a test nothing, so decoding once is right for both.
#[must_use]
pub fn segments(request: &Request) -> Vec<Cow<'_, str>> {
    let path = path(request);
    let decode = |segment| percent_decode_str(segment).decode_utf8_lossy();
    path.strip_prefix('/').unwrap_or(path).split('/').map(decode).collect()
}

/// A header's value; `None` where it is absent or not text.
#[must_use]
pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// The key of an `Authorization: Bearer …` header.
#[must_use]
pub fn bearer(request: &Request) -> Option<&str> {
    header(request, "authorization").and_then(adrelay_core::auth::bearer)
}

/// The media type of the body, in lower case and without parameters; empty where there is none.
#[must_use]
pub fn media_type(request: &Request) -> String {
    let value = header(request, "content-type").unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The body's bytes.
///
/// # Errors
/// 413 `body_too_large` where they are more than `max`.
pub fn body(request: &Request, max: usize) -> Result<&[u8], Problem> {
    let bytes: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    if bytes.len() <= max {
        return Ok(bytes);
    }
    Err(Problem::new(413, "body_too_large", format!("The body may have {max} bytes at most.")))
}

/// The body's bytes, where the request says that they are JSON.
///
/// # Errors
/// 415 `content_type_unsupported`, 413 `body_too_large`.
pub fn json_body(request: &Request, max: usize) -> Result<&[u8], Problem> {
    let media_type = media_type(request);
    if media_type == "application/json" || media_type.ends_with("+json") {
        return body(request, max);
    }
    Err(Problem::new(415, "content_type_unsupported", "Send application/json."))
}

/// The caller's address: what API Gateway saw, or the entry of `X-Forwarded-For` that the outermost of
/// `trusted_hops` proxies of ours wrote. `None` where the list is too short or holds no address there: the request
/// did not come by way of those proxies.
#[must_use]
pub fn client_ip(request: &Request, trusted_hops: usize) -> Option<Cow<'_, str>> {
    let RequestContext::ApiGatewayV2(context) = request.request_context_ref()? else { return None };
    let seen = context.http.source_ip.clone().map(Cow::Owned);
    if trusted_hops == 0 {
        return seen;
    }
    // API Gateway appends the address it saw, so the list ends with the innermost proxy.
    let forwarded = header(request, "x-forwarded-for")?;
    let addresses: Vec<&str> = forwarded.split(',').map(str::trim).collect();
    let address = addresses.get(addresses.len().checked_sub(trusted_hops.checked_add(1)?)?)?;
    address.parse::<IpAddr>().ok().map(|address| Cow::Owned(address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(raw_path: &str, stage: &str) -> Request {
        let event = format!(
            r#"{{"version":"2.0","rawPath":"{raw_path}","headers":{{"host":"api.example.com"}},
            "requestContext":{{"http":{{"method":"GET"}},"stage":"{stage}","timeEpoch":0}},"isBase64Encoded":false}}"#
        );
        lambda_http::request::from_str(&event).unwrap()
    }

    fn request(forwarded: Option<&str>) -> Request {
        let header = forwarded.map(|list| format!(r#""x-forwarded-for":"{list}""#)).unwrap_or_default();
        let event = format!(
            r#"{{"version":"2.0","routeKey":"$default","rawPath":"/api/v1/x","rawQueryString":"a=1","headers":{{{header}}},
            "requestContext":{{"http":{{"method":"POST","path":"/api/v1/x","sourceIp":"2001:db8::1"}},"stage":"$default","timeEpoch":0}},
            "isBase64Encoded":false,"body":"{{}}"}}"#
        );
        lambda_http::request::from_str(&event).unwrap()
    }

    #[test]
    fn the_callers_address_is_what_the_gateway_saw() {
        assert_eq!(client_ip(&request(Some("198.51.100.9")), 0).as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_hops() {
        let forged = request(Some("1.1.1.1, 203.0.113.7, 10.0.0.1"));
        assert_eq!(client_ip(&forged, 1).as_deref(), Some("203.0.113.7"));
        for short_or_odd in ["10.0.0.1", "unknown, 10.0.0.1", ", 10.0.0.1"] {
            assert_eq!(client_ip(&request(Some(short_or_odd)), 1), None, "{short_or_odd}");
        }
        assert_eq!(client_ip(&forged, usize::MAX), None);
    }

    #[test]
    fn the_path_has_no_stage() {
        assert_eq!(path(&request(None)), "/api/v1/x");
        assert_eq!(path(&at("/prod/api/v1/x", "prod")), "/api/v1/x");
        assert_eq!(path(&at("/production/x", "prod")), "/production/x");
        assert_eq!(path(&at("/api/v1/x", "$default")), "/api/v1/x");
    }

    #[test]
    fn a_segment_may_hold_any_character() {
        let decoded_by_the_gateway = at("/api/v1/events/order 42?é#%2541", "$default");
        assert_eq!(segments(&decoded_by_the_gateway), ["api", "v1", "events", "order 42?é#%41"]);
        let from_a_test = http::Request::builder().uri("/events/order%2042").body(Body::Empty).unwrap();
        assert_eq!(segments(&from_a_test), ["events", "order 42"]);
    }

    #[test]
    fn a_body_over_the_limit_is_413_and_one_without_a_type_415() {
        assert_eq!(body(&request(None), 1).unwrap_err().status, 413);
        assert_eq!(json_body(&request(None), 10).unwrap_err().status, 415);
    }
}
