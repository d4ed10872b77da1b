//! What Meta said, as callers see it.

use adrelay_core::config::Connection;
use adrelay_core::ports::meta::{Accepted, Credentials, Failure, MetaError, Verdict};
use adrelay_core::ports::vault::{CredentialError, CredentialSource as _};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::api::AdminApi;
use crate::ports::Ports;

/// Meta's error. Decide by code and subcode: the message is in the language of the token's owner.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = MetaError))]
pub(crate) struct ErrorView {
    /// `error.code`.
    code: i64,
    /// `error.error_subcode`.
    subcode: Option<i64>,
    /// The HTTP status.
    http_status: u16,
    /// `error.message`, for people.
    message: String,
    /// Meta's trace of the call.
    fbtrace_id: Option<String>,
}

impl From<MetaError> for ErrorView {
    fn from(error: MetaError) -> Self {
        let MetaError { code, subcode, http_status, message, fbtrace_id, .. } = error;
        Self { code, subcode, http_status, message, fbtrace_id }
    }
}

/// Meta's answer to an event.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = MetaEventAnswer))]
pub(crate) struct EventAnswerView {
    /// How many events Meta took.
    #[serde(skip_serializing_if = "Option::is_none")]
    events_received: Option<u64>,
    /// Meta's trace of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    fbtrace_id: Option<String>,
    /// What Meta remarks.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<String>>,
    /// Why Meta refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

impl From<Accepted> for EventAnswerView {
    fn from(accepted: Accepted) -> Self {
        Self {
            events_received: Some(accepted.events_received),
            fbtrace_id: accepted.fbtrace_id,
            messages: Some(accepted.messages),
            error: None,
        }
    }
}

impl From<MetaError> for EventAnswerView {
    fn from(error: MetaError) -> Self {
        let fbtrace_id = error.fbtrace_id.clone();
        Self { events_received: None, fbtrace_id, messages: None, error: Some(error.into()) }
    }
}

/// Meta's no for good; or 503 where it gave neither yes nor no.
pub(crate) fn refusal(failure: Failure) -> Result<(Verdict, MetaError), Problem> {
    let Failure { verdict, error } = failure;
    match verdict {
        Verdict::Token | Verdict::Permission | Verdict::BadData => Ok((verdict, error)),
        Verdict::Wait { ms } => {
            let seconds = u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX);
            Err(unavailable(&error).retry_after(seconds))
        }
        Verdict::Retry | Verdict::UnknownOutcome => Err(unavailable(&error).retry_after(5)),
    }
}

fn unavailable(error: &MetaError) -> Problem {
    let what = if error.http_status == 0 {
        "Meta did not answer.".to_owned()
    } else {
        format!("Meta did not carry it out: HTTP {}, code {}.", error.http_status, error.code)
    };
    Problem::new(503, "meta_unavailable", what)
}

impl<P: Ports> AdminApi<P> {
    /// Opens a connection's token.
    pub(crate) async fn credentials(&self, connection: &Connection) -> Result<Credentials, Problem> {
        self.vault.credentials(connection).await.map_err(|error| match error {
            CredentialError::Unavailable(why) => {
                tracing::error!(why, "the keyring can't be read");
                Problem::unavailable()
            }
            CredentialError::Unreadable(why) => {
                tracing::error!(why, connection = %connection.id, "a token does not open");
                Problem::new(409, "token_unreadable", "The stored token does not open. Paste it again.")
            }
        })
    }
}
