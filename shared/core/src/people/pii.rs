//! Seals and opens what is personal, and makes identity links, with the secrets `keyring-pii` and `lookup-key`.

use super::link::LookupKey;
use super::person::{Person, Profile};
use crate::ids::{PersonId, TenantId};
use crate::ports::StoreError;
use crate::ports::secrets::Secrets;
use crate::ports::vault::CredentialError;
use crate::seal::{SealContext, Secret};
use crate::vault::Sealer;

const PERSON: &str = "person";

/// The two secrets that personal data needs.
#[derive(Debug)]
pub struct Pii<S> {
    sealer: Sealer<S>,
    secrets: S,
    lookup_id: String,
}

impl<S: Secrets + Clone> Pii<S> {
    /// Over the secrets with these names or ARNs: the keyring, and the lookup key.
    pub fn new(secrets: S, keyring_id: String, lookup_id: String) -> Self {
        Self { sealer: Sealer::new(secrets.clone(), keyring_id), secrets, lookup_id }
    }
}

impl<S: Secrets> Pii<S> {
    /// The key that identity links are made with.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the secret can't be read.
    pub async fn lookup(&self) -> Result<LookupKey, StoreError> {
        let secret = self.secrets.secret(&self.lookup_id).await?;
        // An operator's mistake that gets repaired, not a loss.
        LookupKey::parse(&secret).map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// Seals a profile; an empty one is nothing. `nonce` must be fresh randomness.
    ///
    /// # Errors
    /// [`StoreError`] where the keyring can't be read.
    pub async fn seal_profile(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        profile: &Profile,
        nonce: [u8; 12],
    ) -> Result<Option<String>, StoreError> {
        if *profile == Profile::default() {
            return Ok(None);
        }
        let json = serde_json::to_string(profile).map_err(|_| unreadable("profile"))?;
        self.seal(tenant, person.as_str(), PERSON, Secret::new(json), nonce).await.map(Some)
    }

    /// Opens a person's profile.
    ///
    /// # Errors
    /// [`StoreError`] where the keyring can't be read, or the profile does not open.
    pub async fn profile(&self, person: &Person) -> Result<Profile, StoreError> {
        let Some(sealed) = &person.sealed else { return Ok(Profile::default()) };
        let opened = self.open(&person.tenant, person.id.as_str(), PERSON, sealed).await?;
        serde_json::from_str(opened.expose()).map_err(|_| unreadable("profile"))
    }

    /// Seals a text that belongs to `owner`, for `purpose`. `nonce` must be fresh randomness.
    ///
    /// # Errors
    /// [`StoreError`] where the keyring can't be read.
    pub async fn seal(
        &self,
        tenant: &TenantId,
        owner: &str,
        purpose: &str,
        text: Secret,
        nonce: [u8; 12],
    ) -> Result<String, StoreError> {
        let context = SealContext { tenant: tenant.as_str(), owner, purpose };
        self.sealer.seal(context, &text, nonce).await.map_err(store_error)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`StoreError`] where the keyring can't be read, or the text does not open here.
    pub async fn open(
        &self,
        tenant: &TenantId,
        owner: &str,
        purpose: &str,
        sealed: &str,
    ) -> Result<Secret, StoreError> {
        let context = SealContext { tenant: tenant.as_str(), owner, purpose };
        self.sealer.open(context, sealed).await.map_err(store_error)
    }
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} unreadable"))
}

fn store_error(error: CredentialError) -> StoreError {
    match error {
        CredentialError::Unavailable(why) => StoreError::Unavailable(why),
        CredentialError::Unreadable(why) => StoreError::Corrupt(why),
    }
}
