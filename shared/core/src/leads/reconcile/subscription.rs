//! Whether Meta still announces a page's leads; where it does not, it is asked to again.

use crate::config::Subscription;
use crate::leads::calling::Trouble;
use crate::leads::desk::{LeadDesk, Ports};
use crate::leads::place::Place;
use crate::ports::config::PageDirectory as _;
use crate::ports::leads_api::{Answered, LeadsApi as _};
use crate::ports::meta::Verdict;

/// How long Meta's yes is believed, in milliseconds: near a limit a page gets one call a minute, which must not be this one
/// each time.
const BELIEVED_MS: i64 = 300_000;

/// What came of the look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcing {
    /// Meta announces leads.
    Yes,
    /// It did not, and does again.
    Again,
    /// It does not, and can't be made to.
    No,
    /// It did not say.
    Unknown,
}

/// Why a call about subscriptions brought nothing: a stable code.
type Unsaid = &'static str;

/// The token may not see or change subscriptions. It may read leads all the same, so this is not held against it.
const FORBIDDEN: Unsaid = "permission_missing";

/// Meta did not answer.
const SILENT: Unsaid = "no_answer";

impl<P: Ports> LeadDesk<P> {
    /// Looks, subscribes where that is missing, and notes what is so now. That Meta does not answer about this alone keeps
    /// nobody from looking for leads.
    ///
    /// # Errors
    /// [`Trouble`] that keeps from any call for the page.
    pub(super) async fn check_subscription(&self, place: &Place) -> Result<Announcing, Trouble> {
        if let Subscription::Subscribed { checked_at } = place.page.subscription
            && (0..BELIEVED_MS).contains(&self.now().ms_since(checked_at))
        {
            return Ok(Announcing::Yes);
        }
        let app_id = place.connection.as_ref().and_then(|connection| connection.app_id.as_deref());
        let credentials = self.ready(place).await?;
        let looked = self.ports.meta().is_subscribed(&credentials, &place.page.id, app_id).await;
        let (announcing, reason) = match self.said(place, looked).await? {
            Ok(true) => (Announcing::Yes, None),
            Err(SILENT) => return Ok(Announcing::Unknown),
            // Who may not look may still be allowed to subscribe, and the same again is no error.
            Ok(false) | Err(_) => {
                let credentials = self.ready(place).await?;
                let subscribed = self.ports.meta().subscribe(&credentials, &place.page.id).await;
                match self.said(place, subscribed).await? {
                    Ok(()) => (Announcing::Again, None),
                    Err(reason) => (Announcing::No, Some(reason.to_owned())),
                }
            }
        };
        let checked_at = self.now();
        let subscription = match announcing {
            Announcing::No => Subscription::Missing { checked_at, reason },
            _ => Subscription::Subscribed { checked_at },
        };
        self.ports.config().set_subscription(&place.page.tenant_id, &place.page.id, &subscription).await?;
        self.forget_place(place);
        Ok(announcing)
    }

    /// What a call about subscriptions brought, or why nothing.
    async fn said<T>(&self, place: &Place, answered: Answered<T>) -> Result<Result<T, Unsaid>, Trouble> {
        if let Err(failure) = &answered.result
            && matches!(failure.verdict, Verdict::Permission | Verdict::BadData)
        {
            return Ok(Err(FORBIDDEN));
        }
        match self.heard(place, answered).await {
            Ok(value) => Ok(Ok(value)),
            Err(Trouble::Retry) => Ok(Err(SILENT)),
            Err(trouble) => Err(trouble),
        }
    }
}
