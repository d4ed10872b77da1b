//! `X-Hub-Signature-256` (Meta: webhooks, validating payloads): `sha256=` and the hex of HMAC-SHA256 over the raw
//! bytes of the body, keyed with the app's secret.

use adrelay_core::seal::Secret;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

/// The header. `X-Hub-Signature` with SHA-1 is an older form, and counts for nothing.
pub const HEADER: &str = "x-hub-signature-256";

/// A well-formed signature; whether it is right, [`Signature::proves`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 32]);

/// Why a request has no signature to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No header.
    #[error("no signature")]
    Missing,
    /// Not `sha256=` and 64 hexadecimal digits, or more than one.
    #[error("malformed signature")]
    Malformed,
}

impl Signature {
    /// Reads the header.
    ///
    /// # Errors
    /// Where it is absent or malformed.
    pub fn read(headers: &HeaderMap) -> Result<Self, SignatureError> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next().ok_or(SignatureError::Missing)?;
        if values.next().is_some() {
            return Err(SignatureError::Malformed);
        }
        let digits = value.as_bytes().strip_prefix(b"sha256=").ok_or(SignatureError::Malformed)?;
        let mut mac = [0; 32];
        hex::decode_to_slice(digits, &mut mac).map_err(|_| SignatureError::Malformed)?;
        Ok(Self(mac))
    }

    /// Whether it was made over these bytes with this secret, compared in constant time. Meta escapes some characters
    /// in what it signs, so the bytes must be those that came, never a parsed body written again.
    #[must_use]
    pub fn proves(&self, raw_body: &[u8], app_secret: &Secret) -> bool {
        // HMAC takes a key of any length, so this is always Ok. Anybody can sign with no secret at all.
        let secret = Some(app_secret.expose()).filter(|secret| !secret.is_empty());
        let mac = secret.and_then(|secret| Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok());
        mac.is_some_and(|mac| mac.chain_update(raw_body).verify_slice(&self.0).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(value: &str) -> Result<Signature, SignatureError> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, value.parse().unwrap());
        Signature::read(&headers)
    }

    #[test]
    fn the_vectors_of_plain_and_escaped_bodies_are_proven_and_bodies_written_again_are_not() {
        let vectors: Value = serde_json::from_str(include_str!("../tests/vectors/signature.json")).unwrap();
        for name in ["x_hub_signature_256", "x_hub_signature_256_escaped"] {
            let text = |field: &str| vectors[name][field].as_str().unwrap();
            let secret = Secret::new(text("app_secret").to_owned());
            let signature = read(text("header")).unwrap();
            assert!(signature.proves(text("raw_body").as_bytes(), &secret), "{name}");
            assert!(!signature.proves(text("raw_body").as_bytes(), &Secret::new("other".to_owned())));
            if let Some(wrong) = vectors[name]["wrong_if_reserialised"].as_str() {
                let again: Value = serde_json::from_str(text("raw_body")).unwrap();
                assert!(read(wrong).unwrap() != signature, "{name}");
                assert!(!signature.proves(again.to_string().as_bytes(), &secret), "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let right = format!("sha256={}", "a".repeat(64));
        assert!(read(&right).is_ok());
        for wrong in [
            String::new(),
            "sha256=".to_owned(),
            right[..70].to_owned(),
            format!("{right}a"),
            format!("{right}, {right}"),
            right.replace("sha256", "sha1"),
            right.replace('a', "g"),
        ] {
            assert_eq!(read(&wrong), Err(SignatureError::Malformed), "{wrong}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(Signature::read(&headers), Err(SignatureError::Missing));
        headers.insert("x-hub-signature", "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12".parse().unwrap());
        assert_eq!(Signature::read(&headers), Err(SignatureError::Missing));
        headers.append(HEADER, right.parse().unwrap());
        headers.append(HEADER, right.parse().unwrap());
        assert_eq!(Signature::read(&headers), Err(SignatureError::Malformed));
    }

    #[test]
    fn nothing_is_proven_without_a_secret() {
        let made = Hmac::<Sha256>::new_from_slice(b"").unwrap().chain_update(b"x").finalize().into_bytes();
        let signature = read(&format!("sha256={}", hex::encode(made))).unwrap();
        assert!(!signature.proves(b"x", &Secret::new(String::new())));
    }
}
