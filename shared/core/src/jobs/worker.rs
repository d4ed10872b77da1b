//! Takes messages of the `jobs` queue and does what they say.

use std::panic::AssertUnwindSafe;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

use super::job::JobWork;
use super::report::Report;
use crate::ids::TenantId;
use crate::ports::clock::{Clock, Entropy};
use crate::ports::config::PageDirectory;
use crate::ports::jobs::{DeliveryStore, FileStore, JobStore};
use crate::ports::leads::{FormStore, LeadStore};
use crate::ports::outside::OutsideCaller;
use crate::ports::queue::{EventQueue, Outgoing};
use crate::ports::secrets::Secrets;
use crate::retry::Backoff;
use crate::time::UnixMillis;
use crate::vault::Sealer;

/// Messages that are worked on at the same time in one invocation: a receiver that hangs holds up none of the others.
const CONCURRENT_MESSAGES: usize = 8;

/// SQS delays a message by at most 15 minutes.
const MAX_DELAY_S: u64 = 900;

/// What the worker works with.
pub trait Ports: Send + Sync {
    /// Tenants' webhooks.
    type Config: PageDirectory;
    /// Leads and forms.
    type Leads: LeadStore + FormStore;
    /// Jobs and deliveries.
    type Jobs: JobStore + DeliveryStore;
    /// Where exports are written.
    type Files: FileStore;
    /// Tenants' receivers.
    type Outside: OutsideCaller;
    /// The `jobs` queue.
    type Queue: EventQueue;
    /// The keyrings of tokens and of personal data.
    type Secrets: Secrets + Clone;
    /// Time.
    type Clock: Clock;
    /// Randomness.
    type Entropy: Entropy;

    /// Tenants' webhooks.
    fn config(&self) -> &Self::Config;
    /// Leads and forms.
    fn leads(&self) -> &Self::Leads;
    /// Jobs and deliveries.
    fn jobs(&self) -> &Self::Jobs;
    /// Where exports are written.
    fn files(&self) -> &Self::Files;
    /// Tenants' receivers.
    fn outside(&self) -> &Self::Outside;
    /// The `jobs` queue.
    fn queue(&self) -> &Self::Queue;
    /// The keyrings of tokens and of personal data.
    fn secrets(&self) -> &Self::Secrets;
    /// Time.
    fn clock(&self) -> &Self::Clock;
    /// Randomness.
    fn entropy(&self) -> &Self::Entropy;
}

/// How often and how long things are tried, and the secrets' names or ARNs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The secret `keyring-tokens`, which seals webhooks' keys.
    pub keyring_tokens: String,
    /// The secret `keyring-pii`, which seals leads.
    pub keyring_pii: String,
    /// Before what is sent anew can be received, in seconds, by attempt.
    pub resend_s: Backoff,
    /// Tries of a webhook's call before it is a dead letter.
    pub webhook_tries_max: u32,
    /// The least bytes of a file's part but the last: [`super::PART_BYTES`] but for tests.
    pub part_bytes: usize,
}

/// Works on jobs and deliveries. One instance serves all invocations of a process.
pub struct JobWorker<P: Ports> {
    pub(super) ports: P,
    pub(super) settings: Settings,
    pub(super) tokens: Sealer<P::Secrets>,
    pub(super) pii: Sealer<P::Secrets>,
}

/// Whether a message is done with, or must be received again: ours is to count on the queue for what can't even be
/// sent anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Again,
}

/// A message that must be received again, by its place in the input.
pub type Failed = usize;

impl<P: Ports> JobWorker<P> {
    /// A worker on these ports.
    pub fn new(ports: P, settings: Settings) -> Self {
        let tokens = Sealer::new(ports.secrets().clone(), settings.keyring_tokens.clone());
        let pii = Sealer::new(ports.secrets().clone(), settings.keyring_pii.clone());
        Self { ports, settings, tokens, pii }
    }

    /// What it works with.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// Works through `messages` until `deadline`. Returns those that must be received again. A panic over one message
    /// is that message's.
    pub async fn handle(&self, messages: Vec<JobWork>, deadline: UnixMillis) -> (Vec<Failed>, Report) {
        let results: Vec<(Failed, Fate, Report)> = stream::iter(messages.into_iter().enumerate())
            .map(|(place, work)| async move {
                let mut report = Report::default();
                let done = AssertUnwindSafe(self.work(work, deadline, &mut report)).catch_unwind().await;
                let fate = done.unwrap_or_else(|_| {
                    report.panics += 1;
                    Fate::Again
                });
                (place, fate, report)
            })
            .buffer_unordered(CONCURRENT_MESSAGES)
            .collect()
            .await;
        let mut report = Report::default();
        let mut failed = Vec::new();
        for (place, fate, part) in results {
            report.add(&part);
            failed.extend((fate == Fate::Again).then_some(place));
        }
        failed.sort_unstable();
        (failed, report)
    }

    async fn work(&self, work: JobWork, deadline: UnixMillis, report: &mut Report) -> Fate {
        match &work {
            JobWork::Export { tenant, job, attempt, .. } => {
                self.export(tenant, job, *attempt, deadline, report).await
            }
            JobWork::Webhook { .. } => self.deliver(&work, report).await,
        }
    }

    /// Sends a message anew: only then the old one is done with.
    pub(super) async fn resend(
        &self,
        tenant: &TenantId,
        work: &JobWork,
        delay_s: u64,
        report: &mut Report,
    ) -> Fate {
        let Ok(body) = work.body() else { return Fate::Again };
        let delay_s = u16::try_from(delay_s.min(MAX_DELAY_S)).unwrap_or(900);
        let outgoing = Outgoing { body, group: tenant.to_string(), delay_s };
        let sent = self.ports.queue().send(vec![outgoing]).await;
        if sent.iter().all(Result::is_ok) {
            report.resent += 1;
            Fate::Done
        } else {
            Fate::Again
        }
    }

    /// The delay before the next try, in seconds, after `failures` of them (≥ 1): half of it fixed, so that it really
    /// grows; half by chance, so that messages don't come back at once.
    pub(super) fn delay_s(&self, failures: u32) -> u64 {
        let bound = self.settings.resend_s.bound_ms(failures.saturating_sub(1)).min(MAX_DELAY_S);
        (bound - bound / 2) + self.ports.entropy().up_to(bound / 2)
    }

    pub(super) fn now(&self) -> UnixMillis {
        self.ports.clock().now()
    }
}
