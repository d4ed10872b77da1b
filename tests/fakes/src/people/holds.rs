//! What is held, and when it is due.

use adrelay_core::ids::{ConversionKey, PersonId, TenantId};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::people::{Hold, HoldStore};
use adrelay_core::time::UnixMillis;

use super::{Filed, MemoryPeople};

const MINUTE_MS: i64 = 60_000;

fn key(hold: &Hold) -> (TenantId, PersonId, ConversionKey) {
    (hold.tenant.clone(), hold.person.clone(), hold.conversion.clone())
}

/// The first minute in which a hold until then is over.
fn minute_after(until: UnixMillis) -> i64 {
    until.0.saturating_add(MINUTE_MS - 1).div_euclid(MINUTE_MS)
}

impl HoldStore for MemoryPeople {
    async fn hold(&self, hold: &Hold) -> Result<(), StoreError> {
        self.0
            .call("hold", |state| {
                // What is held since another moment stays as it is: a repeated post does not start its wait anew.
                if state.holds.get(&key(hold)).is_none_or(|filed| filed.hold.since == hold.since) {
                    let due = minute_after(hold.until);
                    state.holds.insert(key(hold), Filed { hold: hold.clone(), due });
                    state.writes += 1;
                }
                Ok(())
            })
            .await
    }

    async fn holds_of(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        limit: usize,
    ) -> Result<Vec<Hold>, StoreError> {
        self.0
            .call("holds_of", |state| {
                let holds = state.holds.values().map(|filed| &filed.hold);
                let theirs = holds.filter(|hold| hold.tenant == *tenant && hold.person == *person);
                Ok(theirs.take(limit).cloned().collect())
            })
            .await
    }

    async fn release(&self, hold: &Hold) -> Result<(), StoreError> {
        self.0
            .call("release", |state| {
                let released = state.holds.remove(&key(hold));
                state.writes += u64::from(released.is_some());
                Ok(())
            })
            .await
    }

    async fn make_due(&self, hold: &Hold, now: UnixMillis) -> Result<(), StoreError> {
        self.0
            .call("make_due", |state| {
                if let Some(filed) = state.holds.get_mut(&key(hold)) {
                    filed.due = now.0.div_euclid(MINUTE_MS);
                    state.writes += 1;
                }
                Ok(())
            })
            .await
    }

    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<Hold>, StoreError> {
        self.0
            .call("due", |state| {
                let minute = now.0.div_euclid(MINUTE_MS);
                let mut due: Vec<&Filed> = state.holds.values().filter(|filed| filed.due <= minute).collect();
                due.sort_by_key(|filed| filed.due);
                Ok(due.into_iter().take(limit).map(|filed| filed.hold.clone()).collect())
            })
            .await
    }
}
