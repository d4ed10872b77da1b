//! A tenant's rules: one current set, and each that ever was.

use adrelay_core::ids::TenantId;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::rules::{RuleAdmin as _, RuleVersion};
use adrelay_core::rules::{Rule, default_rules, parse};
use adrelay_lambda::problem::Problem;
use serde::Serialize;
use serde_json::Value;

use crate::answer::{Answer, ok, store};
use crate::api::{AdminApi, Call, not_found};
use crate::fields::{Fields, Wrong, invalid_field, vouched};
use crate::ports::Ports;
use crate::rules;

const UNKNOWN: &str = "rules_unknown";

/// A set of rules as it is shown.
#[derive(Debug, Serialize)]
struct RuleSetView {
    tenant_id: String,
    version: u64,
    rules: Vec<Rule>,
    changed_at: Option<String>,
    changed_by: Option<String>,
}

impl RuleSetView {
    fn new(tenant: &TenantId, found: Option<RuleVersion>) -> Self {
        let tenant_id = tenant.to_string();
        match found {
            Some(RuleVersion { set, changed_at, changed_by }) => Self {
                tenant_id,
                version: set.version,
                rules: set.rules,
                changed_at: Some(changed_at.rfc3339()),
                changed_by: Some(changed_by),
            },
            None => Self { tenant_id, version: 0, rules: Vec::new(), changed_at: None, changed_by: None },
        }
    }
}

/// A version of a set; 0 stands for none.
fn version(value: &Value) -> Result<u64, Wrong> {
    let wrong = || {
        Wrong::new("wrong_type", "must be a whole number: the version that is current, 0 for the first set")
    };
    value.as_u64().ok_or_else(wrong)
}

/// Reads the rules in a field of a body; each mistake has its own place.
pub(crate) fn rules_of(fields: &mut Fields, posted: Option<&Value>) -> Option<Vec<Rule>> {
    match parse(posted?) {
        Ok(rules) => Some(rules),
        Err(errors) => {
            for error in errors {
                fields.wrong(&error.field, Wrong::new(error.code, error.message));
            }
            None
        }
    }
}

/// Any JSON, read later.
#[expect(clippy::unnecessary_wraps, reason = "the shape of a field's rule")]
pub(crate) fn any(value: &Value) -> Result<Value, Wrong> {
    Ok(value.clone())
}

impl<P: Ports> AdminApi<P> {
    /// The current set, of a tenant that exists.
    pub(crate) async fn current_rules(&self, tenant: &TenantId) -> Result<Option<RuleVersion>, Problem> {
        let found = self.ports.config().current(tenant).await.map_err(store)?;
        if found.is_none() {
            self.known_tenant(tenant).await?;
        }
        Ok(found)
    }

    pub(crate) async fn get_rules(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let asked = call.query.text("version")?;
        call.query.finish()?;
        let Some(asked) = asked else {
            return ok(&RuleSetView::new(&tenant, self.current_rules(&tenant).await?));
        };
        let wrong = || invalid_field("version", "invalid", "a whole number");
        let version: u64 = asked.parse().map_err(|_| wrong())?;
        let found = self.ports.config().version(&tenant, version).await.map_err(store)?;
        let found = found.ok_or_else(|| not_found(UNKNOWN))?;
        ok(&RuleSetView::new(&tenant, Some(found)))
    }

    pub(crate) async fn replace_rules(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let replaced = fields.required("version", version);
        let posted = fields.required("rules", any);
        let read = rules_of(&mut fields, posted.as_ref());
        fields.finish()?;
        call.query.finish()?;
        self.known_tenant(&tenant).await?;
        self.put_rules(&call, &tenant, vouched(replaced)?, vouched(read)?).await
    }

    pub(crate) async fn load_default_rules(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let replace = fields.optional("replace", rules::boolean).unwrap_or(false);
        fields.finish()?;
        call.query.finish()?;
        let current = self.current_rules(&tenant).await?;
        if !replace && current.as_ref().is_some_and(|current| !current.set.rules.is_empty()) {
            let detail =
                "The tenant has rules. Post {\"replace\": true} to put the shipped ones in their place.";
            return Err(Problem::new(409, "rules_exist", detail));
        }
        let shipped = default_rules().map_err(|errors| {
            tracing::error!(?errors, "the shipped rules can't be read");
            Problem::internal()
        })?;
        let replaced = current.map_or(0, |current| current.set.version);
        self.put_rules(&call, &tenant, replaced, shipped).await
    }

    async fn put_rules(&self, call: &Call<'_>, tenant: &TenantId, replaced: u64, rules: Vec<Rule>) -> Answer {
        let put = self.ports.config().replace(tenant, replaced, rules, &call.who.name, self.now()).await;
        match put {
            Ok(new) => ok(&RuleSetView::new(tenant, Some(new))),
            Err(StoreError::Conflict) => {
                let detail = "Another version is current. Get it, put the change into it, and try again.";
                Err(Problem::new(409, "version_conflict", detail))
            }
            Err(error) => Err(store(error)),
        }
    }
}
