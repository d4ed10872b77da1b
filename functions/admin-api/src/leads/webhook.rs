//! The tenant's webhook: where it wants to be told of new leads.

use adrelay_core::config::Webhook;
use adrelay_core::ids::TenantId;
use adrelay_core::jobs::{WEBHOOK_OWNER, WEBHOOK_PURPOSE, WebhookKey};
use adrelay_core::ports::admin::WebhookAdmin as _;
use adrelay_core::ports::clock::Entropy as _;
use adrelay_lambda::problem::Problem;
use adrelay_lambda::respond;
use serde::Serialize;

use super::read;
use crate::answer::{Answer, nothing, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::vouched;
use crate::ports::Ports;
use crate::rules;

const UNKNOWN: &str = "webhook_unknown";

/// Where a tenant is told of new leads.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = LeadWebhook))]
pub(crate) struct WebhookView {
    /// Whose it is.
    tenant_id: String,
    /// What is called.
    url: String,
    /// Whether it is called.
    enabled: bool,
    /// What calls are signed with (Standard Webhooks): shown this once, where it was made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// When it was last changed.
    #[cfg_attr(test, schema(format = DateTime))]
    updated_at: String,
}

impl std::fmt::Debug for WebhookView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookView({})", self.tenant_id)
    }
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            tenant_id: webhook.tenant_id.to_string(),
            url: webhook.url,
            enabled: webhook.enabled,
            secret: None,
            created_at: webhook.created_at.rfc3339(),
            updated_at: webhook.updated_at.rfc3339(),
        }
    }
}

impl<P: Ports> AdminApi<P> {
    /// A webhook that is there keeps its secret unless another one is given.
    pub(crate) async fn put_webhook(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let url = fields.required("url", read::webhook_url(self.switches.loopback));
        let enabled = fields.optional("enabled", rules::boolean).unwrap_or(true);
        let given = fields.optional("secret", read::webhook_secret);
        fields.finish()?;
        call.query.finish()?;
        self.known_tenant(&tenant).await?;
        let before = self.ports.config().webhook(&tenant).await.map_err(store)?;
        let made =
            (given.is_none() && before.is_none()).then(|| WebhookKey::secret(&self.ports.entropy().array()));
        let sealed = match (given.as_ref().or(made.as_ref()), &before) {
            (Some(secret), _) => self.seal(&tenant, WEBHOOK_OWNER, WEBHOOK_PURPOSE, secret).await?,
            (None, Some(before)) => before.sealed_secret.clone(),
            (None, None) => return Err(Problem::internal()),
        };
        let now = self.now();
        let webhook = Webhook {
            tenant_id: tenant,
            url: vouched(url)?,
            sealed_secret: sealed,
            enabled,
            created_at: before.as_ref().map_or(now, |before| before.created_at),
            updated_at: now,
        };
        self.ports.config().put_webhook(&webhook).await.map_err(store)?;
        let status = if before.is_none() { 201 } else { 200 };
        let secret = made.map(|secret| secret.expose().to_owned());
        Ok(respond::json(status, &WebhookView { secret, ..webhook.into() }))
    }

    /// The tenant's webhook, or 404.
    pub(super) async fn webhook(&self, tenant: &TenantId) -> Result<Webhook, Problem> {
        let found = self.ports.config().webhook(tenant).await.map_err(store)?;
        found.ok_or_else(|| not_found(UNKNOWN))
    }

    pub(crate) async fn get_webhook(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        ok(&WebhookView::from(self.webhook(&tenant).await?))
    }

    /// What is still to be told is dropped.
    pub(crate) async fn delete_webhook(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        self.webhook(&tenant).await?;
        self.ports.config().delete_webhook(&tenant).await.map_err(store)?;
        Ok(nothing())
    }
}
