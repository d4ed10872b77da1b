//! Pixels and connections that Meta refuses as a whole: their events wait in the waiting room, one probe at a time
//! tries whether Meta takes them again, and a release puts them on the queue.
//!
//! No event is left behind: who parks looks at the pixel once more afterwards, and who puts it right releases
//! afterwards, so one of the two sees the other.

use super::batch::{GroupKey, Item};
use super::call::{Answer, Stop, Work};
use super::erasure::Graves;
use super::governor::Shown;
use super::report::Report;
use super::route::{Destination, Route};
use super::sending::Desk;
use super::settle::Fate;
use super::{Dispatcher, Ports};
use crate::config::Health;
use crate::ids::{PixelId, TenantId};
use crate::message::{EventMessage, QueueMessage, QueuedEvent, WaitingRoomRef};
use crate::ports::StoreError;
use crate::ports::config::Destinations as _;
use crate::ports::meta::MetaError;
use crate::ports::queue::{EventQueue as _, Outgoing, QueueError};
use crate::ports::vault::CredentialSource as _;
use crate::ports::waiting::{Parked, WaitingRoom as _};
use crate::receipt::Status;
use crate::time::UnixMillis;

/// Waiting messages that one step looks at.
const PAGE_MESSAGES: usize = 10;

/// What must be left of an invocation to release another page, in milliseconds.
const PAGE_MS: i64 = 2_000;

impl<P: Ports> Dispatcher<P> {
    /// Notes that Meta refuses the token or the pixel. `None` where the verdict is on something that a person has
    /// changed meanwhile, so that the events are to be tried again.
    pub(super) async fn condemn(
        &self,
        work: &Work<'_>,
        token: bool,
        error: MetaError,
        reason: &str,
    ) -> Option<Stop> {
        let (tenant, pixel) = (&work.key.tenant, &work.key.pixel);
        let used = &work.route.connection;
        match self.fresh_destination(tenant, pixel).await {
            Ok(Destination::Ready(now))
                if now.connection.id == used.id && now.connection.token_version == used.token_version => {}
            Ok(Destination::Ready(_)) => return None,
            Ok(Destination::Wait(known)) => return Some(Stop::Wait(known)),
            Ok(Destination::Skip(why)) => return Some(Stop::Skip(why)),
            Err(_) => return Some(Stop::Store),
        }
        let health = Health::NeedsAttention {
            reason: reason.to_owned(),
            code: (error.code != 0).then_some(error.code),
            subcode: error.subcode,
            since: self.now(),
        };
        let config = self.ports.config();
        let noted = if token {
            config.set_connection_health(tenant, &used.id, used.token_version, &health).await
        } else {
            config.set_pixel_health(tenant, pixel, &used.id, &health).await
        };
        self.forget_route(tenant, pixel);
        match noted {
            Ok(()) => {
                self.note_shown(tenant, pixel, Shown::Refuses).await;
                Some(Stop::Wait(reason.to_owned()))
            }
            Err(StoreError::Conflict) => None,
            Err(_) => Some(Stop::Store),
        }
    }

    /// Puts items into the waiting room.
    pub(super) async fn park(
        &self,
        desk: &mut Desk<'_>,
        tenant: &TenantId,
        pixel: &PixelId,
        items: Vec<Item>,
        reason: &str,
    ) {
        let mut waiting: Vec<(Item, Fate)> = Vec::new();
        let now_s = self.now().secs();
        for item in &items {
            desk.report.deadline(item.deadline_s() - now_s);
        }
        for (holder, message) in by_holder(desk, &items) {
            match self.ports.events().park(&message).await {
                Ok(()) => desk.report.parked += message.events.len() as u64,
                // Received again, it is tried or parked then.
                Err(_) => desk.failed.push(desk.envelopes[holder].place),
            }
        }
        for item in items {
            let parked = item.holders.iter().any(|&h| !desk.failed.contains(&desk.envelopes[h].place));
            if parked {
                let first = vec![item.holders[0]];
                waiting.push((Item { holders: first, ..item }, Fate::plain(Status::Waiting, reason)));
            }
        }
        // The events are safe by now; a receipt that fails here is written when they are sent.
        let _ = self.settle(&mut desk.report, waiting).await;
        let room = WaitingRoomRef::new(tenant.clone(), pixel.clone());
        let guarded = match self.fresh_destination(tenant, pixel).await {
            Ok(Destination::Wait(_)) | Err(_) => self.ensure_probe(&room).await,
            Ok(Destination::Ready(_) | Destination::Skip(_)) => {
                self.post(QueueMessage::Release(room), 0).await.is_ok()
            }
        };
        if !guarded {
            desk.failed
                .extend(desk.envelopes.iter().filter(|e| e.message.pixel_id == *pixel).map(|e| e.place));
        }
    }

    /// Handles a control message; `false` where it must be received again.
    pub(super) async fn control(&self, message: QueueMessage, deadline: UnixMillis) -> (bool, Report) {
        let mut report = Report::default();
        let done = match message {
            QueueMessage::Release(room) => self.release(&room, deadline, &mut report).await,
            QueueMessage::Probe(room) => self.probe(&room, deadline, &mut report).await,
            QueueMessage::Events(_) => Ok(()),
        };
        (done.is_ok(), report)
    }

    async fn release(
        &self,
        room: &WaitingRoomRef,
        deadline: UnixMillis,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        self.set_probe_due(room, None).await?;
        loop {
            let page = self.ports.events().page(&room.tenant, &room.pixel_id, PAGE_MESSAGES).await?;
            if page.is_empty() {
                return Ok(());
            }
            let complete = self.requeue(room, page, report).await?;
            if !complete || self.now().plus_ms(PAGE_MS) > deadline {
                let delay_s = if complete { 0 } else { self.probe_delay_s(0) };
                return self.post(QueueMessage::Release(room.clone()), delay_s).await.map_err(unavailable);
            }
        }
    }

    /// Puts waiting messages on the queue and takes them out of the room; `false` where the queue refused some.
    async fn requeue(
        &self,
        room: &WaitingRoomRef,
        page: Vec<Parked>,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let mut outgoing = Vec::new();
        let mut parked = Vec::new();
        for Parked { key, message } in page {
            let count = message.events.len() as u64;
            let message = QueueMessage::Events(EventMessage { attempt: 0, ..message });
            let body = message.to_body().map_err(|error| StoreError::Corrupt(error.to_string()))?;
            outgoing.push(Outgoing { body, group: room.pixel_id.to_string(), delay_s: 0 });
            parked.push((key, count));
        }
        let results = self.ports.queue().send(outgoing).await;
        let complete = results.iter().all(Result::is_ok);
        let sent: Vec<(String, u64)> =
            results.iter().zip(parked).filter(|(result, _)| result.is_ok()).map(|(_, p)| p).collect();
        report.released += sent.iter().map(|(_, count)| count).sum::<u64>();
        let keys: Vec<String> = sent.into_iter().map(|(key, _)| key).collect();
        self.ports.events().remove(&room.tenant, &room.pixel_id, &keys).await?;
        Ok(complete)
    }

    /// Tries one waiting event, where this probe is the one that the ledger names.
    async fn probe(
        &self,
        room: &WaitingRoomRef,
        deadline: UnixMillis,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        use crate::ports::governor::GovernorStore as _;
        let stored = self.ports.events().load(&room.tenant, &room.pixel_id).await?;
        if room.due.is_none() || stored.ledger.probe_due != room.due {
            return Ok(());
        }
        let page = self.ports.events().page(&room.tenant, &room.pixel_id, PAGE_MESSAGES).await?;
        for parked in &page {
            report.deadline(first_deadline_s(&parked.message) - self.now().secs());
        }
        let graves = self.graves(&room.tenant).await?;
        let all_erased =
            |message: &EventMessage| message.events.iter().all(|event| holds(&graves, message, event));
        let (over, waiting): (Vec<Parked>, Vec<Parked>) = page
            .into_iter()
            .partition(|parked| self.has_expired(&parked.message) || all_erased(&parked.message));
        let all_over = waiting.is_empty() && !over.is_empty();
        // On the queue again they end as `expired` or `erased`.
        self.requeue(room, over, report).await?;
        let nth = usize::try_from(room.attempt).unwrap_or(0);
        let message = waiting.get(nth % waiting.len().max(1)).map(|parked| &parked.message);
        let works = match (message, self.fresh_destination(&room.tenant, &room.pixel_id).await?) {
            (_, Destination::Ready(_) | Destination::Skip(_)) => true,
            (Some(message), Destination::Wait(reason)) => {
                let events = message.events.iter().filter(|event| !holds(&graves, message, event)).collect();
                self.try_one(message, (events, nth), &reason, deadline, report).await?
            }
            (None, Destination::Wait(_)) if all_over => false,
            (None, Destination::Wait(_)) => return self.set_probe_due(room, None).await,
        };
        if works {
            self.post(QueueMessage::Release(room.clone()), 0).await.map_err(unavailable)
        } else {
            self.schedule_probe(room, room.attempt.saturating_add(1)).await
        }
    }

    /// Whether Meta takes the nth of these events of a waiting message; then the pixel and its connection are well again.
    async fn try_one(
        &self,
        message: &EventMessage,
        (events, nth): (Vec<&QueuedEvent>, usize),
        reason: &str,
        deadline: UnixMillis,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let (tenant, pixel) = (&message.tenant, &message.pixel_id);
        let Some(route) = self.route_despite_health(tenant, pixel).await? else { return Ok(false) };
        let key = GroupKey::of(message);
        let Some(event) = events.get(nth % events.len().max(1)) else { return Ok(false) };
        let item = Item::new(message, (*event).clone(), 0);
        let (route, calls_left) = (std::sync::Arc::new(route), 3);
        let mut work = Work { key: &key, route, deadline, calls_left, report: Report::default() };
        let answer = self.call(&mut work, &[&item]).await;
        report.add(&work.report);
        let works = match answer {
            Answer::Accepted(trace) => {
                // Lost, it costs a repeat that Meta deduplicates.
                let _ = self.settle(report, vec![(item, Fate::sent(trace))]).await;
                true
            }
            // Meta looked at the data, so it took the token and the pixel.
            Answer::BadData(error) => error.subcode.is_some() || reason != "refused_without_reason",
            Answer::TooMany | Answer::Stop(_) => false,
        };
        if works {
            self.set_well(&work.route).await?;
        }
        Ok(works)
    }

    async fn set_well(&self, route: &Route) -> Result<(), StoreError> {
        let config = self.ports.config();
        let (pixel, connection) = (&route.pixel, &route.connection);
        let both = [
            config.set_pixel_health(&pixel.tenant_id, &pixel.id, &connection.id, &Health::Ok).await,
            config
                .set_connection_health(
                    &pixel.tenant_id,
                    &connection.id,
                    connection.token_version,
                    &Health::Ok,
                )
                .await,
        ];
        self.forget_route(&pixel.tenant_id, &pixel.id);
        // Where a person changed them meanwhile, what they set holds.
        both.into_iter().filter(|set| *set != Err(StoreError::Conflict)).collect()
    }

    async fn route_despite_health(
        &self,
        tenant: &TenantId,
        id: &PixelId,
    ) -> Result<Option<Route>, StoreError> {
        let config = self.ports.config();
        let Some(pixel) = config.pixel(tenant, id).await? else { return Ok(None) };
        let Some(connection) = config.connection(tenant, &pixel.connection_id).await? else {
            return Ok(None);
        };
        let credentials = self.ports.vault().credentials(&connection).await.ok();
        Ok(credentials.map(|credentials| Route { pixel, connection, credentials }))
    }

    fn has_expired(&self, message: &EventMessage) -> bool {
        deadlines_s(message).all(|deadline_s| deadline_s <= self.now().secs())
    }

    /// Sees to it that exactly one probe of the room is under way; `false` where none could be queued.
    async fn ensure_probe(&self, room: &WaitingRoomRef) -> bool {
        use crate::ports::governor::GovernorStore as _;
        let Ok(stored) = self.ports.events().load(&room.tenant, &room.pixel_id).await else { return false };
        // One that is long overdue was lost.
        let overdue_ms = i64::try_from(self.settings.probe_s.max_ms).unwrap_or(0) * 2_000;
        let under_way =
            stored.ledger.probe_due.is_some_and(|due| self.now().ms_since(due) < overdue_ms.max(60_000));
        under_way || self.schedule_probe(room, 0).await.is_ok()
    }

    async fn schedule_probe(&self, room: &WaitingRoomRef, attempt: u32) -> Result<(), StoreError> {
        let delay_s = self.probe_delay_s(attempt);
        let due = self.now().plus_ms(i64::from(delay_s) * 1000);
        self.set_probe_due(room, Some(due)).await?;
        let probe = WaitingRoomRef { attempt, due: Some(due), ..room.clone() };
        match self.post(QueueMessage::Probe(probe), delay_s).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.set_probe_due(room, None).await?;
                Err(unavailable(error))
            }
        }
    }

    async fn set_probe_due(&self, room: &WaitingRoomRef, due: Option<UnixMillis>) -> Result<(), StoreError> {
        let set = self.change_ledger(&room.tenant, &room.pixel_id, |ledger, _| {
            let changes = ledger.probe_due != due;
            ledger.probe_due = due;
            changes
        });
        set.await
    }

    fn probe_delay_s(&self, attempt: u32) -> u16 {
        u16::try_from(self.settings.probe_s.bound_ms(attempt).min(900)).unwrap_or(900)
    }

    async fn post(&self, message: QueueMessage, delay_s: u16) -> Result<(), QueueError> {
        let body = message.to_body().map_err(|error| QueueError(error.to_string()))?;
        let group = message.group().to_string();
        let mut results = self.ports.queue().send(vec![Outgoing { body, group, delay_s }]).await;
        results.pop().unwrap_or_else(|| Err(QueueError("no answer".to_owned())))
    }
}

fn holds(graves: &Graves, message: &EventMessage, event: &QueuedEvent) -> bool {
    graves.hold(event, message.first_enqueued_at)
}

fn deadlines_s(message: &EventMessage) -> impl Iterator<Item = i64> {
    message.events.iter().map(|event| {
        let head = event.head();
        super::batch::deadline_s(&head.action_source, head.event_time)
    })
}

fn first_deadline_s(message: &EventMessage) -> i64 {
    deadlines_s(message).min().unwrap_or(i64::MAX)
}

fn by_holder(desk: &Desk<'_>, items: &[Item]) -> std::collections::BTreeMap<usize, EventMessage> {
    let mut messages = std::collections::BTreeMap::new();
    for item in items {
        for &holder in &item.holders {
            let message: &mut EventMessage =
                messages.entry(holder).or_insert_with(|| desk.envelopes[holder].message.clone());
            message.events.push(item.event.clone());
        }
    }
    messages
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unavailable(error: QueueError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}
