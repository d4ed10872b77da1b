//! From a request to its answer.

use std::sync::Arc;

use adrelay_core::config::{Scope, Source};
use adrelay_core::event::limits::{MAX_IDEMPOTENCY_KEY_BYTES, MAX_LABEL_BYTES};
use adrelay_core::event::{EventContext, Idempotency, Poster, is_test_event_code};
use adrelay_core::ids::PixelId;
use adrelay_core::ports::clock::{Clock, Entropy};
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::queue::EventQueue;
use adrelay_core::ports::rules::RuleDirectory;
use adrelay_core::rules::RuleSet;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::admission::{Admission, Denied};
use adrelay_lambda::problem::Problem;
use adrelay_lambda::start::Function;
use adrelay_lambda::{request, respond};
use futures_util::future::join;
use http::Method;
use lambda_http::{Body, Request, Response};

use crate::body::{self, Parsed};
use crate::browser::{allowed_origin, readable_by};
use crate::meta::answer::{self as meta, MetaError};
use crate::route::{Route, RouteError};
use crate::rule_book::RuleBook;
use crate::submit::{Outcome, Submission};
use crate::{answer, settings::Settings};

/// The function: its settings and its ports.
pub struct Ingest<D, Q, C, E> {
    enabled: bool,
    trusted_hops: usize,
    admission: Admission<D, C>,
    rules: RuleBook<D, C>,
    queue: Q,
    clock: C,
    entropy: E,
}

impl<D, Q, C, E> Function for Ingest<D, Q, C, E>
where
    D: KeyDirectory + RuleDirectory + Clone + 'static,
    Q: EventQueue + 'static,
    C: Clock + Clone + 'static,
    E: Entropy + 'static,
{
    async fn http(&self, request: Request, _deadline: UnixMillis) -> Response<Body> {
        // Boxed: the futures of the AWS SDK nest so deep that with the runtime's around them the compiler gives up.
        Box::pin(self.handle(&request)).await
    }
}

impl<D, Q, C, E> Ingest<D, Q, C, E>
where
    D: KeyDirectory + RuleDirectory + Clone,
    Q: EventQueue,
    C: Clock + Clone,
    E: Entropy,
{
    /// A function with these settings over these ports.
    pub fn new(settings: &Settings, directory: D, queue: Q, clock: C, entropy: E) -> Self {
        Self {
            enabled: settings.enabled,
            trusted_hops: settings.trusted_hops,
            admission: Admission::new(directory.clone(), clock.clone()),
            rules: RuleBook::new(directory, clock.clone()),
            queue,
            clock,
            entropy,
        }
    }

    /// Answers a request. Every event that the answer calls queued is on the queue.
    pub async fn handle(&self, request: &Request) -> Response<Body> {
        let route = Route::find(request.method(), request::path(request));
        if !self.enabled && request.method() == Method::POST {
            return match route {
                Ok(Route::Meta { .. }) => meta::disabled(&self.entropy),
                // Nothing is told that a page might not know: every origin may read it.
                Ok(Route::Browser) => readable_by(respond::disabled(), "*"),
                _ => respond::disabled(),
            };
        }
        match route {
            Ok(Route::Meta { pixel_id }) => match self.meta(request, pixel_id).await {
                Ok(outcomes) => meta::outcomes(&outcomes, &self.entropy),
                Err(error) => meta::error(&error, &self.entropy),
            },
            Ok(Route::Browser) => self.browser(request).await,
            Ok(route) => self.server(request, &route).await.unwrap_or_else(Problem::into_response),
            Err(RouteError::Unknown) => Problem::no_route().into_response(),
            Err(RouteError::Method) => Problem::wrong_method("POST").into_response(),
        }
    }

    /// `POST /api/v1/meta/event` and `/api/v1/meta/events`.
    async fn server(&self, request: &Request, route: &Route) -> Result<Response<Body>, Problem> {
        let (source, rules) = self.admit(request::bearer(request), Scope::Ingest).await?;
        let source = source.as_ref().as_ref().ok_or(Denied::SourceUnknown)?;
        let idempotency = idempotency(request)?;
        let parsed = parse(request, route)?;
        let context = EventContext { idempotency, ..self.context(source) };
        let indexed = *route == Route::Events;
        let outcomes = self.submit(&parsed, context, Scope::Ingest, Some(&rules), indexed).await;
        Ok(match outcomes.as_slice() {
            [outcome] if !indexed => answer::single(outcome),
            outcomes => answer::batch(outcomes),
        })
    }

    /// `POST /{version}/{pixel_id}/events`.
    async fn meta(&self, request: &Request, pixel: PixelId) -> Result<Vec<Outcome>, MetaError> {
        let query = request.uri().query().unwrap_or_default();
        let parameter = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let in_query = parameter("access_token");
        let early = request::bearer(request).or(in_query.as_deref());
        // A key outside the body is looked at first: strangers' bodies need not be read.
        let early = match early {
            Some(key) => Some(self.admission.source(Some(key), Scope::Ingest).await?),
            None => None,
        };
        let route = Route::Meta { pixel_id: pixel.clone() };
        let parsed = parse(request, &route)?;
        let source = match early {
            Some(source) => source,
            None => self.admission.source(parsed.key.as_deref(), Scope::Ingest).await?,
        };
        let source = source.as_ref().as_ref().ok_or(Denied::SourceUnknown)?;
        if !source.pixel_ids.contains(&pixel) {
            return Err(MetaError::unknown_pixel());
        }
        let code = parsed.test_event_code.clone().or_else(|| parameter("test_event_code"));
        let tag = parsed.upload_tag.clone().or_else(|| parameter("upload_tag"));
        let (code, tag) = (code.filter(|code| !code.is_empty()), tag.filter(|tag| !tag.is_empty()));
        if code.as_deref().is_some_and(|code| !is_test_event_code(code)) {
            return Err(MetaError::parameter("test_event_code_invalid", "test_event_code is not valid"));
        }
        if tag.as_deref().is_some_and(|tag| tag.len() > MAX_LABEL_BYTES || tag.chars().any(char::is_control))
        {
            return Err(MetaError::parameter("upload_tag_invalid", "upload_tag is not valid"));
        }
        let context = EventContext {
            pixel: Some(&pixel),
            test_event_code: code.as_deref(),
            upload_tag: tag.as_deref(),
            ..self.context(source)
        };
        // Whoever speaks Meta's own words means them: no rules.
        Ok(self.submit(&parsed, context, Scope::Ingest, None, true).await)
    }

    /// `POST /b/events`.
    async fn browser(&self, request: &Request) -> Response<Body> {
        let admitted = async {
            let parsed = parse(request, &Route::Browser)?;
            let (source, rules) = self.admit(parsed.key.as_deref(), Scope::Public).await?;
            Ok::<_, Problem>((parsed, source, rules))
        };
        let (parsed, source, rules) = match admitted.await {
            Ok(admitted) => admitted,
            Err(problem) => return problem.into_response(),
        };
        let Some(source) = source.as_ref().as_ref() else {
            return Problem::from(Denied::SourceUnknown).into_response();
        };
        let Some(origin) = allowed_origin(request::header(request, "origin"), source) else {
            let detail = "The source does not take events from this origin.";
            return Problem::new(403, "origin_not_allowed", detail).into_response();
        };
        let client_ip = request::client_ip(request, self.trusted_hops);
        let user_agent = request::header(request, "user-agent");
        let poster = Poster::Browser { client_ip: client_ip.as_deref(), user_agent };
        let context = EventContext { poster, ..self.context(source) };
        let outcomes = self.submit(&parsed, context, Scope::Public, Some(&rules), true).await;
        readable_by(answer::batch(&outcomes), origin)
    }

    /// The source of a key and its tenant's rules, which are read at the same time.
    async fn admit(
        &self,
        key: Option<&str>,
        scope: Scope,
    ) -> Result<(Arc<Option<Source>>, Arc<RuleSet>), Denied> {
        let tenant = self.admission.tenant(key, scope).await?;
        let (source, rules) = join(self.admission.source(key, scope), self.rules.of(&tenant)).await;
        Ok((source?, rules?))
    }

    fn context<'a>(&self, source: &'a Source) -> EventContext<'a> {
        EventContext {
            source,
            now: self.clock.now(),
            poster: Poster::Server,
            pixel: None,
            test_event_code: None,
            upload_tag: None,
            idempotency: None,
        }
    }

    async fn submit(
        &self,
        parsed: &Parsed<'_>,
        context: EventContext<'_>,
        scope: Scope,
        rules: Option<&RuleSet>,
        indexed: bool,
    ) -> Vec<Outcome> {
        let Self { queue, entropy, .. } = self;
        let submission = Submission { queue, entropy, context, scope, rules, indexed };
        submission.run(&parsed.events).await
    }
}

fn parse<'r>(request: &'r Request, route: &Route) -> Result<Parsed<'r>, body::BodyError> {
    let bytes: &[u8] = match request.body() {
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => &[],
    };
    body::parse(route, request::header(request, "content-type"), bytes)
}

fn idempotency(request: &Request) -> Result<Option<Idempotency<'_>>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len()));
    let invalid = || {
        let rule = format!("Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY_BYTES} visible ASCII characters.");
        Problem::new(400, "idempotency_key_invalid", rule)
    };
    key.map(|key| Some(Idempotency { key, index: None })).ok_or_else(invalid)
}
