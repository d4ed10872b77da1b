//! Signatures of calls of tenants' webhooks.
//!
//! Source: the Standard Webhooks specification (standardwebhooks.com), version 1: HMAC-SHA256 with the key that the secret
//! `whsec_<base64>` holds, over `<webhook-id>.<webhook-timestamp>.<body>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::seal::Secret;

/// Purpose under which a webhook's secret is sealed with `keyring-tokens`.
pub const WEBHOOK_PURPOSE: &str = "webhook_secret";

/// What a webhook's sealed secret belongs to.
pub const WEBHOOK_OWNER: &str = "webhook";

const PREFIX: &str = "whsec_";

/// Keys that a secret may hold, in bytes (the specification's bounds).
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The key of a tenant's webhook.
pub struct WebhookKey(Zeroizing<Vec<u8>>);

impl WebhookKey {
    /// Reads `whsec_<base64 of 24 to 64 bytes>`; nothing where it is not that.
    #[must_use]
    pub fn parse(secret: &Secret) -> Option<Self> {
        let key = Zeroizing::new(STANDARD.decode(secret.expose().strip_prefix(PREFIX)?).ok()?);
        KEY_BYTES.contains(&key.len()).then_some(Self(key))
    }

    /// The secret of this key, as the tenant is shown it once.
    #[must_use]
    pub fn secret(key: &[u8; 32]) -> Secret {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(key)))
    }

    /// The header `webhook-signature` of a call.
    #[must_use]
    pub fn signature(&self, id: &str, timestamp_s: i64, body: &[u8]) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{timestamp_s}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> Option<WebhookKey> {
        WebhookKey::parse(&Secret::new(secret.to_owned()))
    }

    #[test]
    fn a_secret_is_read_as_it_was_shown() {
        let shown = WebhookKey::secret(&[7; 32]);
        assert_eq!(WebhookKey::parse(&shown).unwrap().0.as_slice(), [7; 32]);
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        for bad in ["", "whsec_", "whsec_?", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH", &short] {
            assert!(key(bad).is_none(), "{bad}");
        }
    }

    /// Made with another implementation of HMAC.
    #[test]
    fn signs_as_the_specification_says() {
        let key = key("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX").unwrap();
        let signature = key.signature("msg_1", 1_706_745_600, br#"{"type":"lead.created"}"#).unwrap();
        assert_eq!(signature, "v1,Oj4j4XShj2NW0LwYh1Yj723Mvs/0h72fwNuR2JYUxPk=");
        for other in [
            key.signature("msg_2", 1_706_745_600, br#"{"type":"lead.created"}"#),
            key.signature("msg_1", 1_706_745_601, br#"{"type":"lead.created"}"#),
            key.signature("msg_1", 1_706_745_600, br#"{"type":"lead.Created"}"#),
        ] {
            assert_ne!(other.unwrap(), signature);
        }
    }
}
