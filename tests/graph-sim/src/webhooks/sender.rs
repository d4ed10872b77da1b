//! Sends deliveries in the background: bounded, repeated until they are answered with 200.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::log::{Attempt, Delivery, State};
use super::post::{self, Target};
use super::{Webhook, body, plan};
use crate::leads::{Lead, Submitted};
use crate::random::Dice;
use crate::shared::Shared;
use crate::sim::SimError;
use crate::state::State as Memory;

/// How a delivery is sent.
#[derive(Debug, Clone, Copy)]
struct Manner {
    retries: u32,
    retry_ms: u64,
    timeout: Duration,
}

/// How long a delivery that is replayed may take.
const REPLAY_TIMEOUT: Duration = Duration::from_secs(30);

impl Memory {
    /// Writes the deliveries that announce these leads; they still have to be sent. Only leads of subscribed pages are
    /// announced.
    pub(crate) fn announce(
        &mut self,
        leads: &[Lead],
        webhook: Option<&Webhook>,
        seed: u64,
    ) -> Result<(Submitted, Vec<u64>), SimError> {
        let subscribed = |lead: &&Lead| {
            webhook.is_some()
                && self.leads.pages().any(|page| page.page.page_id == lead.page_id && page.announces_leads())
        };
        let (heard, unheard): (Vec<&Lead>, Vec<&Lead>) = leads.iter().partition(subscribed);
        let ids = |leads: &[&Lead]| leads.iter().map(|lead| lead.id.clone()).collect::<Vec<_>>();
        let mut submitted = Submitted {
            ids: ids(&leads.iter().collect::<Vec<_>>()),
            unsubscribed: ids(&unheard),
            ..Submitted::default()
        };
        let Some(webhook) = webhook else { return Ok((submitted, Vec::new())) };
        let planned = plan(heard.len(), webhook, &mut Dice::new(seed ^ 0x5eed));
        self.deliveries.has_room_for(planned.deliveries.len())?;
        let at = |positions: &[usize]| positions.iter().map(|nth| heard[*nth]).collect::<Vec<_>>();
        submitted.dropped = ids(&at(&planned.dropped));
        submitted.duplicated = ids(&at(&planned.duplicated));
        submitted.announced = ids(&heard);
        let dropped: HashSet<&str> = submitted.dropped.iter().map(String::as_str).collect();
        submitted.announced.retain(|id| !dropped.contains(id.as_str()));
        let mut numbers = Vec::with_capacity(planned.deliveries.len());
        for positions in &planned.deliveries {
            let leads = at(positions);
            let text = body::body(&leads, webhook, self.clock.now_s());
            let signature = body::signature(&webhook.app_secret, &text);
            let number = self.deliveries.add(&webhook.url, ids(&leads), text, signature);
            submitted.deliveries.push(format!("w{number}"));
            numbers.push(number);
        }
        Ok((submitted, numbers))
    }
}

/// Sends these deliveries in their order, several at once; returns at once.
pub(crate) fn send(shared: &Arc<Shared>, numbers: Vec<u64>, webhook: &Webhook, seed: u64) {
    let Some(target) = post::target(&webhook.url) else { return };
    let manner = Manner {
        retries: webhook.retries,
        retry_ms: webhook.retry_ms,
        timeout: Duration::from_millis(webhook.timeout_ms),
    };
    let permits = Arc::new(Semaphore::new(webhook.concurrency));
    let mut dice = Dice::new(seed ^ 0xde1a);
    for number in numbers {
        let delay = Duration::from_millis(webhook.delay_ms.throw(&mut dice));
        let (owned, permits, target) = (Arc::clone(shared), Arc::clone(&permits), target.clone());
        shared.spawn(async move { deliver(&owned, &permits, &target, number, delay, manner).await });
    }
}

/// Tries a delivery until it is answered with 200, is out of tries, or was forgotten. While it waits for its next try it
/// holds no permit.
async fn deliver(
    shared: &Shared,
    permits: &Semaphore,
    target: &Target,
    number: u64,
    delay: Duration,
    manner: Manner,
) {
    let mut wait = delay;
    for tried in 0..=manner.retries {
        if !shared.wait(wait).await {
            return;
        }
        let Ok(_permit) = permits.acquire().await else { return };
        let Some(Delivery { body, signature, .. }) = shared.lock().deliveries.get(number).cloned() else {
            return;
        };
        let outcome = post::post(target, &signature, body, manner.timeout).await;
        let state = match outcome {
            Ok(200) => State::Delivered,
            _ if tried == manner.retries => State::GivenUp,
            _ => State::Pending,
        };
        if !note(shared, number, outcome, state, false) || state == State::Delivered {
            return;
        }
        wait = Duration::from_millis(pause_ms(manner.retry_ms, tried));
    }
}

/// At once, then `retry_ms`, then twice as long each time, up to an hour.
fn pause_ms(retry_ms: u64, tried: u32) -> u64 {
    let doubled = |steps: u32| retry_ms.saturating_mul(1_u64.checked_shl(steps).unwrap_or(u64::MAX));
    tried.checked_sub(1).map_or(0, doubled).min(3_600_000)
}

/// Sends a past delivery again, byte for byte; `None` where there is none. `url` may name another receiver.
pub(crate) async fn replay(
    shared: &Shared,
    number: u64,
    url: Option<&str>,
) -> Option<Result<u16, &'static str>> {
    let delivery = shared.lock().deliveries.get(number).cloned()?;
    let Some(target) = post::target(url.unwrap_or(&delivery.url)) else { return Some(Err("url")) };
    let outcome = post::post(&target, &delivery.signature, delivery.body, REPLAY_TIMEOUT).await;
    note(shared, number, outcome, delivery.state, true);
    Some(outcome)
}

fn note(
    shared: &Shared,
    number: u64,
    outcome: Result<u16, &'static str>,
    state: State,
    replay: bool,
) -> bool {
    let mut memory = shared.lock();
    let attempt = Attempt {
        at_ms: memory.clock.now_ms(),
        status: outcome.ok(),
        error: outcome.err().map(str::to_owned),
        replay,
    };
    memory.deliveries.note(number, attempt, state)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::runtime::Handle;
    use tokio::sync::Semaphore;

    use super::{Manner, deliver, pause_ms, post};
    use crate::shared::Shared;
    use crate::sim::SimConfig;
    use crate::state::{Part, State};

    #[tokio::test]
    async fn what_a_reset_forgot_is_not_sent_any_more() {
        let shared = Arc::new(Shared::new(State::new(SimConfig::default()), Handle::current()));
        let number =
            shared.lock().deliveries.add("http://127.0.0.1:1/", Vec::new(), String::new(), String::new());
        shared.lock().reset(&[Part::Webhooks]);
        let target = post::target("http://127.0.0.1:1/").unwrap();
        let manner = Manner { retries: 1, retry_ms: 0, timeout: Duration::MAX };
        deliver(&shared, &Semaphore::new(1), &target, number, Duration::ZERO, manner).await;
        assert_eq!(shared.lock().deliveries.list(None, None, 1)["attempts"], 0);
    }

    #[test]
    fn the_first_retry_comes_at_once_and_the_others_ever_later() {
        let pauses: Vec<u64> = (0..5).map(|tried| pause_ms(1_000, tried)).collect();
        assert_eq!(pauses, [0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(pause_ms(1_000, 40), 3_600_000);
        assert_eq!(pause_ms(1, 200), 3_600_000);
        assert_eq!(pause_ms(0, 200), 0);
    }
}
