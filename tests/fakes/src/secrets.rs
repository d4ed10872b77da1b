//! Secrets that never change: the keyring of personal data and the lookup key.

use adrelay_core::people::Pii;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;

/// Name of the keyring that [`FixedSecrets`] has.
pub const KEYRING_PII: &str = "keyring-pii";

/// Name of the lookup key that [`FixedSecrets`] has.
pub const LOOKUP_KEY: &str = "lookup-key";

/// Two secrets of 32 bytes each.
#[derive(Debug, Clone, Copy, Default)]
pub struct FixedSecrets;

impl FixedSecrets {
    /// What seals and links with them.
    #[must_use]
    pub fn pii() -> Pii<Self> {
        Pii::new(Self, KEYRING_PII.to_owned(), LOOKUP_KEY.to_owned())
    }
}

impl Secrets for FixedSecrets {
    async fn secret(&self, id: &str) -> Result<Secret, StoreError> {
        let text = match id {
            KEYRING_PII => r#"{"primary":1,"keys":{"1":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}"#,
            LOOKUP_KEY => r#"{"key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="}"#,
            _ => return Err(StoreError::Unavailable("no such secret".to_owned())),
        };
        Ok(Secret::new(text.to_owned()))
    }

    async fn refresh(&self, id: &str) -> Result<Secret, StoreError> {
        self.secret(id).await
    }
}
