//! From a request to its answer. Waits for the queue alone: no store, no call of Meta.

use adrelay_core::ports::StoreError;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::queue::EventQueue;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::metrics::{Metric, emit};
use adrelay_lambda::problem::Problem;
use adrelay_lambda::start::Function;
use adrelay_lambda::{request, respond};
use http::Method;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::app::AppSecret;
use crate::delivery::{Delivery, DeliveryError, MAX_BODY_BYTES, MAX_CHANGES};
use crate::handshake::Handshake;
use crate::signature::{Signature, SignatureError};

const PATH: &str = "/webhooks/leadgen";

/// The function: its gate, the app whose webhooks it takes, and the queue.
pub struct LeadgenWebhook<Q, S, C> {
    enabled: bool,
    app: AppSecret<S, C>,
    queue: Q,
    clock: C,
}

impl<Q, S, C> LeadgenWebhook<Q, S, C>
where
    Q: EventQueue,
    S: Secrets,
    C: Clock + Clone,
{
    /// A function that puts leads on `queue`; `meta_app` names the app's secret.
    pub fn new(enabled: bool, meta_app: String, queue: Q, secrets: S, clock: C) -> Self {
        Self { enabled, app: AppSecret::new(secrets, clock.clone(), meta_app), queue, clock }
    }

    /// Reads the app's secret, so that it is at hand from then on. Where it can't be read, the first request tries.
    pub async fn warm(&self) {
        if let Err(error) = self.app.cached().await {
            tracing::warn!(%error, "the meta-app secret can't be read yet");
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// The problem that the caller gets instead.
    pub async fn handle(&self, request: &Request) -> Result<Response<Body>, Problem> {
        if request::path(request) != PATH {
            return Err(Problem::no_route());
        }
        let answered = match *request.method() {
            Method::GET => self.verify(request).await,
            Method::POST if self.enabled => self.take(request).await,
            // Meta tries again for 36 hours; an answer of 200 would lose what it announces.
            Method::POST => return Err(Problem::new(503, "disabled", "Leads are turned off.")),
            _ => return Err(Problem::wrong_method("GET, POST")),
        };
        answered.inspect_err(|problem| {
            tracing::warn!(code = problem.code, "a webhook was refused");
            let note = [("code", Value::from(problem.code))];
            emit(self.clock.now().0, &[(Metric::LeadWebhooksRefused, 1.0)], &note);
        })
    }

    async fn verify(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let refused = || Problem::new(403, "handshake_refused", "Mode, challenge or token are not right.");
        let handshake = Handshake::read(request.uri().query().unwrap_or_default()).ok_or_else(refused)?;
        let mut app = self.app.cached().await.map_err(unreadable)?;
        if handshake.challenge(&app.verify_token).is_none() {
            app = self.app.fresh().await.map_err(unreadable)?;
        }
        let challenge = handshake.challenge(&app.verify_token).ok_or_else(refused)?;
        Ok(respond::text(200, "text/plain; charset=utf-8", challenge.to_owned()))
    }

    async fn take(&self, request: &Request) -> Result<Response<Body>, Problem> {
        let body = request::body(request, MAX_BODY_BYTES)?;
        let signature = Signature::read(request.headers()).map_err(unsigned)?;
        self.prove(signature, body).await?;
        let delivery = Delivery::read(body).map_err(undeliverable)?;
        self.queue(&delivery).await?;
        self.report(&delivery);
        Ok(respond::json(200, &json!({"success": true})))
    }

    async fn prove(&self, signature: Signature, body: &[u8]) -> Result<(), Problem> {
        let app = self.app.cached().await.map_err(unreadable)?;
        if signature.proves(body, &app.app_secret) {
            return Ok(());
        }
        // The app's secret may have been replaced since it was read.
        let app = self.app.fresh().await.map_err(unreadable)?;
        if signature.proves(body, &app.app_secret) {
            return Ok(());
        }
        if app.app_secret.expose().is_empty() {
            tracing::error!("the meta-app secret holds no app_secret: no webhook can be taken");
            return Err(Problem::new(401, "app_secret_missing", "No app is set up here."));
        }
        Err(Problem::new(401, "signature_wrong", "The signature is not of this body."))
    }

    async fn queue(&self, delivery: &Delivery) -> Result<(), Problem> {
        let messages = delivery.messages(self.clock.now()).map_err(|error| {
            tracing::error!(%error, "a message can't be written");
            Problem::internal()
        })?;
        if messages.is_empty() {
            return Ok(());
        }
        let of = messages.len();
        let refused = self.queue.send(messages).await.into_iter().filter(Result::is_err).count();
        if refused == 0 {
            return Ok(());
        }
        // Meta delivers all of it again; lead-worker knows a lead by its id.
        tracing::error!(refused, of, "the queue did not take every message");
        Err(Problem::unavailable())
    }

    fn report(&self, delivery: &Delivery) {
        let ignored = &delivery.ignored;
        let counts =
            [(Metric::LeadsAnnounced, delivery.count()), (Metric::LeadWebhookPartsIgnored, ignored.total())];
        #[expect(clippy::cast_precision_loss, reason = "counts of one request are far below 2^52")]
        let told: Vec<(Metric, f64)> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(metric, count)| (metric, count as f64))
            .collect();
        let notes = [
            ("other_objects", Value::from(ignored.objects)),
            ("other_fields", Value::from(ignored.fields)),
            ("unreadable_leads", Value::from(ignored.leads)),
            ("unknown_parts", Value::from(ignored.parts)),
        ];
        emit(self.clock.now().0, &told, if ignored.total() > 0 { &notes } else { &[] });
        if ignored.leads > 0 {
            tracing::warn!(leads = ignored.leads, "leads were announced without a readable id");
        }
    }
}

impl<Q, S, C> Function for LeadgenWebhook<Q, S, C>
where
    Q: EventQueue + 'static,
    S: Secrets + 'static,
    C: Clock + Clone + 'static,
{
    async fn http(&self, request: Request, _deadline: UnixMillis) -> Response<Body> {
        // Boxed: the futures of the AWS SDK nest so deep that with the runtime's around them the compiler gives up.
        Box::pin(self.handle(&request)).await.unwrap_or_else(Problem::into_response)
    }
}

fn unsigned(error: SignatureError) -> Problem {
    match error {
        SignatureError::Missing => Problem::new(401, "signature_missing", "X-Hub-Signature-256 is missing."),
        SignatureError::Malformed => {
            Problem::new(401, "signature_malformed", "X-Hub-Signature-256 is sha256= and 64 hex digits.")
        }
    }
}

fn undeliverable(error: DeliveryError) -> Problem {
    match error {
        DeliveryError::NotJson => Problem::new(400, "body_not_json", "The body is not a JSON object."),
        DeliveryError::TooManyChanges => {
            let rule = format!("A delivery has {MAX_CHANGES} changes at most.");
            Problem::new(413, "too_many_changes", rule)
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unreadable(error: StoreError) -> Problem {
    tracing::error!(%error, "the meta-app secret can't be read");
    Problem::unavailable()
}
