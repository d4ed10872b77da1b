//! What a handler asks of a request.

use std::borrow::Cow;

use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt as _};

use crate::problem::Problem;

/// The path without a stage's prefix, as API Gateway matched it.
#[must_use]
pub fn path(request: &Request) -> &str {
    let raw = request.raw_http_path();
    if raw.is_empty() { request.uri().path() } else { raw }
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
/// `trusted_hops` proxies of ours wrote.
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
    let at = addresses.len().checked_sub(trusted_hops + 1)?;
    addresses.get(at).map(|address| Cow::Owned((*address).to_owned())).or(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(client_ip(&request(Some("10.0.0.1")), 1), None);
    }

    #[test]
    fn the_path_has_no_stage() {
        assert_eq!(path(&request(None)), "/api/v1/x");
    }

    #[test]
    fn a_body_over_the_limit_is_413_and_one_without_a_type_415() {
        assert_eq!(body(&request(None), 1).unwrap_err().status, 413);
        assert_eq!(json_body(&request(None), 10).unwrap_err().status, 415);
    }
}
