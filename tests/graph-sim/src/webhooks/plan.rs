//! Which leads are announced, how often, in which order, in which deliveries.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::leads::Span;
use crate::random::Dice;
use crate::webhooks::post;

/// How leads are announced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Where to, `http` only.
    pub url: String,
    /// The key of the signature.
    pub app_secret: String,
    /// Exactly this share of the leads is never announced.
    pub drop_percent: u8,
    /// Exactly this share of the announced leads is announced twice, in different deliveries.
    pub duplicate_percent: u8,
    /// Shuffles all announcements.
    pub reorder: bool,
    /// Most changes of one delivery; each delivery holds 1 to so many.
    pub batch_max: usize,
    /// Everything outside ASCII, and `/ < > % @`, goes out as an escape, as Meta does. Default true.
    pub escape_unicode: bool,
    /// Ids are JSON numbers rather than texts.
    pub ids_as_numbers: bool,
    /// Milliseconds of real time before each delivery.
    pub delay_ms: Span,
    /// Further tries of a delivery that was not answered with 200. Default 10.
    pub retries: u32,
    /// Real milliseconds before the second retry (the first comes at once); doubles from then on. Default 1,000.
    pub retry_ms: u64,
    /// Deliveries under way at once. Default 8.
    pub concurrency: usize,
    /// Real milliseconds until a try without an answer has failed. Default 20,000.
    pub timeout_ms: u64,
    /// Further members of every change's `value`, as Meta may add some.
    pub extra: Map<String, Value>,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: String::new(),
            app_secret: String::new(),
            drop_percent: 0,
            duplicate_percent: 0,
            reorder: false,
            batch_max: 1,
            escape_unicode: true,
            ids_as_numbers: false,
            delay_ms: Span::default(),
            retries: 10,
            retry_ms: 1_000,
            concurrency: 8,
            timeout_ms: 20_000,
            extra: Map::new(),
        }
    }
}

impl Webhook {
    const MAX_BATCH: usize = 1_000;
    const MAX_RETRIES: u32 = 1_000;
    const MAX_CONCURRENCY: usize = 64;
    const MAX_WAIT_MS: u64 = 600_000;

    /// What is wrong with it, if anything.
    pub(crate) fn defect(&self) -> Option<&'static str> {
        if post::target(&self.url).is_none() {
            Some("webhook.url must be http://host[:port]/path")
        } else if self.drop_percent > 100 || self.duplicate_percent > 100 {
            Some("webhook: percentages must be at most 100")
        } else if !(1..=Self::MAX_BATCH).contains(&self.batch_max) {
            Some("webhook.batch_max must be from 1 to 1000")
        } else if self.retries > Self::MAX_RETRIES {
            Some("webhook.retries must be at most 1000")
        } else if !(1..=Self::MAX_CONCURRENCY).contains(&self.concurrency) {
            Some("webhook.concurrency must be from 1 to 64")
        } else if self.delay_ms.most().max(self.retry_ms).max(self.timeout_ms) > Self::MAX_WAIT_MS {
            Some("webhook: waits must be at most 600000 ms")
        } else {
            None
        }
    }
}

/// What is to be announced; positions in the list of leads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) dropped: Vec<usize>,
    pub(crate) duplicated: Vec<usize>,
    /// Positions of the leads of each delivery, in the order of sending.
    pub(crate) deliveries: Vec<Vec<usize>>,
}

/// Plans the announcement of `leads` leads. The same seed plans the same.
pub(crate) fn plan(leads: usize, webhook: &Webhook, dice: &mut Dice) -> Plan {
    let mut thrown: Vec<usize> = (0..leads).collect();
    shuffle(&mut thrown, dice);
    let mut dropped = thrown.split_off(leads - share(leads, webhook.drop_percent));
    let mut duplicated = thrown[..share(thrown.len(), webhook.duplicate_percent)].to_vec();
    dropped.sort_unstable();
    duplicated.sort_unstable();
    thrown.sort_unstable();
    let mut order = [thrown, duplicated.clone()].concat();
    if webhook.reorder {
        shuffle(&mut order, dice);
    }
    let mut deliveries: Vec<Vec<usize>> = Vec::new();
    let mut size = 0;
    for lead in order {
        if let Some(delivery) = deliveries.last_mut().filter(|had| had.len() < size && !had.contains(&lead)) {
            delivery.push(lead);
        } else {
            size = 1 + pick(webhook.batch_max, dice);
            deliveries.push(vec![lead]);
        }
    }
    Plan { dropped, duplicated, deliveries }
}

fn share(of: usize, percent: u8) -> usize {
    of * usize::from(percent.min(100)) / 100
}

fn pick(n: usize, dice: &mut Dice) -> usize {
    usize::try_from(dice.next() % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
}

fn shuffle(items: &mut [usize], dice: &mut Dice) {
    for end in (1..items.len()).rev() {
        items.swap(end, pick(end + 1, dice));
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, Webhook, plan};
    use crate::random::Dice;

    fn planned(change: impl FnOnce(&mut Webhook)) -> Plan {
        let mut webhook = Webhook::default();
        change(&mut webhook);
        plan(1_000, &webhook, &mut Dice::new(3))
    }

    #[test]
    fn without_mischief_each_lead_is_announced_once_alone_and_in_order() {
        let plan = planned(|_| ());
        assert_eq!(plan.deliveries, (0..1_000).map(|lead| vec![lead]).collect::<Vec<_>>());
        assert!(plan.dropped.is_empty() && plan.duplicated.is_empty());
    }

    #[test]
    fn shares_are_exact_and_nothing_dropped_is_announced() {
        let plan = planned(|webhook| {
            webhook.drop_percent = 40;
            webhook.duplicate_percent = 10;
            webhook.reorder = true;
            webhook.batch_max = 7;
        });
        assert_eq!((plan.dropped.len(), plan.duplicated.len()), (400, 60));
        let mut announced: Vec<usize> = plan.deliveries.concat();
        assert_eq!(announced.len(), 660);
        assert!(!announced.is_sorted());
        assert!(plan.deliveries.iter().all(|delivery| (1..=7).contains(&delivery.len())));
        assert!(plan.deliveries.iter().any(|delivery| delivery.len() == 7));
        for delivery in &plan.deliveries {
            let mut distinct = delivery.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), delivery.len(), "a copy travels in another delivery");
        }
        announced.sort_unstable();
        announced.dedup();
        assert_eq!(announced.len(), 600);
        assert!(plan.dropped.iter().all(|lead| !announced.contains(lead)));
    }

    #[test]
    fn everything_can_be_dropped() {
        let plan = planned(|webhook| webhook.drop_percent = 100);
        assert!(plan.deliveries.is_empty() && plan.dropped.len() == 1_000);
    }
}
