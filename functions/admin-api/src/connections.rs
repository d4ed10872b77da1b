//! Connections: Meta's tokens, sealed. A token goes in and never comes out.

use adrelay_core::config::{Connection, ConnectionKind, Health};
use adrelay_core::ids::{ConnectionId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, Records as _, Revised};
use adrelay_core::ports::clock::Entropy as _;
use adrelay_core::seal::{SealContext, Secret};
use adrelay_core::time::UnixMillis;
use adrelay_core::vault::{ACCESS_TOKEN, APP_SECRET};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, List, created, nothing, ok, store};
use crate::api::{AdminApi, Call};
use crate::fields::{Change, Fields, Wrong, invalid_field, vouched};
use crate::health::HealthView;
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::rules;

pub(crate) const UNKNOWN: &str = "connection_unknown";

const KINDS: &[(&str, ConnectionKind)] =
    &[("system_user", ConnectionKind::SystemUser), ("page", ConnectionKind::Page)];

/// A Meta access token and what is known of it. The token itself is never shown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Connection))]
pub(crate) struct ConnectionView {
    /// Its id.
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// What kind of token it holds.
    #[cfg_attr(test, schema(pattern = "^(system_user|page)$"))]
    kind: &'static str,
    /// The connection whose token brought this page's token; null where it was pasted.
    derived_from: Option<String>,
    /// The app that issued the token, where known. Calls with a token of our app, or with an own app secret, carry
    /// `appsecret_proof`.
    app_id: Option<String>,
    /// Whether the tenant brought the secret of `app_id`.
    own_app_secret: bool,
    /// Counts the tokens that it had.
    token_version: u32,
    /// Whether the token works.
    health: HealthView,
    /// When Meta last confirmed the token on request.
    #[cfg_attr(test, schema(format = DateTime))]
    verified_at: Option<String>,
    /// When the token ends, where Meta said so.
    #[cfg_attr(test, schema(format = DateTime))]
    expires_at: Option<String>,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When a person last changed it.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        Self {
            id: connection.id.to_string(),
            tenant_id: connection.tenant_id.to_string(),
            kind: match connection.kind {
                ConnectionKind::SystemUser => "system_user",
                ConnectionKind::Page => "page",
            },
            derived_from: connection.derived_from.map(|parent| parent.to_string()),
            app_id: connection.app_id,
            own_app_secret: connection.sealed_app_secret.is_some(),
            token_version: connection.token_version,
            health: connection.health.into(),
            verified_at: connection.verified_at.map(UnixMillis::rfc3339),
            expires_at: connection.expires_at.map(UnixMillis::rfc3339),
            created_at: connection.created_at.rfc3339(),
            updated_at: connection.updated_at.rfc3339(),
        }
    }
}

/// An app's secret says nothing without the app's id.
fn check_app(fields: &mut Fields, app_id: bool, app_secret: bool) {
    if app_secret && !app_id {
        fields.wrong("app_id", Wrong::new("required", "app_secret needs its app_id"));
    }
}

impl<P: Ports> AdminApi<P> {
    /// Seals a secret for Meta or a tenant's webhook.
    pub(crate) async fn seal(
        &self,
        tenant: &TenantId,
        owner: &str,
        purpose: &'static str,
        secret: &Secret,
    ) -> Result<String, Problem> {
        let context = SealContext { tenant: tenant.as_str(), owner, purpose };
        let sealed = self.vault.seal(context, secret, self.ports.entropy().array()).await;
        sealed.map_err(|error| {
            tracing::error!(%error, "a token can't be sealed");
            Problem::unavailable()
        })
    }

    pub(crate) async fn create_connection(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let kind = fields.required("kind", rules::word(KINDS));
        let token = fields.required("access_token", rules::secret);
        let app_id = fields.optional("app_id", rules::meta_id);
        let app_secret = fields.optional("app_secret", rules::secret);
        check_app(&mut fields, app_id.is_some(), app_secret.is_some());
        fields.finish()?;
        call.query.finish()?;
        let tenant_id = call.tenant_named(tenant)?;
        self.existing(&call, &tenant_id).await?;
        let id: ConnectionId = self.new_id("con")?;
        let sealed_token = self.seal(&tenant_id, id.as_str(), ACCESS_TOKEN, &vouched(token)?).await?;
        let sealed_app_secret = match &app_secret {
            Some(secret) => Some(self.seal(&tenant_id, id.as_str(), APP_SECRET, secret).await?),
            None => None,
        };
        let now = self.now();
        let connection = Connection {
            tenant_id,
            id,
            kind: vouched(kind)?,
            sealed_token,
            token_version: 1,
            app_id,
            sealed_app_secret,
            derived_from: None,
            health: Health::Ok,
            verified_at: None,
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        self.create(&connection, "already_exists").await?;
        created(&ConnectionView::from(connection))
    }

    pub(crate) async fn list_connections(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let after = asked.cursor.as_deref().map(ConnectionId::parse).transpose().map_err(|_| bad_cursor())?;
        let page = self.list::<Connection>(&tenant, after.as_ref(), asked.limit).await?;
        let items = page.items.into_iter().map(ConnectionView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn get_connection(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let found: Revised<Connection> = self.get(&tenant, &call.id(UNKNOWN)?, UNKNOWN).await?;
        ok(&ConnectionView::from(found.value))
    }

    pub(crate) async fn change_connection(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let id: ConnectionId = call.id(UNKNOWN)?;
        let mut fields = call.fields()?;
        let token = fields.replace("access_token", rules::secret);
        let app_id = fields.change("app_id", rules::meta_id);
        let app_secret = fields.change("app_secret", rules::secret);
        fields.finish()?;
        call.query.finish()?;
        if token.is_none() && app_id == Change::Keep && app_secret == Change::Keep {
            let found: Revised<Connection> = self.get(&tenant, &id, UNKNOWN).await?;
            return ok(&ConnectionView::from(found.value));
        }
        let sealed_token = match &token {
            Some(token) => Some(self.seal(&tenant, id.as_str(), ACCESS_TOKEN, token).await?),
            None => None,
        };
        let sealed_app_secret = match app_secret {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(secret) => Change::Set(self.seal(&tenant, id.as_str(), APP_SECRET, &secret).await?),
        };
        let now = self.now();
        let change = |connection: &mut Connection| {
            if let Some(sealed) = &sealed_token {
                connection.sealed_token.clone_from(sealed);
                connection.token_version = connection.token_version.saturating_add(1);
                connection.verified_at = None;
                connection.expires_at = None;
            }
            app_id.clone().apply(&mut connection.app_id);
            sealed_app_secret.clone().apply(&mut connection.sealed_app_secret);
            if connection.sealed_app_secret.is_some() && connection.app_id.is_none() {
                return Err(invalid_field("app_id", "required", "app_secret needs its app_id"));
            }
            connection.health = Health::Ok;
            connection.updated_at = now;
            Ok(HealthWrite::Replace)
        };
        let connection = self.modify(&tenant, &id, UNKNOWN, change).await?;
        self.release(&tenant, &self.pixels_of(&tenant, &id).await?).await?;
        ok(&ConnectionView::from(connection))
    }

    pub(crate) async fn delete_connection(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let id: ConnectionId = call.id(UNKNOWN)?;
        let found: Revised<Connection> = self.get(&tenant, &id, UNKNOWN).await?;
        if let Some(user) = self.use_of(&tenant, &id).await? {
            let detail = format!("The {user} uses it.");
            return Err(Problem::new(409, "connection_in_use", detail));
        }
        self.ports.config().delete(&found.value).await.map_err(store)?;
        Ok(nothing())
    }

    /// What uses a connection, where anything does: `pixel 5`, `page 7`.
    pub(crate) async fn use_of(
        &self,
        tenant: &TenantId,
        id: &ConnectionId,
    ) -> Result<Option<String>, Problem> {
        if let Some(pixel) = self.pixels_of(tenant, id).await?.first() {
            return Ok(Some(format!("pixel {pixel}")));
        }
        let pages = self.pages_of(tenant).await?;
        Ok(pages.iter().find(|page| page.connection_id == *id).map(|page| format!("page {}", page.id)))
    }
}
