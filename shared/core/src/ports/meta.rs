//! Meta's Conversions API, as the domain sees it.

use std::future::Future;

use crate::ids::PixelId;
use crate::seal::Secret;

/// The most events Meta takes in a request (graph-api: using-the-api).
pub const MAX_EVENTS_PER_REQUEST: usize = 1_000;

/// The most bytes of events we put into a request: 5 MB.
pub const MAX_REQUEST_BYTES: usize = 5_000_000;

/// A token to call Meta with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access token.
    pub token: Secret,
    /// The secret of the token's app, where calls are to carry `appsecret_proof`.
    pub app_secret: Option<Secret>,
}

/// One request to the Conversions API.
#[derive(Debug)]
pub struct CapiRequest<'a> {
    /// The dataset.
    pub pixel_id: &'a PixelId,
    /// What to call with.
    pub credentials: &'a Credentials,
    /// Shows the events in Meta's *Test events* view as well.
    pub test_event_code: Option<&'a str>,
    /// Groups an offline upload.
    pub upload_tag: Option<&'a str>,
    /// JSON texts of the events, 1 to [`MAX_EVENTS_PER_REQUEST`].
    pub events: &'a [&'a str],
}

/// What Meta's headers say of our use of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// The highest of all percentages reported; limited at 100. 0 where nothing was reported.
    pub percent: f64,
    /// The longest wait that any header asks for, in milliseconds; 0 for none.
    pub wait_ms: u64,
}

/// Meta's error, as far as decisions need it. Its texts are localised, so nothing branches on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetaError {
    /// `error.code`; 0 where the answer had none.
    pub code: i64,
    /// `error.error_subcode`.
    pub subcode: Option<i64>,
    /// The HTTP status; 0 where there was no answer.
    pub http_status: u16,
    /// `error.is_transient`.
    pub is_transient: bool,
    /// `error.fbtrace_id`, or the header's.
    pub fbtrace_id: Option<String>,
    /// `error.message`, ≤ 500 characters, for people; never to decide by.
    pub message: String,
}

/// What an error means for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Meta hiccuped: the same call may succeed soon.
    Retry,
    /// A limit is reached: not before this many milliseconds.
    Wait {
        /// How long.
        ms: u64,
    },
    /// The token is bad or its session over: nothing can be sent with it until there is a new one.
    Token,
    /// The token may not do this, or the object is unknown to it: a person must act.
    Permission,
    /// Something in the data is refused for good.
    BadData,
    /// No answer came: the call may or may not have been carried out.
    UnknownOutcome,
}

/// An error and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do.
    pub verdict: Verdict,
    /// What Meta said.
    pub error: MetaError,
}

/// Meta's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// `events_received`.
    pub events_received: u64,
    /// `fbtrace_id`.
    pub fbtrace_id: Option<String>,
    /// `messages`, ≤ 20 of ≤ 500 characters.
    pub messages: Vec<String>,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct CapiAnswer {
    /// Meta's yes or no.
    pub result: Result<Accepted, Failure>,
    /// What its headers said.
    pub usage: Usage,
}

/// Sends events to Meta: one call, no retry of its own.
pub trait ConversionsApi: Send + Sync {
    /// Makes the call.
    fn send(&self, request: CapiRequest<'_>) -> impl Future<Output = CapiAnswer> + Send;
}
