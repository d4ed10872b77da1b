//! Who calls, and for which tenant.

use adrelay_core::auth::{Principal, key_sha256, looks_like_key};
use adrelay_core::config::Scope;
use adrelay_core::ids::TenantId;
use adrelay_core::ports::config::KeyDirectory;
use adrelay_core::ports::secrets::Secrets;
use adrelay_lambda::auth::{AuthError, RootKey};
use adrelay_lambda::problem::Problem;

use crate::fields::invalid_field;
use crate::route::Access;

/// Finds out who has a key. Keys are looked up for every request: a revoked one is refused at once here.
pub(crate) async fn authenticate(
    key: Option<&str>,
    keys: &impl KeyDirectory,
    secrets: &impl Secrets,
    root_secret: &str,
) -> Result<Principal, AuthError> {
    let key = key.ok_or(AuthError::Missing)?;
    if !looks_like_key(key) {
        return Err(AuthError::Unknown);
    }
    let cached = root_key(secrets.secret(root_secret).await);
    if cached.as_ref().is_ok_and(|root| root.matches(key)) {
        return Ok(Principal::root());
    }
    match keys.key_by_sha256(&key_sha256(key)).await {
        Ok(Some(found)) if found.revoked_at.is_some() => return Err(AuthError::Revoked),
        Ok(Some(found)) => return Ok(Principal::from(&found)),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, "keys can't be looked up");
            return Err(AuthError::Unavailable);
        }
    }
    // Perhaps a new root key, written after ours was read. The adapter reads at most once a minute.
    match root_key(secrets.refresh(root_secret).await) {
        Ok(root) if root.matches(key) => Ok(Principal::root()),
        Ok(_) => Err(AuthError::Unknown),
        Err(error) => {
            tracing::error!(error, "the root key's secret can't be read");
            Err(AuthError::Unavailable)
        }
    }
}

fn root_key<E: std::fmt::Display>(secret: Result<adrelay_core::seal::Secret, E>) -> Result<RootKey, String> {
    let secret = secret.map_err(|error| error.to_string())?;
    RootKey::parse(secret.expose()).ok_or_else(|| "malformed".to_owned())
}

/// Checks that a principal may use a route.
///
/// # Errors
/// 403.
pub(crate) fn allow(principal: &Principal, access: Access) -> Result<(), Problem> {
    let is_root = principal.tenant.is_none();
    match access {
        Access::Open => Ok(()),
        Access::Root if principal.scope == Scope::Admin && !is_root => {
            Err(Problem::new(403, "root_required", "Only the root key may do this."))
        }
        Access::AdminOrIngest if principal.scope == Scope::Ingest => Ok(()),
        Access::AdminOrPeople if principal.scope == Scope::People => Ok(()),
        Access::Root | Access::Admin | Access::AdminOrIngest | Access::AdminOrPeople => {
            if principal.scope == Scope::Admin { Ok(()) } else { Err(AuthError::WrongScope.into()) }
        }
    }
}

/// The tenant that a call is about: the key's own; with the root key, the one it names.
///
/// # Errors
/// 422 where the root key names none; 403 where a key names another tenant than its own.
pub(crate) fn tenant(principal: &Principal, named: Option<TenantId>) -> Result<TenantId, Problem> {
    match (&principal.tenant, named) {
        (None, Some(named)) => Ok(named),
        (None, None) => Err(invalid_field("tenant_id", "required", "the root key must name tenant_id")),
        (Some(own), Some(named)) if *own != named => {
            Err(Problem::new(403, "tenant_forbidden", "This key belongs to another tenant."))
        }
        (Some(own), _) => Ok(own.clone()),
    }
}
