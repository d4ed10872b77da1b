//! `appsecret_proof` (Meta: securing Graph API requests).

use adrelay_core::ports::meta::Credentials;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Lowercase hex of HMAC-SHA256 over the token, keyed with the app's secret; absent without one.
pub(crate) fn appsecret_proof(credentials: &Credentials) -> Option<String> {
    let app_secret = credentials.app_secret.as_ref()?;
    // HMAC takes a key of any length, so this is always Ok.
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes()).ok()?;
    mac.update(credentials.token.expose().as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use adrelay_core::seal::Secret;

    use super::*;

    #[test]
    fn is_what_metas_python_sdk_computes() {
        let credentials = Credentials {
            token: Secret::new("EAAB-test-token".to_owned()),
            app_secret: Some(Secret::new("shhh-app-secret".to_owned())),
        };
        let expected = "92bc3a24652404524b039b32899ecad82b7b603cf9552dda1881574018c85be8";
        assert_eq!(appsecret_proof(&credentials).as_deref(), Some(expected));
    }

    #[test]
    fn is_absent_without_an_app_secret() {
        let credentials = Credentials { token: Secret::new("t".to_owned()), app_secret: None };
        assert_eq!(appsecret_proof(&credentials), None);
    }
}
