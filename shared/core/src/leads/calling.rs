//! Calling Meta for a page: not while it wants no calls, nor with a token that was just refused; and what its answer means.

use super::desk::{LeadDesk, Ports};
use super::place::{Place, Refused};
use super::report::Tally;
use crate::config::{Connection, Health};
use crate::ports::StoreError;
use crate::ports::config::Destinations as _;
use crate::ports::leads::SyncStore as _;
use crate::ports::leads_api::Answered;
use crate::ports::meta::{Credentials, Failure, MetaError, Usage, Verdict};
use crate::ports::vault::{CredentialError, CredentialSource as _};
use crate::time::UnixMillis;

/// From this percentage of a limit on no calls are made for a while.
const ENOUGH_PERCENT: f64 = 90.0;

/// That while, in milliseconds.
const EASE_MS: i64 = 60_000;

/// Why something about leads could not be done now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Meta hiccuped: the same call may succeed soon.
    #[error("meta did not answer")]
    Retry,
    /// Meta wants no calls for this page before then.
    #[error("no calls before {}", .0.0)]
    NotBefore(UnixMillis),
    /// A person must act first; it stands in the connection's health, where it is about the token.
    #[error("needs attention: {reason}")]
    Attention {
        /// A stable code: `token_invalid`, `permission_missing`, `connection_unknown`, `token_unreadable`, `source_unknown`.
        reason: &'static str,
        /// Meta's error code, where it gave one.
        code: Option<i64>,
    },
    /// Meta refuses the object, and the token is not to blame: it is unknown, not readable yet, or malformed.
    #[error("refused with code {}", .0.code)]
    Refused(MetaError),
    /// A store, a queue or a secret does not answer.
    #[error("unavailable: {0}")]
    Unavailable(String),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Trouble {
    pub(super) const fn attention(reason: &'static str) -> Self {
        Self::Attention { reason, code: None }
    }
}

impl<P: Ports> LeadDesk<P> {
    /// What to call Meta with for this page. To be asked before each call.
    ///
    /// # Errors
    /// [`Trouble`] where no call is to be made now.
    pub async fn ready(&self, place: &Place) -> Result<Credentials, Trouble> {
        let now = self.now();
        if let Some(until) = self.blocked_until(place).await?.filter(|until| *until > now) {
            return Err(Trouble::NotBefore(until));
        }
        let Some(connection) = &place.connection else {
            return Err(Trouble::attention("connection_unknown"));
        };
        // A token that was refused is tried again once a minute and process: it may have become well by itself.
        if let Some(refused) = self.caches.refused.get(&token(connection), now) {
            return Err(Trouble::Attention { reason: refused.reason, code: refused.code });
        }
        match self.ports.vault().credentials(connection).await {
            Ok(credentials) => Ok(credentials),
            Err(CredentialError::Unavailable(why)) => Err(Trouble::Unavailable(why)),
            Err(CredentialError::Unreadable(_)) => {
                Err(self.condemn(connection, "token_unreadable", &MetaError::default()).await?)
            }
        }
    }

    /// Until when Meta wants no calls for the page; at most 5 s old.
    ///
    /// # Errors
    /// The store's.
    pub async fn blocked_until(&self, place: &Place) -> Result<Option<UnixMillis>, StoreError> {
        let (now, page) = (self.now(), &place.page);
        let key = (page.tenant_id.clone(), page.id.clone());
        if let Some(until) = self.caches.blocked.get(&key, now) {
            return Ok(*until);
        }
        let until = self.ports.leads().blocked_until(&page.tenant_id, &page.id).await?;
        Ok(*self.caches.blocked.put(key, until, now))
    }

    /// What Meta's answer to a call for this page brought; its limits and its verdict on the token are noted. To be asked
    /// after each call.
    ///
    /// # Errors
    /// [`Trouble`] where it brought nothing.
    pub async fn heard<T>(&self, place: &Place, answered: Answered<T>) -> Result<T, Trouble> {
        let Answered { result, usage } = answered;
        match result {
            Ok(value) => {
                // That a limit is near must not lose what was read.
                let _ = self.ease(place, usage, None).await;
                self.trust(place).await;
                Ok(value)
            }
            Err(Failure { verdict: Verdict::Wait { ms }, .. }) => {
                let until = self.ease(place, usage, Some(ms)).await?;
                Err(Trouble::NotBefore(until.unwrap_or_else(|| self.now().plus_ms(EASE_MS))))
            }
            Err(Failure { verdict, error }) => {
                let _ = self.ease(place, usage, None).await;
                Err(self.refusal(place, &verdict, error).await?)
            }
        }
    }

    async fn refusal(
        &self,
        place: &Place,
        verdict: &Verdict,
        error: MetaError,
    ) -> Result<Trouble, StoreError> {
        // 100 with subcode 33 is about the object, whatever the token may else: most often a lead that is not readable yet.
        let of_object = error.code == 100;
        let reason = match verdict {
            Verdict::Token => "token_invalid",
            Verdict::Permission if !of_object => "permission_missing",
            Verdict::Permission | Verdict::BadData => return Ok(Trouble::Refused(error)),
            Verdict::Retry | Verdict::UnknownOutcome | Verdict::Wait { .. } => return Ok(Trouble::Retry),
        };
        match &place.connection {
            Some(connection) => {
                let trouble = self.condemn(connection, reason, &error).await?;
                self.forget_place(place);
                Ok(trouble)
            }
            None => Ok(Trouble::attention(reason)),
        }
    }

    /// Notes how long Meta wants no calls: as long as it says, or a minute where a limit is near.
    async fn ease(
        &self,
        place: &Place,
        usage: Usage,
        asked_ms: Option<u64>,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let asked = asked_ms.map(|ms| i64::try_from(ms.max(1_000)).unwrap_or(i64::MAX));
        let near = (usage.percent >= ENOUGH_PERCENT).then_some(EASE_MS);
        let Some(ms) = asked.max(near) else { return Ok(None) };
        let (until, page) = (self.now().plus_ms(ms), &place.page);
        self.ports.leads().block(&page.tenant_id, &page.id, until).await?;
        self.caches.blocked.put((page.tenant_id.clone(), page.id.clone()), Some(until), self.now());
        Ok(Some(until))
    }

    /// Notes that the token is refused, unless somebody has pasted another one meanwhile.
    async fn condemn(
        &self,
        connection: &Connection,
        reason: &'static str,
        error: &MetaError,
    ) -> Result<Trouble, StoreError> {
        let code = (error.code != 0).then_some(error.code);
        let trouble = Trouble::Attention { reason, code };
        let (key, now) = (token(connection), self.now());
        if self.caches.refused.get(&key, now).is_some() {
            return Ok(trouble);
        }
        // Remembered first: others that were calling at the same time find it told.
        self.caches.refused.put(key.clone(), Refused { reason, code }, now);
        if !connection.health.is_ok() {
            return Ok(trouble);
        }
        let reason = reason.to_owned();
        let health = Health::NeedsAttention { reason, code, subcode: error.subcode, since: now };
        let (tenant, id) = (&connection.tenant_id, &connection.id);
        let config = self.ports.config();
        match config.set_connection_health(tenant, id, connection.token_version, &health).await {
            Ok(()) => {
                Tally::count(&self.tally.attention);
                Ok(trouble)
            }
            Err(error) => {
                self.caches.refused.forget(&key);
                if error == StoreError::Conflict { Ok(Trouble::Retry) } else { Err(error) }
            }
        }
    }

    /// A token that works is well again, whatever was held against it. That this is not noted is no loss: the next call
    /// notes it.
    async fn trust(&self, place: &Place) {
        let Some(connection) = place.connection.as_ref().filter(|connection| !connection.health.is_ok())
        else {
            return;
        };
        let (tenant, id) = (&connection.tenant_id, &connection.id);
        let config = self.ports.config();
        let _ = config.set_connection_health(tenant, id, connection.token_version, &Health::Ok).await;
        self.forget_place(place);
    }
}

fn token(connection: &Connection) -> (crate::ids::TenantId, crate::ids::ConnectionId, u32) {
    (connection.tenant_id.clone(), connection.id.clone(), connection.token_version)
}
