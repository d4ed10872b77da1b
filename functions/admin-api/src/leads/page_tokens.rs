//! Tokens of pages: pasted, or derived from a system user's; and the subscription that they carry.

use adrelay_core::config::{Connection, ConnectionKind, Health, Page, Subscription};
use adrelay_core::ids::{ConnectionId, PageId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, Records as _, Revised};
use adrelay_core::ports::leads_api::{LeadsApi as _, ManagedPage};
use adrelay_core::ports::meta::{Credentials, Failure, Verdict};
use adrelay_core::ports::vault::CredentialSource as _;
use adrelay_core::seal::Secret;
use adrelay_core::vault::{ACCESS_TOKEN, APP_SECRET};
use adrelay_lambda::problem::Problem;

use super::pages::UNKNOWN;
use crate::api::AdminApi;
use crate::connections;
use crate::fields::invalid_field;
use crate::meta_answer::refusal;
use crate::ports::{MetaProbe as _, Ports};

/// Pages of `/me/accounts` that one call looks through, 100 of Meta's pages each.
const MAX_ACCOUNT_PAGES: usize = 20;

/// Characters of a page's name that are kept.
const MAX_NAME: usize = 200;

/// A page's token.
pub(super) struct PageToken {
    /// What holds it, of kind `page`.
    pub(super) connection: Connection,
    /// The page's name, where Meta told it.
    pub(super) name: Option<String>,
    /// Whether the connection was made for this.
    pub(super) derived: bool,
}

fn not_managed(page: &PageId) -> Problem {
    let message = format!("its token does not manage the page {page}");
    invalid_field("connection_id", "page_not_managed", message)
}

/// Why Meta did not do it, as a stable code.
fn reason(failure: &Failure) -> &'static str {
    match failure.verdict {
        Verdict::Token => "token_invalid",
        Verdict::Permission => "permission_missing",
        Verdict::BadData => "refused",
        Verdict::Wait { .. } => "rate_limited",
        Verdict::Retry | Verdict::UnknownOutcome => "meta_unavailable",
    }
}

fn shown_name(name: Option<String>) -> Option<String> {
    name.map(|name| name.chars().take(MAX_NAME).collect())
}

impl<P: Ports> AdminApi<P> {
    /// The token of `page` by a connection that the caller names: its own, where it is of kind `page`; else one that the
    /// system user's token brings, in a new connection.
    pub(super) async fn page_token(
        &self,
        tenant: &TenantId,
        connection: &ConnectionId,
        page: &PageId,
    ) -> Result<PageToken, Problem> {
        let named: Connection =
            self.referred(tenant, connection, "connection_id", connections::UNKNOWN).await?;
        let credentials = self.credentials(&named).await?;
        match named.kind {
            ConnectionKind::Page => {
                let name = match self.ports.meta().whose(&credentials).await {
                    // `/me` of a page's token is the page.
                    Ok(object) if object.id != page.as_str() => return Err(not_managed(page)),
                    Ok(object) => object.name,
                    // Subscribing says what is wrong with the token.
                    Err(_) => None,
                };
                Ok(PageToken { connection: named, name: shown_name(name), derived: false })
            }
            ConnectionKind::SystemUser => {
                let managed = self.managed(&credentials, page).await?;
                let token = managed.token.as_ref().ok_or_else(|| not_managed(page))?;
                let connection = self.derive(&named, token, credentials.app_secret.as_ref()).await?;
                Ok(PageToken { connection, name: shown_name(managed.name), derived: true })
            }
        }
    }

    /// The page among those that a token manages.
    async fn managed(&self, credentials: &Credentials, page: &PageId) -> Result<ManagedPage, Problem> {
        let mut after: Option<String> = None;
        for _ in 0..MAX_ACCOUNT_PAGES {
            let answered = self.ports.meta().managed_pages(credentials, after.as_deref()).await;
            let rows = match answered.result {
                Ok(rows) => rows,
                Err(failure) => {
                    let code = reason(&failure);
                    let (_, error) = refusal(failure)?;
                    let message = format!("Meta does not list its pages: code {}", error.code);
                    return Err(invalid_field("connection_id", code, message));
                }
            };
            if let Some(found) = rows.rows.into_iter().find(|row| row.id == *page) {
                return Ok(found);
            }
            match rows.after {
                Some(next) => after = Some(next),
                None => return Err(not_managed(page)),
            }
        }
        Err(not_managed(page))
    }

    /// Stores a page's token in a connection of its own, with what its parent knows of the app.
    async fn derive(
        &self,
        parent: &Connection,
        token: &Secret,
        app_secret: Option<&Secret>,
    ) -> Result<Connection, Problem> {
        let id: ConnectionId = self.new_id("con")?;
        let tenant = &parent.tenant_id;
        // A proof by our own app's secret needs no copy of it.
        let own_secret = app_secret.filter(|_| parent.sealed_app_secret.is_some());
        let sealed_app_secret = match own_secret {
            Some(secret) => Some(self.seal(tenant, id.as_str(), APP_SECRET, secret).await?),
            None => None,
        };
        let now = self.now();
        let connection = Connection {
            tenant_id: tenant.clone(),
            kind: ConnectionKind::Page,
            sealed_token: self.seal(tenant, id.as_str(), ACCESS_TOKEN, token).await?,
            id,
            token_version: 1,
            app_id: parent.app_id.clone(),
            sealed_app_secret,
            derived_from: Some(parent.id.clone()),
            health: Health::Ok,
            verified_at: Some(now),
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        self.create(&connection, "already_exists").await?;
        Ok(connection)
    }

    /// Removes a connection that was made for a page which did not come to be.
    pub(super) async fn forget_token(&self, token: &PageToken) {
        if token.derived
            && let Err(error) = self.ports.config().delete(&token.connection).await
        {
            tracing::warn!(%error, connection = %token.connection.id, "an unused connection stays");
        }
    }

    /// Removes a derived connection that nothing uses any more. That it fails harms nobody: it shows in the list.
    pub(super) async fn drop_derived(&self, tenant: &TenantId, id: &ConnectionId) {
        let unused = async {
            let found: Revised<Connection> = self.get(tenant, id, connections::UNKNOWN).await?;
            let derived = found.value.derived_from.is_some();
            let used = derived && self.use_of(tenant, id).await?.is_some();
            Ok::<_, Problem>((derived && !used).then_some(found.value))
        };
        match unused.await {
            Ok(Some(connection)) => {
                self.forget_token(&PageToken { connection, name: None, derived: true }).await;
            }
            Ok(None) => {}
            Err(problem) => {
                tracing::warn!(code = problem.code, connection = %id, "an unused connection stays");
            }
        }
    }

    /// Subscribes to a page, unless Meta says that it is so already, and notes what came of it.
    pub(super) async fn subscribed(&self, page: Page, connection: &Connection) -> Result<Page, Problem> {
        let checked_at = self.now();
        let subscription = match self.subscribe(&page.id, connection).await {
            Ok(()) => Subscription::Subscribed { checked_at },
            Err(reason) => Subscription::Missing { checked_at, reason: Some(reason.to_owned()) },
        };
        let note = |page: &mut Page| {
            page.subscription = subscription.clone();
            Ok(HealthWrite::Replace)
        };
        self.modify(&page.tenant_id, &page.id, UNKNOWN, note).await
    }

    async fn subscribe(&self, page: &PageId, connection: &Connection) -> Result<(), &'static str> {
        let credentials = self.opened(connection).await?;
        let meta = self.ports.meta();
        let there = meta.is_subscribed(&credentials, page, connection.app_id.as_deref()).await;
        if there.result == Ok(true) {
            return Ok(());
        }
        meta.subscribe(&credentials, page).await.result.map_err(|failure| reason(&failure))
    }

    /// Takes our subscription of a page back.
    pub(super) async fn unsubscribed(&self, page: &Page) -> Result<(), &'static str> {
        let found: Result<Revised<Connection>, Problem> =
            self.get(&page.tenant_id, &page.connection_id, connections::UNKNOWN).await;
        let connection = found.map_err(|_| "connection_unknown")?.value;
        let credentials = self.opened(&connection).await?;
        let answered = self.ports.meta().unsubscribe(&credentials, &page.id).await;
        answered.result.map_err(|failure| reason(&failure))
    }

    async fn opened(&self, connection: &Connection) -> Result<Credentials, &'static str> {
        self.vault.credentials(connection).await.map_err(|error| {
            tracing::warn!(%error, connection = %connection.id, "a token does not open");
            "token_unreadable"
        })
    }
}
