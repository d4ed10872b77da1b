//! A batch of the queue, or a schedule's tick, in; what must be received again out.

use adrelay_core::leads::{LeadDesk, LeadWork, Ports};
use adrelay_core::time::UnixMillis;
use adrelay_lambda::sqs::{BatchResponse, SqsEvent, parse_each};
use adrelay_lambda::start::{Function, TickError};

use crate::telling::{tell_batch, tell_tick};

/// What must be left of an invocation when its work ends, in milliseconds.
const AFTERMATH_MS: i64 = 1_000;

/// The function: its gate, and the desk that leads are worked on at.
pub struct LeadWorker<P: Ports> {
    enabled: bool,
    desk: LeadDesk<P>,
}

impl<P: Ports> LeadWorker<P> {
    /// A function over this desk.
    pub fn new(enabled: bool, desk: LeadDesk<P>) -> Self {
        Self { enabled, desk }
    }

    /// The desk.
    pub fn desk(&self) -> &LeadDesk<P> {
        &self.desk
    }
}

impl<P: Ports + 'static> Function for LeadWorker<P> {
    async fn sqs(&self, event: SqsEvent, deadline: UnixMillis) -> BatchResponse {
        if !self.enabled {
            // The event source mapping is disabled with the gate; what comes all the same stays on the queue.
            tracing::info!("leads are off");
            return BatchResponse::of(event.records.into_iter().map(|record| record.message_id));
        }
        let (messages, mut failed) = parse_each(event, LeadWork::parse);
        let unreadable = failed.len();
        let (ids, work): (Vec<String>, Vec<LeadWork>) = messages.into_iter().unzip();
        // Boxed: the futures of the AWS SDK nest so deep that with the runtime's around them the compiler gives up.
        let (places, report) = Box::pin(self.desk.handle(work, deadline.plus_ms(-AFTERMATH_MS))).await;
        tell_batch(self.desk.now(), ids.len(), unreadable, places.len(), &report);
        failed.extend(places.into_iter().filter_map(|place| ids.get(place).cloned()));
        BatchResponse::of(failed)
    }

    async fn tick(&self, deadline: UnixMillis) -> Result<(), TickError> {
        if !self.enabled {
            tracing::info!("leads are off");
            return Ok(());
        }
        let deadline = deadline.plus_ms(-AFTERMATH_MS);
        // Pages first: a long outbox must not keep them waiting, and queueing them takes little.
        let queued = Box::pin(self.desk.reconcile_tick(deadline)).await;
        let swept = Box::pin(self.desk.sweep(deadline)).await;
        let report = swept.map_err(|error| TickError(error.to_string()))?;
        let tick = queued.map_err(|error| TickError(error.to_string()))?;
        tell_tick(self.desk.now(), &report, tick);
        Ok(())
    }
}
