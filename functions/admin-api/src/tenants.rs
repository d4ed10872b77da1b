//! Tenants.

use adrelay_core::config::Tenant;
use adrelay_core::ids::TenantId;
use adrelay_core::ports::admin::{ConfigAdmin as _, HealthWrite, Revised};
use adrelay_lambda::problem::Problem;
use serde::Serialize;

use crate::answer::{Answer, List, created, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Fields, vouched};
use crate::page::{Asked, bad_cursor};
use crate::ports::Ports;
use crate::rules;

pub(crate) const UNKNOWN: &str = "tenant_unknown";

const MAX_NAME: usize = 200;

/// The boundary that nothing crosses: people, tokens, events belong to one tenant.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Tenant))]
pub(crate) struct TenantView {
    /// Its id.
    id: String,
    /// Its name for people.
    #[cfg_attr(test, schema(max_length = 200))]
    name: String,
    /// When it was created.
    #[cfg_attr(test, schema(format = DateTime))]
    created_at: String,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self { id: tenant.id.to_string(), name: tenant.name, created_at: tenant.created_at.rfc3339() }
    }
}

fn name(fields: &mut Fields) -> Option<String> {
    fields.required("name", rules::text(MAX_NAME))
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn create_tenant(&self, call: Call<'_>) -> Answer {
        let mut fields = call.fields()?;
        let name = name(&mut fields);
        fields.finish()?;
        call.query.finish()?;
        let tenant = Tenant { id: self.new_id("ten")?, name: vouched(name)?, created_at: self.now() };
        self.create(&tenant, "already_exists").await?;
        created(&TenantView::from(tenant))
    }

    pub(crate) async fn list_tenants(&self, mut call: Call<'_>) -> Answer {
        let asked = Asked::take(&mut call.query)?;
        call.query.finish()?;
        if let Some(own) = &call.who.tenant {
            let tenant: Revised<Tenant> = self.get(own, own, UNKNOWN).await?;
            return ok(&List { items: vec![TenantView::from(tenant.value)], next_cursor: None });
        }
        let after = asked.cursor.as_deref().map(TenantId::parse).transpose().map_err(|_| bad_cursor())?;
        let page = self.ports.config().tenants(after.as_ref(), asked.limit).await.map_err(store)?;
        let items = page.items.into_iter().map(TenantView::from).collect();
        ok(&List { items, next_cursor: page.next_cursor })
    }

    pub(crate) async fn get_tenant(&self, call: Call<'_>) -> Answer {
        let id = visible(&call)?;
        call.query.finish()?;
        let tenant: Revised<Tenant> = self.get(&id, &id, UNKNOWN).await?;
        ok(&TenantView::from(tenant.value))
    }

    pub(crate) async fn change_tenant(&self, call: Call<'_>) -> Answer {
        let id = visible(&call)?;
        let mut fields = call.fields()?;
        let name = name(&mut fields);
        fields.finish()?;
        call.query.finish()?;
        let name = vouched(name)?;
        let change = |tenant: &mut Tenant| {
            tenant.name.clone_from(&name);
            Ok(HealthWrite::Keep)
        };
        let tenant = self.modify(&id, &id, UNKNOWN, change).await?;
        ok(&TenantView::from(tenant))
    }

    /// 404 for a tenant that does not exist.
    pub(crate) async fn known_tenant(&self, tenant: &TenantId) -> Result<(), Problem> {
        self.get::<Tenant>(tenant, tenant, UNKNOWN).await.map(|_| ())
    }

    /// Refuses a creation under a tenant that does not exist. Only the root key can name one.
    pub(crate) async fn existing(&self, call: &Call<'_>, tenant: &TenantId) -> Result<(), Problem> {
        if call.who.tenant.is_none() {
            self.referred::<Tenant>(tenant, tenant, "tenant_id", UNKNOWN).await?;
        }
        Ok(())
    }
}

/// The tenant in the path; for an admin key, another tenant than its own does not exist.
fn visible(call: &Call<'_>) -> Result<TenantId, Problem> {
    let id: TenantId = call.id(UNKNOWN)?;
    if call.who.tenant.as_ref().is_some_and(|own| *own != id) {
        return Err(not_found(UNKNOWN));
    }
    call.tenant_named(Some(id))
}
