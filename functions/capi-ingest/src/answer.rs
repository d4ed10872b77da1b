//! Answers in adrelay's own form.

use adrelay_core::event::{Refusal, RefusalCode, Warning};
use adrelay_lambda::problem::{FieldError, Problem};
use adrelay_lambda::respond;
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::body::{BodyError, MAX_BROWSER_BYTES, MAX_BROWSER_EVENTS, MAX_FORM_BYTES, MAX_JSON_BYTES};
use crate::fan_out::MetaEvent;
use crate::submit::{Fate, Outcome, Tally};

/// Seconds after which a queue that failed is worth another try.
const RETRY_AFTER_S: u32 = 5;

const QUEUE_UNAVAILABLE: &str = "queue_unavailable";

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let limit = match error {
            BodyError::TooLarge => format!(
                ": {MAX_JSON_BYTES} bytes of JSON, {MAX_FORM_BYTES} of a form, {MAX_BROWSER_BYTES} from a browser"
            ),
            BodyError::TooManyEvents => format!(
                ": {}, or {MAX_BROWSER_EVENTS} from a browser",
                adrelay_core::event::limits::MAX_EVENTS
            ),
            _ => String::new(),
        };
        Self::new(error.status(), error.code(), format!("{error}{limit}"))
    }
}

#[derive(Serialize)]
struct EventResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Refusal],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [Warning],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    meta_events: &'a [MetaEvent],
}

impl<'a> From<&'a Outcome> for EventResult<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let (status, event_id, code, errors): (_, _, _, &[Refusal]) = match &outcome.fate {
            Fate::Queued(id) => ("queued", Some(id), None, &[]),
            Fate::Skipped(id, code) => ("skipped", Some(id), Some(code.code()), &[]),
            Fate::Rejected(id, refusals) => ("rejected", id.as_ref(), None, refusals),
            Fate::Unavailable(id) => ("unavailable", Some(id), Some(QUEUE_UNAVAILABLE), &[]),
        };
        let event_id = event_id.map(adrelay_core::ids::EventId::as_str);
        let gone_out = matches!(outcome.fate, Fate::Queued(_) | Fate::Skipped(..));
        let meta_events = if gone_out { outcome.meta_events.as_slice() } else { &[] };
        Self { event_id, status, code, errors, warnings: &outcome.warnings, meta_events }
    }
}

/// The answer to `POST /api/v1/meta/event`.
pub(crate) fn single(outcome: &Outcome) -> Response<Body> {
    #[derive(Serialize)]
    struct Accepted<'a> {
        success: bool,
        #[serde(flatten)]
        result: EventResult<'a>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        hashed: bool,
    }
    match &outcome.fate {
        Fate::Queued(_) | Fate::Skipped(..) => {
            let hashed = matches!(outcome.fate, Fate::Queued(_));
            respond::json(202, &Accepted { success: true, result: outcome.into(), hashed })
        }
        Fate::Rejected(_, refusals) => rejected(refusals, &outcome.warnings).into_response(),
        Fate::Unavailable(id) => {
            let document = Document {
                event_id: Some(id.as_str()),
                ..Document::new(
                    503,
                    QUEUE_UNAVAILABLE,
                    "The queue did not take the event. Post it again, best under this event_id.",
                )
            };
            document.into_response()
        }
    }
}

fn rejected(refusals: &[Refusal], warnings: &[Warning]) -> Problem {
    let mut errors: Vec<FieldError> = refusals
        .iter()
        .map(|refusal| field_error(&refusal.field, refusal.code.code(), refusal.message))
        .collect();
    // Where nothing of user_data is left, what was left out of it is the reason.
    if refusals.iter().any(|refusal| refusal.code == RefusalCode::UserDataInsufficient) {
        let left_out = warnings.iter().filter(|warning| warning.field.starts_with("user_data"));
        errors.extend(left_out.map(|warning| field_error(&warning.field, warning.code, "left out")));
    }
    match refusals {
        [Refusal { code: RefusalCode::PixelNotAllowed, .. }] => {
            Problem::new(403, "pixel_not_allowed", "The pixel is not one of the source's.")
                .with_errors(errors)
        }
        _ => Problem::invalid(errors),
    }
}

fn field_error(field: &str, code: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), code: code.to_owned(), message: message.to_owned() }
}

/// The answer to a batch: 202 where anything was queued or rightly skipped, 503 where the queue took nothing, 422 where
/// all were bad. Each event's result is in it, whatever the status.
pub(crate) fn batch(outcomes: &[Outcome]) -> Response<Body> {
    let tally = Tally::of(outcomes);
    let results = Fates {
        accepted: tally.queued,
        rejected: tally.rejected,
        skipped: tally.skipped,
        unavailable: tally.unavailable,
        results: outcomes.iter().map(EventResult::from).collect(),
    };
    let document = if tally.queue_failed() {
        Document::new(503, QUEUE_UNAVAILABLE, "The queue took none of the events. Post them again.")
    } else if tally.all_rejected() {
        Document::new(422, "all_events_rejected", "None of the events is valid.")
    } else {
        return respond::json(202, &results);
    };
    Document { results: Some(results), ..document }.into_response()
}

#[derive(Serialize)]
struct Fates<'a> {
    accepted: usize,
    rejected: usize,
    skipped: usize,
    unavailable: usize,
    results: Vec<EventResult<'a>>,
}

/// A problem (RFC 9457) with what became of each event as further members.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    #[serde(flatten)]
    results: Option<Fates<'a>>,
}

impl Document<'_> {
    fn new(status: u16, code: &'static str, detail: &'static str) -> Self {
        let title = if status == 503 { "Service Unavailable" } else { "Unprocessable Content" };
        Self { r#type: "about:blank", title, status, code, detail, event_id: None, results: None }
    }

    fn into_response(self) -> Response<Body> {
        let mut response = respond::json(self.status, &self);
        let headers = response.headers_mut();
        headers
            .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/problem+json"));
        if self.status == 503 {
            headers.insert(http::header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        response
    }
}
