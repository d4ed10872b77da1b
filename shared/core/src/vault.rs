//! The vault: seals and opens tokens with the keyring that Secrets Manager holds.

use serde::Deserialize;

use crate::config::Connection;
use crate::ports::meta::Credentials;
use crate::ports::secrets::Secrets;
use crate::ports::vault::{CredentialError, CredentialSource};
use crate::seal::{Keyring, SealContext, SealError, Secret};

/// Purpose of a sealed access token.
pub const ACCESS_TOKEN: &str = "access_token";

/// Purpose of a sealed app secret.
pub const APP_SECRET: &str = "app_secret";

/// Seals and opens texts with one keyring that Secrets Manager holds.
#[derive(Debug)]
pub struct Sealer<S> {
    secrets: S,
    keyring_id: String,
}

impl<S: Secrets> Sealer<S> {
    /// A sealer with the keyring of this name or ARN.
    pub fn new(secrets: S, keyring_id: String) -> Self {
        Self { secrets, keyring_id }
    }

    /// Seals `text`. `nonce` must be fresh randomness.
    ///
    /// # Errors
    /// [`CredentialError`] where the keyring can't be read.
    pub async fn seal(
        &self,
        context: SealContext<'_>,
        text: &Secret,
        nonce: [u8; 12],
    ) -> Result<String, CredentialError> {
        self.keyring(false).await?.seal(context, text, nonce).map_err(unreadable)
    }

    /// Opens what [`Self::seal`] made in the same context.
    ///
    /// # Errors
    /// [`CredentialError`] where the keyring can't be read, or the text does not open here.
    pub async fn open(&self, context: SealContext<'_>, sealed: &str) -> Result<Secret, CredentialError> {
        match self.keyring(false).await?.open(context, sealed) {
            // Sealed by a function whose cache is newer than ours.
            Err(SealError::UnknownKey(_)) => {
                self.keyring(true).await?.open(context, sealed).map_err(unreadable)
            }
            other => other.map_err(unreadable),
        }
    }

    async fn keyring(&self, fresh: bool) -> Result<Keyring, CredentialError> {
        let secret = if fresh {
            self.secrets.refresh(&self.keyring_id).await
        } else {
            self.secrets.secret(&self.keyring_id).await
        };
        let secret = secret.map_err(|error| CredentialError::Unavailable(error.to_string()))?;
        // A malformed keyring is an operator's mistake that gets repaired: it must not condemn every connection.
        Keyring::parse(secret.expose()).map_err(|error| CredentialError::Unavailable(error.to_string()))
    }
}

/// Seals and opens tokens.
#[derive(Debug)]
pub struct Vault<S> {
    sealer: Sealer<S>,
    meta_app_id: String,
}

#[derive(Deserialize)]
struct MetaApp {
    #[serde(default)]
    app_id: String,
    #[serde(default)]
    app_secret: String,
}

impl<S: Secrets> Vault<S> {
    /// A vault over the secrets with these names or ARNs: the token keyring, and our own Meta app.
    pub fn new(secrets: S, keyring_id: String, meta_app_id: String) -> Self {
        Self { sealer: Sealer::new(secrets, keyring_id), meta_app_id }
    }

    /// Seals `text` for a connection. `nonce` must be fresh randomness.
    ///
    /// # Errors
    /// [`CredentialError`] where the keyring can't be read.
    pub async fn seal(
        &self,
        context: SealContext<'_>,
        text: &Secret,
        nonce: [u8; 12],
    ) -> Result<String, CredentialError> {
        self.sealer.seal(context, text, nonce).await
    }

    async fn app_secret(&self, connection: &Connection) -> Result<Option<Secret>, CredentialError> {
        let Some(app_id) = &connection.app_id else { return Ok(None) };
        if let Some(sealed) = &connection.sealed_app_secret {
            return self.sealer.open(context_of(connection, APP_SECRET), sealed).await.map(Some);
        }
        let ours = self.sealer.secrets.secret(&self.meta_app_id).await;
        let ours = ours.map_err(|error| CredentialError::Unavailable(error.to_string()))?;
        let ours: MetaApp = serde_json::from_str(ours.expose())
            .map_err(|_| CredentialError::Unavailable("meta-app secret malformed".to_owned()))?;
        // Meta refuses a foreign token with our proof: a proof goes out only for tokens of our own app.
        let is_ours = &ours.app_id == app_id && !ours.app_secret.is_empty();
        Ok(is_ours.then(|| Secret::new(ours.app_secret)))
    }
}

fn context_of<'a>(connection: &'a Connection, purpose: &'a str) -> SealContext<'a> {
    SealContext { tenant: connection.tenant_id.as_str(), owner: connection.id.as_str(), purpose }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unreadable(error: SealError) -> CredentialError {
    CredentialError::Unreadable(error.to_string())
}

impl<S: Secrets> CredentialSource for Vault<S> {
    async fn credentials(&self, connection: &Connection) -> Result<Credentials, CredentialError> {
        let token = self.sealer.open(context_of(connection, ACCESS_TOKEN), &connection.sealed_token).await?;
        let app_secret = self.app_secret(connection).await?;
        Ok(Credentials { token, app_secret })
    }
}
