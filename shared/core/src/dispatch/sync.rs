//! Sending one event at once and showing what Meta says: for tests and verification, not for traffic.

use super::batch::{self, GroupKey, Item};
use super::report::Report;
use super::route::Destination;
use super::settle::Fate;
use super::throttle::Slot;
use super::{Dispatcher, Ports};
use crate::message::EventMessage;
use crate::ports::meta::{Accepted, CapiRequest, ConversionsApi as _, MetaError, Verdict};
use crate::receipt::Status;
use crate::time::UnixMillis;

/// What became of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncOutcome {
    /// Meta took it.
    Sent(Accepted),
    /// Meta refused it for good.
    Rejected(MetaError),
    /// It was not to be sent: `pixel_unknown`, `pixel_disabled`, or what its message says.
    Skipped(String),
}

/// Why the event was not sent. Nothing of it is queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// Meta did not answer, or with a fault of its own.
    #[error("Meta did not answer")]
    MetaUnavailable,
    /// Meta, or the governor, lets nothing through before this instant.
    #[error("not before {0:?}")]
    NotBefore(UnixMillis),
    /// A person must put the pixel or its connection right first.
    #[error("needs attention: {0}")]
    NeedsAttention(String),
    /// A store of ours did not answer.
    #[error("store unavailable")]
    StoreUnavailable,
}

impl<P: Ports> Dispatcher<P> {
    /// Sends the first event of `message` with one call, and writes its receipt. Who was erased is not looked at: the
    /// event is new.
    ///
    /// # Errors
    /// See [`SyncError`]; nothing is queued then.
    pub async fn send_now(
        &self,
        message: EventMessage,
        deadline: UnixMillis,
    ) -> Result<SyncOutcome, SyncError> {
        let (groups, _) = batch::group(vec![(0, message)]);
        let group = groups.into_iter().next().ok_or(SyncError::StoreUnavailable)?;
        let key = group.key;
        let item = group.items.into_iter().next().ok_or(SyncError::StoreUnavailable)?;
        if let Some(reason) = key.skip {
            self.receipt(item, Fate::plain(Status::Skipped, &reason)).await;
            return Ok(SyncOutcome::Skipped(reason));
        }
        let destination = self.fresh_destination(&key.tenant, &key.pixel).await;
        let route = match destination.map_err(|_| SyncError::StoreUnavailable)? {
            Destination::Ready(route) => route,
            Destination::Skip(reason) => {
                self.receipt(item, Fate::plain(Status::Skipped, reason)).await;
                return Ok(SyncOutcome::Skipped(reason.to_owned()));
            }
            Destination::Wait(reason) => return Err(SyncError::NeedsAttention(reason)),
        };
        let latest = deadline.plus_ms(-self.settings.call_timeout_ms);
        match self.slot(&key.tenant, &key.pixel, 1, latest).await {
            Ok(Slot::Go { .. }) => {}
            Ok(Slot::NotBefore(at)) => return Err(SyncError::NotBefore(at)),
            Ok(Slot::TooMany) => return Err(SyncError::NotBefore(self.now().plus_ms(1_000))),
            Err(_) => return Err(SyncError::StoreUnavailable),
        }
        self.ask(&key, &route, item).await
    }

    async fn ask(
        &self,
        key: &GroupKey,
        route: &super::route::Route,
        item: Item,
    ) -> Result<SyncOutcome, SyncError> {
        let test_event_code = key.test_event_code.as_deref().or(route.pixel.test_event_code.as_deref());
        let request = CapiRequest {
            pixel_id: &key.pixel,
            credentials: &route.credentials,
            test_event_code,
            upload_tag: key.upload_tag.as_deref(),
            events: &[item.event.json()],
        };
        let failure = match self.ports.meta().send(request).await.result {
            Ok(accepted) => {
                self.receipt(item, Fate::sent(accepted.fbtrace_id.clone())).await;
                return Ok(SyncOutcome::Sent(accepted));
            }
            Err(failure) => failure,
        };
        match failure.verdict {
            Verdict::BadData => {
                self.receipt(item, Fate::rejected(failure.error.clone())).await;
                Ok(SyncOutcome::Rejected(failure.error))
            }
            Verdict::Retry | Verdict::UnknownOutcome => Err(SyncError::MetaUnavailable),
            Verdict::Wait { ms } => {
                let until = self.now().plus_ms(i64::try_from(ms).unwrap_or(i64::MAX));
                self.note_wait(&key.tenant, &key.pixel, until).await;
                Err(SyncError::NotBefore(until))
            }
            Verdict::Token => Err(SyncError::NeedsAttention("token_invalid".to_owned())),
            Verdict::Permission => Err(SyncError::NeedsAttention("permission_missing".to_owned())),
        }
    }

    async fn receipt(&self, item: Item, fate: Fate) {
        // The caller sees the outcome itself; a lost receipt is not worth failing it.
        let _ = self.settle(&mut Report::default(), vec![(item, fate)]).await;
    }
}
