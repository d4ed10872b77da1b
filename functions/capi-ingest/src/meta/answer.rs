//! Answers in Meta's form, which its SDKs read (Meta: error handling; observed: an error's shape).

use adrelay_core::event::RefusalCode;
use adrelay_core::ports::clock::Entropy;
use adrelay_lambda::auth::AuthError;
use adrelay_lambda::respond;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::body::BodyError;
use crate::submit::{Fate, Outcome, Tally};
use adrelay_lambda::admission::Denied;

/// Messages that one answer holds; the number of further ones stands in the last.
const MAX_MESSAGES: usize = 100;

/// An error in Meta's envelope. `code` and `subcode` are Meta's, `own_code` is ours and stands in `error_data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetaError {
    pub(crate) status: u16,
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) own_code: &'static str,
    pub(crate) message: String,
    /// What was wrong with which event.
    pub(crate) details: Vec<String>,
}

impl MetaError {
    fn new(status: u16, code: i64, own_code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, subcode: None, own_code, message: message.into(), details: Vec::new() }
    }

    /// The pixel of the path is not one of the source's; Meta says the same of one that does not exist.
    pub(crate) fn unknown_pixel() -> Self {
        let message =
            "Unsupported post request. The object does not exist, or this key's source does not send to it.";
        Self { subcode: Some(33), ..Self::new(400, 100, "pixel_not_allowed", message) }
    }

    /// A parameter of the request itself.
    pub(crate) fn parameter(own_code: &'static str, message: &str) -> Self {
        Self::new(400, 100, own_code, format!("(#100) {message}"))
    }

    fn queue_unavailable() -> Self {
        Self::new(503, 2, "queue_unavailable", "Service temporarily unavailable")
    }

    const fn is_transient(&self) -> bool {
        self.code == 2
    }

    const fn kind(&self) -> &'static str {
        if matches!(self.subcode, Some(33)) { "GraphMethodException" } else { "OAuthException" }
    }
}

impl From<Denied> for MetaError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Key(AuthError::Missing) => {
                Self::new(401, 190, "key_missing", "An access token is required to request this resource.")
            }
            Denied::Key(AuthError::Unknown) => {
                Self::new(401, 190, "key_unknown", "Invalid OAuth access token - Cannot parse access token")
            }
            Denied::Key(AuthError::Revoked) => {
                Self::new(401, 190, "key_revoked", "The access token has been revoked")
            }
            Denied::Key(AuthError::WrongScope) => Self::new(
                403,
                200,
                "scope_insufficient",
                "(#200) This key is not for posting events from a server",
            ),
            Denied::Key(AuthError::Unavailable) => {
                Self::new(503, 2, "unavailable", "Service temporarily unavailable")
            }
            Denied::SourceUnknown => {
                Self::new(403, 200, "source_unknown", "(#200) The source of this key is gone")
            }
        }
    }
}

impl From<BodyError> for MetaError {
    fn from(error: BodyError) -> Self {
        let status = if error.status() == 422 { 400 } else { error.status() };
        Self::new(status, 100, error.code(), format!("(#100) Invalid parameter: {error}"))
    }
}

/// Meta's answer to a batch: 200 where anything was queued or rightly skipped.
pub(crate) fn outcomes(outcomes: &[Outcome], entropy: &impl Entropy) -> Response<Body> {
    #[derive(Serialize)]
    struct Answer {
        events_received: usize,
        messages: Vec<String>,
        fbtrace_id: String,
    }
    let tally = Tally::of(outcomes);
    let messages = messages(outcomes);
    if tally.queue_failed() {
        return error(&MetaError { details: messages, ..MetaError::queue_unavailable() }, entropy);
    }
    if tally.all_rejected() {
        return error(&all_rejected(outcomes, messages), entropy);
    }
    let fbtrace_id = trace_id(entropy);
    respond::json(200, &Answer { events_received: tally.queued, messages, fbtrace_id })
}

/// The first refusal that Meta has a subcode for decides; Meta too names one mistake only.
fn all_rejected(outcomes: &[Outcome], details: Vec<String>) -> MetaError {
    let refusals = outcomes.iter().filter_map(|outcome| match &outcome.fate {
        Fate::Rejected(_, refusals) => Some(refusals),
        _ => None,
    });
    let subcode = refusals.flatten().find_map(|refusal| match refusal.code {
        RefusalCode::EventTimeTooOld => Some(2_804_003),
        RefusalCode::UserDataInsufficient | RefusalCode::UserDataMissing => Some(2_804_050),
        _ => None,
    });
    MetaError { subcode, details, ..MetaError::new(400, 100, "all_events_rejected", "Invalid parameter") }
}

fn messages(outcomes: &[Outcome]) -> Vec<String> {
    let mut messages = Vec::new();
    let mut further = 0_usize;
    let mut say = |message: String| {
        if messages.len() < MAX_MESSAGES {
            messages.push(message);
        } else {
            further += 1;
        }
    };
    for (index, outcome) in outcomes.iter().enumerate() {
        match &outcome.fate {
            Fate::Queued(_) => {}
            Fate::Skipped(_, code) => say(format!("data[{index}] skipped: {}", code.code())),
            Fate::Unavailable(_) => say(format!("data[{index}] unavailable: not queued, send it again")),
            Fate::Rejected(_, refusals) => {
                for refusal in refusals {
                    let dot = if refusal.field.is_empty() { "" } else { "." };
                    let (field, code, text) = (&refusal.field, refusal.code.code(), refusal.message);
                    say(format!("data[{index}]{dot}{field} rejected: {code}: {text}"));
                }
            }
        }
    }
    if further > 0 {
        messages.push(format!("{further} more"));
    }
    messages
}

/// An error in Meta's envelope.
pub(crate) fn error(error: &MetaError, entropy: &impl Entropy) -> Response<Body> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        error: ErrorBody<'a>,
    }
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        message: &'a str,
        r#type: &'static str,
        code: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_subcode: Option<i64>,
        is_transient: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_user_title: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_user_msg: Option<String>,
        error_data: Data<'a>,
        fbtrace_id: String,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        code: &'static str,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        messages: &'a [String],
    }
    let told = !error.details.is_empty();
    let body = ErrorBody {
        message: &error.message,
        r#type: error.kind(),
        code: error.code,
        error_subcode: error.subcode,
        is_transient: error.is_transient(),
        error_user_title: told.then_some("No event was accepted"),
        error_user_msg: told.then(|| error.details.iter().take(10).cloned().collect::<Vec<_>>().join("\n")),
        error_data: Data { code: error.own_code, messages: &error.details },
        fbtrace_id: trace_id(entropy),
    };
    respond::json(error.status, &Envelope { error: body })
}

/// The gate is closed. `disabled` is adrelay's word for it; the rest keeps an SDK from failing on the answer.
pub(crate) fn disabled(entropy: &impl Entropy) -> Response<Body> {
    #[derive(Serialize)]
    struct Closed {
        disabled: bool,
        events_received: usize,
        messages: [&'static str; 1],
        fbtrace_id: String,
    }
    let messages = ["adrelay's ingest is disabled: nothing was received"];
    respond::json(
        200,
        &Closed { disabled: true, events_received: 0, messages, fbtrace_id: trace_id(entropy) },
    )
}

/// Names an answer, in the form of Meta's own.
fn trace_id(entropy: &impl Entropy) -> String {
    format!("A{}", URL_SAFE_NO_PAD.encode(entropy.array::<16>()))
}
