//! Finding the bad events of a refused request by halving it, until they stand alone.
//!
//! Meta refuses a request as a whole and does not say for which event. One bad event in 1,000 costs 21 calls: the
//! first, and two for each of ten halvings.
//!
//! A refusal without a subcode may also mean the pixel. Where both halves of two successive splits are refused so,
//! up to [`SAMPLES`] single events are tried: if Meta takes one, the pixel works and the halving goes on (three bad
//! events can look like that); if it takes none, the pixel is condemned and no event is rejected.

use super::batch::Item;
use super::call::{Answer, Stop, Work};
use super::{Dispatcher, Ports};
use crate::ports::meta::MetaError;

/// Single events tried before a pixel is condemned.
const SAMPLES: usize = 4;

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
}

/// A part still to be looked into.
struct Part {
    items: Vec<Item>,
    /// Refused as a whole, without a subcode.
    refused: bool,
    /// How many splits in a row, up to this one, had both halves refused without a subcode.
    suspicious_splits: u32,
}

impl<P: Ports> Dispatcher<P> {
    /// Sends `items`, isolating bad ones.
    pub(super) async fn isolate(&self, work: &mut Work<'_>, items: Vec<Item>) -> Isolation {
        let mut done = Isolation::default();
        let first = self.part(work, &mut done, items, 0).await;
        let mut parts: Vec<Part> = first.into_iter().collect();
        while let Some(part) = parts.pop() {
            if done.stop.is_some() {
                done.unsent.extend(part.items);
                continue;
            }
            let part = if part.suspicious_splits >= 2 {
                match self.sample(work, &mut done, part).await {
                    Some(part) => part,
                    None => continue,
                }
            } else {
                part
            };
            let halves = self.split(work, &mut done, part).await;
            parts.extend(halves);
        }
        done
    }

    /// Sends one part; gives it back where it must be halved.
    async fn part(
        &self,
        work: &mut Work<'_>,
        done: &mut Isolation,
        items: Vec<Item>,
        suspicious_splits: u32,
    ) -> Option<Part> {
        if items.is_empty() || done.stop.is_some() {
            done.unsent.extend(items);
            return None;
        }
        let refs: Vec<&Item> = items.iter().collect();
        match self.call(work, &refs).await {
            Answer::Accepted(trace) => done.sent.extend(items.into_iter().map(|item| (item, trace.clone()))),
            Answer::BadData(error) if items.len() == 1 && suspicious_splits < 2 => {
                done.rejected.extend(items.into_iter().map(|item| (item, error.clone())));
            }
            Answer::BadData(error) => {
                return Some(Part { items, refused: error.subcode.is_none(), suspicious_splits });
            }
            Answer::TooMany if items.len() > 1 => {
                return Some(Part { items, refused: false, suspicious_splits: 0 });
            }
            Answer::TooMany => {
                done.stop = Some(Stop::Paced(self.now()));
                done.unsent.extend(items);
            }
            Answer::Stop(stop) => {
                done.stop = Some(stop);
                done.unsent.extend(items);
            }
        }
        None
    }

    async fn split(&self, work: &mut Work<'_>, done: &mut Isolation, part: Part) -> Vec<Part> {
        let mut left = part.items;
        let right = left.split_off(left.len() / 2);
        let before = part.suspicious_splits;
        let left = self.part(work, done, left, 0).await;
        let right = self.part(work, done, right, 0).await;
        let both = [&left, &right].into_iter().all(|half| half.as_ref().is_some_and(|half| half.refused));
        let suspicious_splits = if both { before + 1 } else { 0 };
        // The left half last, so that it is looked into first.
        right.into_iter().chain(left).map(|half| Part { suspicious_splits, ..half }).collect()
    }

    /// Tries single events of a part in which everything has been refused; gives the rest back where Meta took one.
    async fn sample(&self, work: &mut Work<'_>, done: &mut Isolation, part: Part) -> Option<Part> {
        let mut rest = part.items;
        let mut refused = Vec::new();
        let mut why = None;
        let mut taken = !done.sent.is_empty();
        for nth in 0..SAMPLES {
            if taken || rest.is_empty() {
                break;
            }
            let item = rest.remove(nth * rest.len() / SAMPLES);
            match self.call(work, &[&item]).await {
                Answer::Accepted(trace) => {
                    taken = true;
                    done.sent.push((item, trace));
                }
                Answer::BadData(error) => {
                    taken |= error.subcode.is_some();
                    why = Some(error.clone());
                    refused.push((item, error));
                }
                Answer::TooMany => rest.push(item),
                Answer::Stop(stop) => {
                    done.stop = Some(stop);
                    rest.push(item);
                    break;
                }
            }
        }
        match (taken, done.stop.is_some(), why) {
            (true, _, _) => {
                done.rejected.extend(refused);
                Some(Part { items: rest, refused: false, suspicious_splits: 0 })
                    .filter(|p| !p.items.is_empty())
            }
            (false, false, Some(error)) => {
                done.stop = Some(Stop::Condemned(false, error, "refused_without_reason"));
                done.unsent.extend(refused.into_iter().map(|(item, _)| item).chain(rest));
                None
            }
            _ => {
                done.unsent.extend(refused.into_iter().map(|(item, _)| item).chain(rest));
                None
            }
        }
    }
}
