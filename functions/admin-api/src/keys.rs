//! API keys: shown once, found by their SHA-256, revoked but never forgotten.

use adrelay_core::auth::{key_sha256, new_key};
use adrelay_core::config::{ApiKey, Scope, Source};
use adrelay_core::ids::{KeyId, SourceId, TenantId};
use adrelay_core::ports::admin::{HealthWrite, Revised};
use adrelay_core::ports::clock::Entropy as _;
use adrelay_core::time::UnixMillis;
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, List, created, nothing, ok};
use crate::api::{AdminApi, Call};
use crate::fields::{Fields, Wrong, vouched};
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::{rules, sources};

const UNKNOWN: &str = "api_key_unknown";

const MAX_NAME: usize = 100;

const SCOPES: &[(&str, Scope)] = &[
    ("ingest", Scope::Ingest),
    ("people", Scope::People),
    ("public", Scope::Public),
    ("admin", Scope::Admin),
];

/// What is known of an API key. Neither the key nor its hash is ever shown.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ApiKey))]
pub(crate) struct KeyView {
    /// Its public name.
    id: String,
    /// Whose it is.
    tenant_id: String,
    /// The source that it is bound to: always for `ingest` and `public`.
    source_id: Option<String>,
    /// What it may do: `ingest`, `people`, `public` or `admin`.
    #[cfg_attr(test, schema(pattern = "^(ingest|people|public|admin)$"))]
    scope: &'static str,
    /// Its name for people; the "who" in histories.
    name: String,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
    /// Since when it is refused.
    #[cfg_attr(test, schema(format = DateTime))]
    revoked_at: Option<String>,
}

/// A key that was just created.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = CreatedApiKey))]
pub(crate) struct CreatedKeyView {
    /// The key itself. Shown this once.
    key: String,
    /// What is known of it.
    #[serde(flatten)]
    view: KeyView,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            tenant_id: key.tenant_id.to_string(),
            source_id: key.source_id.map(|id| id.to_string()),
            scope: key.scope.as_str(),
            name: key.name,
            created_at: key.created_at.rfc3339(),
            revoked_at: key.revoked_at.map(UnixMillis::rfc3339),
        }
    }
}

fn check_source(fields: &mut Fields, scope: Option<Scope>, source: bool) {
    match scope {
        Some(Scope::Ingest | Scope::Public) if !source => {
            fields.wrong("source_id", Wrong::new("required", "a key of this scope is bound to a source"));
        }
        Some(Scope::Admin) if source => {
            fields.wrong("source_id", Wrong::new("not_allowed", "an admin key is for the whole tenant"));
        }
        _ => {}
    }
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn create_key(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let tenant = fields.optional("tenant_id", rules::id::<TenantId>);
        let source_id = fields.optional("source_id", rules::id::<SourceId>);
        let scope = fields.required("scope", rules::word(SCOPES));
        let name = fields.optional("name", rules::text(MAX_NAME));
        check_source(&mut fields, scope, source_id.is_some());
        fields.finish()?;
        call.query.finish()?;
        let scope = vouched(scope)?;
        let tenant_id = call.tenant_named(tenant)?;
        self.existing(&call, &tenant_id).await?;
        if let Some(source) = &source_id {
            self.referred::<Source>(&tenant_id, source, "source_id", sources::UNKNOWN).await?;
        }
        let text = new_key(scope, self.ports.entropy().array());
        let key = ApiKey {
            tenant_id,
            id: self.new_id("key")?,
            sha256: key_sha256(text.expose()),
            scope,
            source_id,
            name: name.unwrap_or_else(|| format!("{} key", scope.as_str())),
            created_at: self.now(),
            revoked_at: None,
        };
        self.create(&key, "already_exists").await?;
        created(&CreatedKeyView { key: text.expose().to_owned(), view: key.into() })
    }

    pub(crate) async fn list_keys(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        let after = asked.cursor.as_deref().map(KeyId::parse).transpose().map_err(|_| bad_cursor())?;
        let page = self.list::<ApiKey>(&tenant, after.as_ref(), asked.limit).await?;
        let items = page.items.into_iter().map(KeyView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn get_key(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        call.query.finish()?;
        let found: Revised<ApiKey> = self.get(&tenant, &call.id(UNKNOWN)?, UNKNOWN).await?;
        ok(&KeyView::from(found.value))
    }

    pub(crate) async fn delete_key(&self, call: Call<'_>) -> Answer {
        self.revoke(call).await?;
        Ok(nothing())
    }

    pub(crate) async fn revoke_key(&self, call: Call<'_>) -> Answer {
        let key = self.revoke(call).await?;
        ok(&KeyView::from(key))
    }

    /// A revoked key stays known, so that its holder reads `key_revoked` and histories keep its name.
    async fn revoke(&self, mut call: Call<'_>) -> Result<ApiKey, Problem> {
        let tenant = call.tenant()?;
        call.fields()?.finish()?;
        let id: KeyId = call.id(UNKNOWN)?;
        call.query.finish()?;
        let now = self.now();
        let revoke = |key: &mut ApiKey| {
            key.revoked_at = key.revoked_at.or(Some(now));
            Ok(HealthWrite::Keep)
        };
        self.modify(&tenant, &id, UNKNOWN, revoke).await
    }
}
