//! A batch of the queue, or a request, in; the answer out.

use adrelay_core::dispatch::{Dispatcher, Ports};
use adrelay_core::message::QueueMessage;
use adrelay_core::ports::clock::Clock;
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::governor::RateGate;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::auth::Authenticator;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::sqs::{BatchResponse, SqsEvent, parse_each};
use adrelay_lambda::start::Function;
use adrelay_lambda::{request, respond};
use lambda_http::{Body, Request, Response};

use crate::settings::Settings;
use crate::telling::tell;

const SYNC_PATH: &str = "/api/v1/meta/event/sync";

/// The function.
pub struct CapiDispatch<P, D, C> {
    pub(crate) dispatcher: Dispatcher<P>,
    pub(crate) keys: Authenticator<D, C>,
    enabled: bool,
}

impl<P, D, C> CapiDispatch<P, D, C>
where
    P: Ports<Events: RateGate>,
    D: KeyDirectory,
    C: Clock,
{
    /// A function on these ports.
    pub fn new(dispatcher: Dispatcher<P>, keys: Authenticator<D, C>, settings: &Settings) -> Self {
        Self { dispatcher, keys, enabled: settings.enabled }
    }

    async fn answer(&self, request: &Request, deadline: UnixMillis) -> Result<Response<Body>, Problem> {
        if request::path(request) != SYNC_PATH {
            return Err(Problem::no_route());
        }
        if request.method() != http::Method::POST {
            return Err(Problem::wrong_method("POST"));
        }
        if !self.enabled {
            return Ok(respond::disabled());
        }
        self.sync(request, deadline).await
    }
}

impl<P, D, C> Function for CapiDispatch<P, D, C>
where
    P: Ports<Events: RateGate> + 'static,
    D: KeyDirectory + 'static,
    C: Clock + 'static,
{
    async fn http(&self, request: Request, deadline: UnixMillis) -> Response<Body> {
        self.answer(&request, deadline).await.unwrap_or_else(Problem::into_response)
    }

    async fn sqs(&self, event: SqsEvent, deadline: UnixMillis) -> BatchResponse {
        let (messages, mut failed) = parse_each(event, QueueMessage::parse);
        let (ids, messages): (Vec<String>, Vec<QueueMessage>) = messages.into_iter().unzip();
        let received = ids.len();
        let (places, report) = self.dispatcher.handle(messages, deadline).await;
        tell(self.dispatcher.ports().clock().now(), received, &failed, &places, &report);
        failed.extend(places.into_iter().filter_map(|place| ids.get(place).cloned()));
        BatchResponse::of(failed)
    }
}
