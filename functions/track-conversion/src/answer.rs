//! What callers are told.

use adrelay_core::conversion::{CallOutcome, Fate, Note, TrackError, Tracked};
use adrelay_core::ids::PersonId;
use adrelay_core::ports::people::HoldReason;
use adrelay_lambda::problem::{FieldError, Problem};
use adrelay_lambda::respond;
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::{Value, json};

/// The answer to a conversion: 202 where something is on its way to Meta or waits for it, else 200.
pub(crate) fn tracked(tracked: &Tracked, warnings: &[Note]) -> Response<Body> {
    #[derive(Serialize)]
    #[expect(clippy::struct_excessive_bools, reason = "a document of answers to yes or no")]
    struct Answer<'a> {
        success: bool,
        event_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        person_id: Option<&'a PersonId>,
        created: bool,
        stored: bool,
        repeated: bool,
        forwarded: bool,
        meta_events: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        held: Option<Value>,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        warnings: &'a [Note],
    }
    let forwarded = tracked.meta_events.iter().any(|event| event.status == Fate::Queued);
    let held = tracked.held.map(|held| {
        let reason = match held.reason {
            HoldReason::Identity => "identity",
            HoldReason::Consent => "consent",
        };
        json!({"reason": reason, "until": held.until.rfc3339()})
    });
    let status = if forwarded || held.is_some() { 202 } else { 200 };
    let answer = Answer {
        success: true,
        event_id: tracked.event_id.as_str(),
        person_id: tracked.person_id.as_ref(),
        created: tracked.created,
        stored: tracked.stored,
        repeated: tracked.repeated,
        forwarded,
        meta_events: json!(tracked.meta_events),
        held,
        warnings,
    };
    respond::json(status, &answer)
}

/// The answer to an identify call or one about consent.
pub(crate) fn called(outcome: &CallOutcome, consent: Option<&str>, warnings: &[Note]) -> Response<Body> {
    let mut answer = json!({
        "success": true,
        "person_id": outcome.person_id,
        "created": outcome.created,
        "released": outcome.released,
        "waiting": outcome.waiting,
    });
    if let Some(consent) = consent {
        answer["consent"] = json!(consent);
    }
    if !warnings.is_empty() {
        answer["warnings"] = json!(warnings);
    }
    respond::json(200, &answer)
}

/// A request that can't be taken as it is.
pub(crate) fn invalid(notes: Vec<Note>) -> Problem {
    let error = |note: Note| FieldError {
        field: note.field,
        code: note.code.to_owned(),
        message: note.message.to_owned(),
    };
    Problem::invalid(notes.into_iter().map(error).collect())
}

/// What went wrong inside stands in the log.
pub(crate) fn failed(error: TrackError) -> Problem {
    match error {
        TrackError::Invalid(notes) => invalid(notes),
        TrackError::Unavailable(why) => {
            tracing::error!(why, "a conversion could not be tracked");
            Problem::unavailable()
        }
    }
}
