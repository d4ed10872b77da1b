//! Tokens, opened.

use std::future::Future;

use super::meta::Credentials;
use crate::config::Connection;

/// Why a connection's token can't be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The keyring could not be read: try later.
    #[error("keyring unavailable: {0}")]
    Unavailable(String),
    /// What is stored does not open: a person must paste the token again.
    #[error("token unreadable: {0}")]
    Unreadable(String),
}

/// Opens a connection's token.
pub trait CredentialSource: Send + Sync {
    /// The token, with the app's secret where calls are to carry `appsecret_proof`.
    fn credentials(
        &self,
        connection: &Connection,
    ) -> impl Future<Output = Result<Credentials, CredentialError>> + Send;
}
