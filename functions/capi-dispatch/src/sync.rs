//! `POST /api/v1/meta/event/sync`: one event, sent at once, with Meta's own answer. For tests and verification.

use adrelay_core::config::{Scope, Source};
use adrelay_core::dispatch::{Ports, SyncError, SyncOutcome};
use adrelay_core::event::{
    AcceptedEvent, EventContext, Idempotency, Poster, Prepared, Refusal, Verdict, Warning, pack, prepare,
};
use adrelay_core::message::QueueMessage;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::governor::RateGate;
use adrelay_core::ports::meta::MetaError;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::{FieldError, Problem};
use adrelay_lambda::{request, respond, telemetry};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::CapiDispatch;

/// A key's calls are this far apart, in milliseconds.
const INTERVAL_MS: i64 = 1_000;

/// Largest body, in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

impl<P, D, C> CapiDispatch<P, D, C>
where
    P: Ports<Events: RateGate>,
    D: KeyDirectory,
    C: Clock,
{
    pub(crate) async fn sync(
        &self,
        request: &Request,
        deadline: UnixMillis,
    ) -> Result<Response<Body>, Problem> {
        let principal = self.keys.with_scope(request::bearer(request), &[Scope::Ingest]).await?;
        let (Some(tenant), Some(source), Some(key)) =
            (&principal.tenant, &principal.source, &principal.key_id)
        else {
            return Err(Problem::new(403, "scope_insufficient", "This key is bound to no source."));
        };
        telemetry::tenant(tenant);
        let body = request::json_body(request, MAX_BODY_BYTES)?;
        let text = std::str::from_utf8(body).map_err(|_| not_json())?;
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| not_json())?;
        let source =
            self.keys.directory().source(tenant, source).await.map_err(|_| Problem::unavailable())?;
        let source =
            source.ok_or_else(|| Problem::new(404, "source_unknown", "The key's source is gone."))?;
        let now = self.dispatcher.ports().clock().now();
        let passed = self.dispatcher.ports().events().pass(tenant, key, now, INTERVAL_MS).await;
        if !passed.map_err(|_| Problem::unavailable())? {
            let detail =
                "This endpoint takes one event a second and key; post to /api/v1/meta/event instead.";
            return Err(Problem::new(429, "rate_limited", detail).retry_after(1));
        }
        let idempotency =
            request::header(request, "idempotency-key").map(|key| Idempotency { key, index: None });
        let context = EventContext {
            source: &source,
            now,
            poster: Poster::Server,
            pixel: None,
            test_event_code: None,
            upload_tag: None,
            idempotency,
        };
        let Prepared { verdict, warnings, .. } = prepare(text, &context, self.dispatcher.ports().entropy());
        match verdict {
            // What is not to be sent ends with its receipt, by the same way.
            Verdict::Accepted(event) | Verdict::Skipped { event, .. } => {
                self.send_to_all(&source, &event, warnings, now, deadline).await
            }
            Verdict::Refused { refusals, .. } => Err(refused(&refusals)),
        }
    }

    /// Sends the event to each of its pixels, or writes for each that it is not to be sent. One that fails fails the call, as nothing is queued.
    async fn send_to_all(
        &self,
        source: &Source,
        event: &AcceptedEvent,
        warnings: Vec<Warning>,
        now: UnixMillis,
        deadline: UnixMillis,
    ) -> Result<Response<Body>, Problem> {
        let events = std::slice::from_ref(event);
        let entropy = self.dispatcher.ports().entropy();
        let mut pixels: Vec<Value> = Vec::new();
        for package in pack(events, source) {
            let outgoing = package.outgoing(events, source, Scope::Ingest, now, entropy);
            let message = outgoing.and_then(|outgoing| QueueMessage::parse(&outgoing.body));
            let Ok(QueueMessage::Events(message)) = message else { return Err(internal()) };
            let pixel_id = message.pixel_id.clone();
            let outcome = self.dispatcher.send_now(message, deadline).await;
            match outcome.map_err(|error| not_sent(&error, now))? {
                SyncOutcome::Sent(accepted) => pixels.push(json!({"pixel_id": pixel_id, "status": "sent",
                    "meta_response": {"events_received": accepted.events_received,
                        "fbtrace_id": accepted.fbtrace_id, "messages": accepted.messages}})),
                SyncOutcome::Rejected(error) => return Err(rejected(&error)),
                SyncOutcome::Skipped(reason) => {
                    pixels.push(json!({"pixel_id": pixel_id, "status": "skipped", "reason": reason}));
                }
            }
        }
        let first = pixels.first().cloned().ok_or_else(|| {
            Problem::new(422, "source_without_pixel", "The source has no pixel that the event could go to.")
        })?;
        let mut body = json!({"success": true, "event_id": event.event_id, "status": first["status"]});
        if event.skip.is_none() {
            body["hashed"] = Value::Bool(true);
        }
        for name in ["meta_response", "reason"] {
            if let Some(value) = first.get(name) {
                body[name] = value.clone();
            }
        }
        if pixels.len() > 1 {
            body["pixels"] = Value::Array(pixels);
        }
        if !warnings.is_empty() {
            body["warnings"] = json!(warnings);
        }
        Ok(respond::json(200, &body))
    }
}

fn not_json() -> Problem {
    Problem::new(400, "body_not_json", "The body is not JSON.")
}

fn internal() -> Problem {
    Problem::new(500, "internal", "The event could not be written.")
}

fn refused(refusals: &[Refusal]) -> Problem {
    let errors = refusals.iter().map(|refusal| FieldError {
        field: refusal.field.to_string(),
        code: refusal.code.code().to_owned(),
        message: refusal.code.message().to_owned(),
    });
    Problem::new(422, "event_invalid", "The event can't be sent.").with_errors(errors.collect())
}

fn rejected(error: &MetaError) -> Problem {
    let code = match error.subcode {
        Some(subcode) => format!("meta_{}_{subcode}", error.code),
        None => format!("meta_{}", error.code),
    };
    let trace = error.fbtrace_id.as_deref().unwrap_or("none");
    let detail = format!("Meta refused the event (fbtrace_id {trace}).");
    let message = error.message.clone();
    Problem::new(422, "rejected_by_meta", detail).with_errors(vec![FieldError {
        field: "event".to_owned(),
        code,
        message,
    }])
}

fn not_sent(error: &SyncError, now: UnixMillis) -> Problem {
    match error {
        SyncError::MetaUnavailable => {
            Problem::new(503, "meta_unavailable", "Meta did not answer; nothing was queued.").retry_after(5)
        }
        SyncError::NotBefore(at) => {
            let seconds = u32::try_from(at.ms_since(now).max(0) / 1000 + 1).unwrap_or(u32::MAX);
            Problem::new(503, "meta_unavailable", "Meta asks to wait; nothing was queued.")
                .retry_after(seconds)
        }
        SyncError::NeedsAttention(reason) => {
            let detail =
                format!("The pixel or its connection needs attention: {reason}. Nothing was queued.");
            Problem::new(409, "needs_attention", detail)
        }
        SyncError::StoreUnavailable => Problem::unavailable(),
    }
}
