//! What handlers answer with.

use adrelay_core::ports::StoreError;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use lambda_http::{Body, Response};
use serde::Serialize;

/// A handler's answer.
pub(crate) type Answer = Result<Response<Body>, Problem>;

/// 200 with JSON.
#[expect(clippy::unnecessary_wraps, reason = "the type that handlers end with")]
pub(crate) fn ok<T: Serialize>(body: &T) -> Answer {
    Ok(respond::json(200, body))
}

/// 201 with JSON.
#[expect(clippy::unnecessary_wraps, reason = "the type that handlers end with")]
pub(crate) fn created<T: Serialize>(body: &T) -> Answer {
    Ok(respond::json(201, body))
}

/// 204.
pub(crate) fn nothing() -> Response<Body> {
    let mut response = respond::text(204, "application/json", String::new());
    response.headers_mut().remove(http::header::CONTENT_TYPE);
    response
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    /// What it holds.
    pub(crate) items: Vec<T>,
    /// Where the next page starts; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// What a store's failure is to the caller. What it was stands in the log.
pub(crate) fn store(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(why) => {
            tracing::error!(why, "a store does not answer");
            Problem::unavailable()
        }
        StoreError::Conflict => {
            Problem::new(409, "changed_meanwhile", "Someone else changed it at the same time. Try again.")
        }
        StoreError::Corrupt(what) => {
            tracing::error!(what, "a stored item can't be read");
            Problem::internal()
        }
    }
}
