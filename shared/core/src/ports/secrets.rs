//! Where secrets come from.

use std::future::Future;

use super::StoreError;
use crate::seal::Secret;

/// Reads secrets by the name or ARN that configuration gives.
pub trait Secrets: Send + Sync {
    /// The secret's text. Adapters cache it and serve it stale where the store refuses.
    fn secret(&self, id: &str) -> impl Future<Output = Result<Secret, StoreError>> + Send;

    /// Reads anew, after an authentication failed with what was cached; at most once a minute a secret.
    fn refresh(&self, id: &str) -> impl Future<Output = Result<Secret, StoreError>> + Send;
}
