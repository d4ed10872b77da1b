//! Answers.

use lambda_http::{Body, Response};
use serde::Serialize;

/// An answer with a text body.
#[must_use]
pub fn text(status: u16, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", http::HeaderValue::from_static("nosniff"));
    response
}

/// An answer with a JSON body.
#[must_use]
pub fn json<T: Serialize>(status: u16, body: &T) -> Response<Body> {
    match serde_json::to_string(body) {
        Ok(body) => text(status, "application/json", body),
        Err(error) => {
            tracing::error!(%error, "an answer can't be written as JSON");
            crate::problem::Problem::internal().into_response()
        }
    }
}

/// The answer of a feature whose gate is closed: 200, so that a product's call never breaks.
#[must_use]
pub fn disabled() -> Response<Body> {
    text(200, "application/json", r#"{"disabled":true}"#.to_owned())
}
