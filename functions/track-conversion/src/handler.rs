//! From a request to its answer, and what a schedule starts.

use adrelay_core::config::{Scope, Source};
use adrelay_core::conversion::{
    self, CallOutcome, MAX_BODY_BYTES, Note, Ports, RequestContext, TrackError, Tracker,
};
use adrelay_core::event::limits::MAX_IDEMPOTENCY_KEY_BYTES;
use adrelay_core::people::Consent;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::admission::{Admission, Denied};
use adrelay_lambda::metrics::{Metric, emit};
use adrelay_lambda::problem::Problem;
use adrelay_lambda::start::{Function, TickError};
use adrelay_lambda::{request, respond};
use http::Method;
use lambda_http::{Body, Request, Response};
use serde_json::{Map, Value};

use crate::answer;

/// What must be left of an invocation when a sweep ends, in milliseconds.
const AFTERMATH_MS: i64 = 1_000;

/// The function: its gate, its keys, and the tracker.
pub struct TrackConversion<P: Ports, D, C> {
    enabled: bool,
    tracker: Tracker<P>,
    admission: Admission<D, C>,
}

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Conversions,
    Identify,
    Consent,
}

impl Route {
    fn find(method: &Method, path: &str) -> Result<Self, Problem> {
        let route = match path {
            "/api/v1/conversions" => Self::Conversions,
            "/api/v1/identify" => Self::Identify,
            "/api/v1/consent" => Self::Consent,
            _ => return Err(Problem::no_route()),
        };
        if method == Method::POST { Ok(route) } else { Err(Problem::wrong_method("POST")) }
    }
}

impl<P, D, C> TrackConversion<P, D, C>
where
    P: Ports,
    D: KeyDirectory,
    C: Clock + Clone,
{
    /// A function over this tracker; `directory` knows keys and sources.
    pub fn new(enabled: bool, tracker: Tracker<P>, directory: D, clock: C) -> Self {
        Self { enabled, tracker, admission: Admission::new(directory, clock) }
    }

    /// The tracker.
    pub fn tracker(&self) -> &Tracker<P> {
        &self.tracker
    }

    /// Answers a request.
    ///
    /// # Errors
    /// The problem that the caller gets instead.
    pub async fn handle(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let route = Route::find(request.method(), request::path(request))?;
        if !self.enabled {
            return Ok(respond::disabled());
        }
        let source = self.admission.source(request::bearer(request), Scope::Ingest).await?;
        let source = source.as_ref().as_ref().ok_or(Denied::SourceUnknown)?;
        let object = object(request)?;
        let idempotency = idempotency(request)?;
        let context = RequestContext { source, now: self.now(), idempotency };
        match route {
            Route::Conversions => self.conversion(&object, &context).await,
            Route::Identify | Route::Consent => self.call(route, &object, source, &context).await,
        }
    }

    async fn conversion(
        &self,
        object: &Map<String, Value>,
        context: &RequestContext<'_>,
    ) -> Result<Response<Body>, Problem> {
        let checked = conversion::conversion(object, context, self.tracker.ports().entropy());
        let (conversion, warnings) = checked.map_err(|notes| self.refused(notes))?;
        let tracked = self.tracker.track(context.source, conversion).await;
        let tracked = tracked.map_err(|error| match error {
            TrackError::Invalid(notes) => self.refused(notes),
            unavailable @ TrackError::Unavailable(_) => answer::failed(unavailable),
        })?;
        let metric = match (tracked.held, tracked.repeated) {
            (Some(_), _) => Metric::ConversionsHeld,
            (None, true) => Metric::ConversionsRepeated,
            (None, false) => Metric::ConversionsStored,
        };
        emit(self.now().0, &[(metric, 1.0)], &[]);
        Ok(answer::tracked(&tracked, &warnings))
    }

    async fn call(
        &self,
        route: Route,
        object: &Map<String, Value>,
        source: &Source,
        context: &RequestContext<'_>,
    ) -> Result<Response<Body>, Problem> {
        let checked = conversion::call(object, context, route == Route::Consent);
        let (call, warnings) = checked.map_err(answer::invalid)?;
        let outcome: Result<CallOutcome, TrackError> = self.tracker.call(source, &call).await;
        let outcome = outcome.map_err(answer::failed)?;
        let consent = call.consent.map(|consent| match consent {
            Consent::Granted => "granted",
            Consent::Denied => "denied",
        });
        Ok(answer::called(&outcome, consent, &warnings))
    }

    fn refused(&self, notes: Vec<Note>) -> Problem {
        let codes: Vec<&str> = notes.iter().map(|note| note.code).collect();
        emit(self.now().0, &[(Metric::ConversionsRefused, 1.0)], &[("codes", Value::from(codes))]);
        answer::invalid(notes)
    }

    fn now(&self) -> UnixMillis {
        self.tracker.ports().clock().now()
    }
}

impl<P, D, C> Function for TrackConversion<P, D, C>
where
    P: Ports + 'static,
    D: KeyDirectory + 'static,
    C: Clock + Clone + 'static,
{
    async fn http(&self, request: Request, _deadline: UnixMillis) -> Response<Body> {
        // Boxed: the futures of the AWS SDK nest so deep that with the runtime's around them the compiler gives up.
        Box::pin(self.handle(&request)).await.unwrap_or_else(Problem::into_response)
    }

    async fn tick(&self, deadline: UnixMillis) -> Result<(), TickError> {
        if !self.enabled {
            tracing::info!("conversion tracking is off");
            return Ok(());
        }
        let swept = Box::pin(self.tracker.sweep(deadline.plus_ms(-AFTERMATH_MS))).await;
        let report = swept.map_err(|error| TickError(error.to_string()))?;
        #[expect(clippy::cast_precision_loss, reason = "counts of one invocation are far below 2^52")]
        let counts =
            [(Metric::HoldsReleased, report.released as f64), (Metric::HoldsFailed, report.failed as f64)];
        let told: Vec<(Metric, f64)> = counts.into_iter().filter(|(_, count)| *count > 0.0).collect();
        emit(self.now().0, &told, &[]);
        tracing::info!(
            released = report.released,
            waiting = report.waiting,
            failed = report.failed,
            "swept what was held"
        );
        Ok(())
    }
}

fn object(request: &Request) -> Result<Map<String, Value>, Problem> {
    let body = request::json_body(request, MAX_BODY_BYTES)?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::new(422, "body_wrong_shape", "The body must be a JSON object.")),
        Err(_) => Err(Problem::new(400, "body_not_json", "The body is not JSON.")),
    }
}

fn idempotency(request: &Request) -> Result<Option<&str>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len()));
    key.map(Some).ok_or_else(|| {
        let rule = format!("Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY_BYTES} visible ASCII characters.");
        Problem::new(400, "idempotency_key_invalid", rule)
    })
}
