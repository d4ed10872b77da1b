//! Secrets that never change: the keyring of personal data and the lookup key.

use adrelay_core::people::Pii;
use adrelay_core::ports::StoreError;
use adrelay_core::ports::secrets::Secrets;
use adrelay_core::seal::Secret;

use crate::Faults;

/// Name of the keyring that [`FixedSecrets`] has.
pub const KEYRING_PII: &str = "keyring-pii";

/// Name of the lookup key that [`FixedSecrets`] has.
pub const LOOKUP_KEY: &str = "lookup-key";

/// Two secrets of 32 bytes each. Clones share their faults.
#[derive(Debug, Clone, Default)]
pub struct FixedSecrets(Faults);

impl FixedSecrets {
    /// What seals and links with them.
    #[must_use]
    pub fn pii() -> Pii<Self> {
        Self::default().pii_of()
    }

    /// What seals and links with these.
    #[must_use]
    pub fn pii_of(&self) -> Pii<Self> {
        Pii::new(self.clone(), KEYRING_PII.to_owned(), LOOKUP_KEY.to_owned())
    }

    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.0
    }
}

fn text(id: &str) -> Result<Secret, StoreError> {
    let text = match id {
        KEYRING_PII => r#"{"primary":1,"keys":{"1":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}"#,
        LOOKUP_KEY => r#"{"key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="}"#,
        _ => return Err(StoreError::Unavailable("no such secret".to_owned())),
    };
    Ok(Secret::new(text.to_owned()))
}

impl Secrets for FixedSecrets {
    async fn secret(&self, id: &str) -> Result<Secret, StoreError> {
        self.0.call("secret", || text(id)).await
    }

    async fn refresh(&self, id: &str) -> Result<Secret, StoreError> {
        self.0.call("refresh", || text(id)).await
    }
}
