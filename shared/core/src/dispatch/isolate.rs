//! Finding the bad events of a refused request.
//!
//! Meta refuses a request as a whole and does not say for which event. Most often there is one, so the first search
//! narrows it down: of each half only the left one is sent. Where Meta takes it, the bad event is in the right one;
//! where not, the right one is put aside. What was put aside goes out in one request at the end. One bad event in
//! 1,000 costs 15 calls at most. Where that last request is refused as well, there are more, and both halves of
//! everything refused are sent until each bad event stands alone.
//!
//! A refusal without a subcode may also mean the pixel. Where two successive splits bring no acceptance, up to
//! [`SAMPLES`] single events are tried: if Meta takes one, or refuses one with a subcode, the pixel works (three bad
//! events can look like that); if it takes none, the pixel is condemned and no event is rejected.

use super::batch::Item;
use super::call::{Answer, Stop, Work};
use super::{Dispatcher, Ports};
use crate::ports::meta::MetaError;

/// Single events tried before a pixel is condemned.
const SAMPLES: usize = 4;

/// Refusals in a row, the first request's included, after which a pixel is suspected: that and two splits.
const SUSPICIOUS_REFUSALS: u32 = 3;

/// What became of the items of a request.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    /// Taken, with Meta's trace.
    pub(super) sent: Vec<(Item, Option<String>)>,
    /// Refused for good.
    pub(super) rejected: Vec<(Item, MetaError)>,
    /// Not sent, and why.
    pub(super) unsent: Vec<Item>,
    pub(super) stop: Option<Stop>,
    /// Refusals without a subcode in a row, while Meta has taken nothing.
    doubts: u32,
    /// Meta is known to take events of this pixel.
    works: bool,
}

impl Isolation {
    fn stop(&mut self, stop: Stop, items: Vec<Item>) {
        self.stop.get_or_insert(stop);
        self.unsent.extend(items);
    }
}

/// Items that Meta refused as a whole.
struct Refused {
    items: Vec<Item>,
    error: MetaError,
}

impl<P: Ports> Dispatcher<P> {
    /// Sends `items`, isolating bad ones.
    pub(super) async fn isolate(&self, work: &mut Work<'_>, items: Vec<Item>) -> Isolation {
        let mut done = Isolation::default();
        for refused in self.send_all(work, &mut done, items).await {
            let aside = self.narrow(work, &mut done, refused).await;
            let refused = self.send_all(work, &mut done, aside).await;
            self.halve(work, &mut done, refused).await;
        }
        done
    }

    /// Finds one bad event; gives back what it put aside unsent.
    async fn narrow(&self, work: &mut Work<'_>, done: &mut Isolation, refused: Refused) -> Vec<Item> {
        let Refused { items: mut suspects, error: mut why } = refused;
        let mut aside = Vec::new();
        // Whether the suspects as they are were refused, or are suspected because the rest was taken.
        let mut shown = true;
        while suspects.len() > 1 && done.stop.is_none() {
            let right = suspects.split_off(suspects.len() / 2);
            let mut refused = self.send_all(work, done, suspects).await.into_iter();
            match refused.next() {
                None => (suspects, shown) = (right, false),
                Some(first) => {
                    aside.extend(right);
                    aside.extend(refused.flat_map(|more| more.items));
                    (suspects, shown, why) = (first.items, true, first.error);
                }
            }
            if done.doubts >= SUSPICIOUS_REFUSALS && done.stop.is_none() {
                self.sample(work, done, &mut aside, &why).await;
            }
        }
        if done.stop.is_some() {
            done.unsent.extend(suspects);
        } else if shown {
            done.rejected.extend(suspects.into_iter().map(|item| (item, why.clone())));
        } else {
            self.send_singly(work, done, suspects).await;
        }
        aside
    }

    /// Halves what was refused, and sends both halves, until each bad event stands alone.
    async fn halve(&self, work: &mut Work<'_>, done: &mut Isolation, mut open: Vec<Refused>) {
        while let Some(Refused { items: mut left, error }) = open.pop() {
            if done.stop.is_some() {
                done.unsent.extend(left);
            } else if left.len() <= 1 {
                done.rejected.extend(left.into_iter().map(|item| (item, error.clone())));
            } else {
                let right = left.split_off(left.len() / 2);
                let refused = self.send_all(work, done, left).await;
                if refused.is_empty() && right.len() > 1 && done.stop.is_none() {
                    // Meta took the left half, so it would refuse the right one.
                    open.push(Refused { items: right, error });
                } else {
                    open.extend(self.send_all(work, done, right).await);
                }
                open.extend(refused);
            }
        }
    }

    async fn send_singly(&self, work: &mut Work<'_>, done: &mut Isolation, items: Vec<Item>) {
        for item in items {
            for refused in self.send_all(work, done, vec![item]).await {
                done.rejected.extend(refused.items.into_iter().map(|item| (item, refused.error.clone())));
            }
        }
    }

    /// Sends `items` in one request, or in more where no instant has room for them all. Gives back what was refused.
    async fn send_all(&self, work: &mut Work<'_>, done: &mut Isolation, items: Vec<Item>) -> Vec<Refused> {
        let mut refused = Vec::new();
        let mut open = vec![items];
        while let Some(mut items) = open.pop() {
            if items.is_empty() {
                continue;
            }
            if done.stop.is_some() {
                done.unsent.extend(items);
                continue;
            }
            let refs: Vec<&Item> = items.iter().collect();
            match self.call(work, &refs).await {
                Answer::Accepted(trace) => {
                    done.works = true;
                    done.doubts = 0;
                    done.sent.extend(items.into_iter().map(|item| (item, trace.clone())));
                }
                Answer::BadData(error) => {
                    done.works |= error.subcode.is_some();
                    done.doubts = if done.works { 0 } else { done.doubts + 1 };
                    refused.push(Refused { items, error });
                }
                Answer::TooMany if items.len() > 1 => {
                    let right = items.split_off(items.len() / 2);
                    open.extend([right, items]);
                }
                Answer::TooMany => done.stop(Stop::Paced(self.now()), items),
                Answer::Stop(stop) => done.stop(stop, items),
            }
        }
        refused
    }

    /// Tries single events from among those put aside; condemns the pixel where Meta refuses each without a subcode.
    async fn sample(
        &self,
        work: &mut Work<'_>,
        done: &mut Isolation,
        aside: &mut Vec<Item>,
        why: &MetaError,
    ) {
        let mut refused = Vec::new();
        for nth in 0..SAMPLES {
            if done.works || done.stop.is_some() || aside.is_empty() {
                break;
            }
            let item = aside.remove(nth * aside.len() / SAMPLES);
            refused.extend(self.send_all(work, done, vec![item]).await);
        }
        done.doubts = 0;
        if done.works {
            for single in refused {
                done.rejected.extend(single.items.into_iter().map(|item| (item, single.error.clone())));
            }
            return;
        }
        let stop = Stop::Condemned(false, why.clone(), "refused_without_reason");
        done.stop(stop, refused.into_iter().flat_map(|single| single.items).collect());
    }
}
