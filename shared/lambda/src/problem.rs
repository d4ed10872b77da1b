//! Errors over HTTP: `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! What goes out is written for the caller; what went wrong inside goes to the log. Never a stack trace, a token or
//! what identifies a person.

use lambda_http::{Body, Response};
use serde::Serialize;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where, e.g. `events[3].custom_data.currency`.
    pub field: String,
    /// A stable code.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// An error that a caller gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// A stable code, by which programs decide.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
    /// Methods that are allowed, for 405.
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem without further members.
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after_s: None, allow: None }
    }

    /// Names fields that are wrong.
    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// 422 `validation_failed` with these fields.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::new(422, "validation_failed", "Some fields are not valid.").with_errors(errors)
    }

    /// 404 for a path that nothing answers.
    #[must_use]
    pub fn no_route() -> Self {
        Self::new(404, "route_unknown", "Nothing answers at this path.")
    }

    /// 405 with the methods that work.
    #[must_use]
    pub fn wrong_method(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..Self::new(405, "method_not_allowed", format!("Use {allow} here.")) }
    }

    /// 500 for a bug of ours; what it was stands in the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "Something went wrong inside.")
    }

    /// 503 for a store, queue or secret that does not answer.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "unavailable", "A part of the service does not answer. Try again.").retry_after(5)
    }

    /// The JSON document.
    #[must_use]
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            code: &'static str,
            detail: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
        }
        let document = Document {
            r#type: "about:blank",
            title: title(self.status),
            status: self.status,
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
        };
        serde_json::to_string(&document).unwrap_or_else(|_| "{}".to_owned())
    }

    /// The HTTP answer.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = crate::respond::text(self.status, "application/problem+json", self.body());
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s {
            headers.insert(http::header::RETRY_AFTER, seconds.into());
        }
        if let Some(allow) = self.allow {
            headers.insert(http::header::ALLOW, http::HeaderValue::from_static(allow));
        }
        if self.status == 401 {
            headers.insert(http::header::WWW_AUTHENTICATE, http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn title(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_an_rfc_9457_document() {
        let response = Problem::new(429, "rate_limited", "Slow down.").retry_after(2).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["retry-after"], "2");
        let Body::Text(body) = response.body() else { panic!("no text") };
        let expected = r#"{"type":"about:blank","title":"Too Many Requests","status":429,"code":"rate_limited","detail":"Slow down."}"#;
        assert_eq!(body, expected);
    }
}
