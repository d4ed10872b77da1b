//! Which holds are due: minute by minute, each until it is empty for good.
//!
//! ```text
//!   ── empty for good ──┬── not looked at yet, or not empty ──┬── recent ──┐
//!                    cursor                                             now
//! ```
//!
//! A call reads ≤ [`BACKLOG`] minutes after the cursor, and the [`RECENT`] ones in any case: after days without a sweep
//! nothing is left out, and what is due now does not wait for it.

use std::sync::atomic::Ordering;

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::Hold;
use adrelay_core::time::UnixMillis;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::holds::{HOLD_ATTRIBUTES, hold_key, read_hold};
use super::{CONCURRENT_WRITES, DynamoPeople};
use crate::item::{ITEM_VERSION, Item, key, n, optional_number, s, store_error, text};

const MINUTE_MS: i64 = 60_000;

/// Parts of a minute: one partition takes 1,000 writes a second (AWS: best practices for partition keys).
const SHARDS: u8 = 4;

/// Minutes up to now under which something may still be filed: a hold is never due before now, but clocks differ and
/// calls take their time.
const OPEN: i64 = 3;

/// Minutes up to now that every call looks at, unless they are known to be empty.
const RECENT: i64 = 60;

/// Minutes before the recent ones that one call looks at.
const BACKLOG: i64 = 180;

/// What is found due, and is still there so many minutes after, is filed anew: to its end where that is to come, else
/// under the present minute. So what can't be worked on neither stops the cursor nor stands before all others for ever.
const FILED_ANEW_AFTER: i64 = 30;

const MINUTES_AT_ONCE: usize = 8;

const FILINGS_PER_PAGE: usize = 100;

/// Pages of one part of a minute, for those that hold nothing but leftovers.
const PAGES_PER_SHARD: usize = 20;

const DUE: &str = "DUE";
const CURSOR: &str = "CURSOR";

/// A minute since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Minute(pub(super) i64);

impl Minute {
    /// The minute that holds an instant.
    pub(super) const fn of(at: UnixMillis) -> Self {
        Self(at.0.div_euclid(MINUTE_MS))
    }

    /// The first minute that begins at an instant or after it.
    pub(super) const fn after(at: UnixMillis) -> Self {
        Self(at.0.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS))
    }

    /// `20261121T0800`.
    fn text(self) -> String {
        let text = UnixMillis(self.0.saturating_mul(MINUTE_MS)).rfc3339();
        text.chars().take(16).filter(|c| !matches!(c, '-' | ':')).collect()
    }

    fn pk(self, shard: u8) -> String {
        format!("{DUE}#{}#{shard}", self.text())
    }
}

/// What is filed under a minute: ids alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Filing {
    pub(super) tenant: TenantId,
    pub(super) person: PersonId,
    pub(super) conversion: ConversionKey,
}

impl Filing {
    pub(super) fn of(hold: &Hold) -> Self {
        let Hold { tenant, person, conversion, .. } = hold.clone();
        Self { tenant, person, conversion }
    }

    pub(super) fn key(&self, minute: Minute) -> Item {
        let shard = self.conversion.as_str().as_bytes().first().map_or(0, |byte| byte % SHARDS);
        key(&minute.pk(shard), &format!("{}#{}#{}", self.tenant, self.person, self.conversion))
    }

    fn read(sk: &str) -> Option<Self> {
        let mut parts = sk.split('#');
        let filing = Self {
            tenant: TenantId::parse(parts.next()?).ok()?,
            person: PersonId::parse(parts.next()?).ok()?,
            conversion: ConversionKey::parse(parts.next()?).ok()?,
        };
        parts.next().is_none().then_some(filing)
    }
}

/// A hold where it was found.
#[derive(Debug)]
struct Found {
    minute: Minute,
    filing: Filing,
    /// Absent where it can't be read.
    hold: Option<Hold>,
}

/// What a minute, or a part of it, holds.
#[derive(Debug, Default)]
struct Look {
    due: Vec<Found>,
    /// Whether it holds no filing that counts.
    empty: bool,
}

/// The minutes of one call, oldest first.
fn minutes(cursor: Option<Minute>, now: Minute) -> Vec<Minute> {
    let recent = now.0 - RECENT + 1;
    // A cursor ahead of the clock hides nothing that is due now.
    let first = cursor.map_or(recent, |cursor| cursor.0 + 1).min(now.0 - OPEN + 1);
    let recent = recent.max(first);
    let backlog = first..recent.min(first + BACKLOG);
    backlog.chain(recent..=now.0).map(Minute).collect()
}

impl DynamoPeople {
    pub(super) async fn find_due(&self, now: UnixMillis, limit: usize) -> Result<Vec<Hold>, StoreError> {
        let (cursor, now) = (self.cursor().await?, Minute::of(now));
        let minutes = minutes(cursor, now);
        let mut found = Vec::new();
        let mut empty_to = None;
        // Behind a gap between backlog and recent minutes nothing counts as empty.
        let mut all_empty = true;
        for part in minutes.chunks(MINUTES_AT_ONCE) {
            let looks: Vec<_> = part.iter().map(|minute| self.look(*minute, now, limit)).collect();
            let looks: Vec<Look> = stream::iter(looks).buffered(MINUTES_AT_ONCE).try_collect().await?;
            for (minute, look) in part.iter().zip(looks) {
                let follows = empty_to.is_none_or(|Minute(before)| before + 1 == minute.0);
                all_empty &= look.empty && follows && minute.0 <= now.0 - OPEN;
                if all_empty {
                    empty_to = Some(*minute);
                }
                found.extend(look.due);
            }
            if found.len() >= limit {
                break;
            }
        }
        if let Some(minute) = empty_to {
            self.set_cursor(minute).await?;
        }
        found.truncate(limit);
        self.file_anew(&found, now).await;
        Ok(found.into_iter().filter_map(|found| found.hold).collect())
    }

    async fn look(&self, minute: Minute, now: Minute, limit: usize) -> Result<Look, StoreError> {
        let shards: Vec<_> = (0..SHARDS).map(|shard| self.look_at(minute, shard, now, limit)).collect();
        let looks: Vec<Look> = stream::iter(shards).buffered(usize::from(SHARDS)).try_collect().await?;
        let empty = looks.iter().all(|look| look.empty);
        let mut due: Vec<_> = looks.into_iter().flat_map(|look| look.due).collect();
        due.sort_by(|one: &Found, other| one.filing.cmp(&other.filing));
        Ok(Look { due, empty })
    }

    /// One part of a minute. What is left over from holds that have ended or moved is removed once nothing can be filed
    /// there any more: only then does nobody mean it anew.
    async fn look_at(
        &self,
        minute: Minute,
        shard: u8,
        now: Minute,
        limit: usize,
    ) -> Result<Look, StoreError> {
        let (pk, mut look) = (minute.pk(shard), Look { due: Vec::new(), empty: true });
        let mut start: Option<Item> = None;
        for _ in 0..PAGES_PER_SHARD {
            let query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", s(&pk))
                .projection_expression("sk")
                .limit(i32::try_from(FILINGS_PER_PAGE).unwrap_or(1))
                .set_exclusive_start_key(start.take());
            let answer = query.send().await.map_err(|error| store_error(&error))?;
            let items = answer.items.unwrap_or_default();
            let sks: Vec<&str> = items.iter().map(|item| text(item, "sk")).collect::<Result<_, _>>()?;
            let leftovers = self.sort_out(minute, &sks, &mut look).await?;
            if minute.0 <= now.0 - OPEN {
                let removals: Vec<_> = leftovers.iter().map(|sk| self.delete(key(&pk, sk))).collect();
                stream::iter(removals).buffer_unordered(CONCURRENT_WRITES).try_collect::<()>().await?;
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(look);
            }
            if look.due.len() >= limit {
                break;
            }
        }
        look.empty = false;
        Ok(look)
    }

    /// Adds the holds that are filed under `minute`; gives the sort keys of what is filed there and not held.
    async fn sort_out<'a>(
        &self,
        minute: Minute,
        sks: &[&'a str],
        look: &mut Look,
    ) -> Result<Vec<&'a str>, StoreError> {
        let filings: Vec<Filing> = sks.iter().filter_map(|sk| Filing::read(sk)).collect();
        let keys = filings.iter().map(|f| hold_key(&f.tenant, &f.person, &f.conversion)).collect();
        let items = self.get_all(keys, HOLD_ATTRIBUTES).await?;
        let mut leftovers = Vec::new();
        for sk in sks {
            let item = Filing::read(sk).and_then(|filing| {
                let wanted = hold_key(&filing.tenant, &filing.person, &filing.conversion);
                let same = |item: &&Item| wanted.iter().all(|(name, value)| item.get(name) == Some(value));
                Some((items.iter().find(same)?, filing))
            });
            match item {
                Some((item, filing)) if optional_number(item, "due") == Some(minute.0) => {
                    let hold = read_hold(&filing.tenant, item);
                    if let Err(error) = &hold {
                        // It must not keep the others from being swept.
                        tracing::error!(%minute, %error, "a hold can't be read");
                    }
                    look.empty = false;
                    look.due.push(Found { minute, filing, hold: hold.ok() });
                }
                _ => leftovers.push(*sk),
            }
        }
        Ok(leftovers)
    }

    async fn file_anew(&self, found: &[Found], now: Minute) {
        let old = found.iter().filter(|found| found.minute.0 < now.0 - FILED_ANEW_AFTER);
        let end = |found: &Found| found.hold.as_ref().map_or(now, |hold| Minute::after(hold.until).max(now));
        let filings: Vec<_> = old.map(|found| self.file_under(&found.filing, end(found))).collect();
        let mut done = stream::iter(filings).buffer_unordered(CONCURRENT_WRITES);
        while let Some(one) = done.next().await {
            if let Err(error) = one {
                // It stays where it is, and the next sweep finds it there.
                tracing::warn!(%error, "a hold could not be filed anew");
            }
        }
    }

    /// Sees to it that there is a cursor before a hold is stored: so nothing is left out however late the first sweep
    /// of all is. Asked once a process.
    pub(super) async fn begin(&self, hold: &Hold) -> Result<(), StoreError> {
        if !self.begun.load(Ordering::Relaxed) {
            let before = Minute(Minute::of(hold.since).0 - OPEN);
            self.put_absent(cursor_item(before)).await?;
            self.begun.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn cursor(&self) -> Result<Option<Minute>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key(DUE, CURSOR)));
        let found = get.consistent_read(true).send().await.map_err(|error| store_error(&error))?;
        Ok(found.item.and_then(|item| optional_number(&item, "minute")).map(Minute))
    }

    async fn set_cursor(&self, minute: Minute) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(cursor_item(minute)));
        put.send().await.map(|_| ()).map_err(|error| store_error(&error))
    }
}

fn cursor_item(minute: Minute) -> Item {
    let mut item = key(DUE, CURSOR);
    item.insert("v".to_owned(), n(ITEM_VERSION));
    item.insert("minute".to_owned(), n(minute.0));
    item
}

impl std::fmt::Display for Minute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(cursor: Option<i64>, now: i64) -> Vec<i64> {
        minutes(cursor.map(Minute), Minute(now)).into_iter().map(|minute| minute.0).collect()
    }

    #[test]
    fn a_minute_is_named_by_its_time_and_a_hold_is_due_in_the_first_that_begins_after_it() {
        let at = UnixMillis(1_790_000_000_000);
        assert_eq!(Minute::of(at).text(), "20260921T1413");
        assert_eq!(Minute::after(at), Minute(Minute::of(at).0 + 1));
        assert_eq!(Minute::after(UnixMillis(120_000)), Minute(2));
        assert_eq!(Minute::after(UnixMillis(120_001)), Minute(3));
    }

    #[test]
    fn a_sweep_looks_at_what_follows_the_cursor_and_at_the_recent_minutes() {
        assert_eq!(numbers(Some(9_997), 10_000), [9_998, 9_999, 10_000]);
        assert_eq!(numbers(Some(9_995), 10_000), [9_996, 9_997, 9_998, 9_999, 10_000]);
        assert_eq!(numbers(Some(20_000), 10_000), [9_998, 9_999, 10_000], "a cursor ahead of the clock");
        let late = numbers(Some(5_000), 10_000);
        assert_eq!((late.len(), late[0], late[179]), (240, 5_001, 5_180));
        assert_eq!((late[180], late[239]), (9_941, 10_000));
        assert_eq!(numbers(Some(9_900), 10_000), (9_901..=10_000).collect::<Vec<_>>(), "no minute twice");
        assert_eq!(numbers(None, 10_000), (9_941..=10_000).collect::<Vec<_>>(), "nothing was ever held");
    }
}
