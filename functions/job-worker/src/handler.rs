//! A batch of the queue in; what must be received again out.

use adrelay_core::jobs::{JobWork, JobWorker, Ports};
use adrelay_core::ports::clock::Clock as _;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::sqs::{BatchResponse, SqsEvent, parse_each};
use adrelay_lambda::start::Function;

use crate::telling::tell;

/// The function.
pub struct JobWorkerFunction<P: Ports> {
    worker: JobWorker<P>,
}

impl<P: Ports> JobWorkerFunction<P> {
    /// A function over this worker.
    pub const fn new(worker: JobWorker<P>) -> Self {
        Self { worker }
    }

    /// The worker.
    pub const fn worker(&self) -> &JobWorker<P> {
        &self.worker
    }
}

impl<P: Ports + 'static> Function for JobWorkerFunction<P> {
    async fn sqs(&self, event: SqsEvent, deadline: UnixMillis) -> BatchResponse {
        let (messages, mut failed) = parse_each(event, JobWork::parse);
        let (ids, messages): (Vec<String>, Vec<JobWork>) = messages.into_iter().unzip();
        let received = ids.len();
        let (places, report) = self.worker.handle(messages, deadline).await;
        tell(self.worker.ports().clock().now(), received, failed.len(), places.len(), &report);
        failed.extend(places.into_iter().filter_map(|place| ids.get(place).cloned()));
        BatchResponse::of(failed)
    }
}
