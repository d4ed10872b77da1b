//! Sealing tokens: AES-256-GCM under a versioned keyring, bound to tenant, owner and purpose.
//!
//! A sealed text is `s1.<key version>.<nonce>.<ciphertext>`, the last two in unpadded base64url.

use std::collections::BTreeMap;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::{Zeroize as _, Zeroizing};

/// A text that must not be shown: its `Debug` is redacted and its memory is cleared.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes charge of `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every call is a place where it could leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a sealed text is for. Part of the associated data: a token can't be opened as something else, nor under
/// another tenant or connection.
#[derive(Debug, Clone, Copy)]
pub struct SealContext<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// What it belongs to, e.g. a connection's id.
    pub owner: &'a str,
    /// `access_token`, `app_secret`, …
    pub purpose: &'a str,
}

impl SealContext<'_> {
    fn associated_data(&self) -> String {
        // Ids hold no line feed, so the three can't run into one another.
        format!("{}\n{}\n{}", self.tenant, self.owner, self.purpose)
    }
}

/// Why a text could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The keyring's secret is not `{"primary": n, "keys": {"n": "<base64 of 32 bytes>"}}`.
    #[error("keyring malformed")]
    Keyring,
    /// The sealed text is malformed.
    #[error("sealed text malformed")]
    Malformed,
    /// It was sealed with a key that the keyring does not hold (any more, or not yet in this cache).
    #[error("sealed with key version {0}, which the keyring does not hold")]
    UnknownKey(u32),
    /// It was changed, or sealed for another tenant, owner or purpose.
    #[error("sealed text does not open here")]
    Refused,
}

/// The keys that seal, by version; the primary one seals, all open.
pub struct Keyring {
    primary: u32,
    keys: BTreeMap<u32, Aes256Gcm>,
}

impl Keyring {
    /// Reads the secret's JSON.
    ///
    /// # Errors
    /// [`SealError::Keyring`] where it is malformed or lacks its primary key.
    pub fn parse(json: &str) -> Result<Self, SealError> {
        #[derive(Deserialize)]
        struct Stored {
            primary: u32,
            keys: BTreeMap<u32, String>,
        }
        let stored: Stored = serde_json::from_str(json).map_err(|_| SealError::Keyring)?;
        let mut keys = BTreeMap::new();
        for (version, mut encoded) in stored.keys {
            let bytes = Zeroizing::new(STANDARD.decode(&encoded).map_err(|_| SealError::Keyring)?);
            encoded.zeroize();
            keys.insert(version, Aes256Gcm::new_from_slice(&bytes).map_err(|_| SealError::Keyring)?);
        }
        if !keys.contains_key(&stored.primary) {
            return Err(SealError::Keyring);
        }
        Ok(Self { primary: stored.primary, keys })
    }

    /// Seals `text` with the primary key. `nonce` must be fresh randomness.
    ///
    /// # Errors
    /// [`SealError::Refused`] where the text is longer than AES-GCM takes.
    pub fn seal(
        &self,
        context: SealContext<'_>,
        text: &Secret,
        nonce: [u8; 12],
    ) -> Result<String, SealError> {
        let key = self.keys.get(&self.primary).ok_or(SealError::Keyring)?;
        let aad = context.associated_data();
        let payload = Payload { msg: text.expose().as_bytes(), aad: aad.as_bytes() };
        let sealed = key.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::Refused)?;
        Ok(format!(
            "s1.{}.{}.{}",
            self.primary,
            URL_SAFE_NO_PAD.encode(nonce),
            URL_SAFE_NO_PAD.encode(sealed)
        ))
    }

    /// Opens what [`Self::seal`] made in the same context.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open(&self, context: SealContext<'_>, sealed: &str) -> Result<Secret, SealError> {
        let mut parts = sealed.split('.');
        let (Some("s1"), Some(version), Some(nonce), Some(text), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealError::Malformed);
        };
        let version: u32 = version.parse().map_err(|_| SealError::Malformed)?;
        let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| SealError::Malformed);
        let nonce: [u8; 12] = decode(nonce)?.try_into().map_err(|_| SealError::Malformed)?;
        let text = decode(text)?;
        let key = self.keys.get(&version).ok_or(SealError::UnknownKey(version))?;
        let aad = context.associated_data();
        let opened = key
            .decrypt(&Nonce::from(nonce), Payload { msg: &text, aad: aad.as_bytes() })
            .map_err(|_| SealError::Refused)?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| SealError::Refused)
    }
}

/// First byte of a packed sealed text.
const PACKED: u8 = 1;

/// A sealed text in three quarters of the room: a byte for the form, the key's version (4 bytes, big endian), nonce and
/// ciphertext.
///
/// # Errors
/// [`SealError::Malformed`] where it is no sealed text.
pub fn packed(sealed: &str) -> Result<Vec<u8>, SealError> {
    let mut parts = sealed.split('.');
    let (Some("s1"), Some(version), Some(nonce), Some(text), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SealError::Malformed);
    };
    let version: u32 = version.parse().map_err(|_| SealError::Malformed)?;
    let mut bytes = vec![PACKED];
    bytes.extend(version.to_be_bytes());
    for part in [nonce, text] {
        bytes.extend(URL_SAFE_NO_PAD.decode(part).map_err(|_| SealError::Malformed)?);
    }
    Ok(bytes)
}

/// The sealed text that [`packed`] packed.
///
/// # Errors
/// [`SealError::Malformed`] where it is none.
pub fn unpacked(bytes: &[u8]) -> Result<String, SealError> {
    let rest = bytes.strip_prefix(&[PACKED]).ok_or(SealError::Malformed)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(SealError::Malformed)?;
    let (nonce, text) = rest.split_first_chunk::<12>().ok_or(SealError::Malformed)?;
    let version = u32::from_be_bytes(*version);
    Ok(format!("s1.{version}.{}.{}", URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(text)))
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("primary", &self.primary).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: SealContext<'_> = SealContext { tenant: "acme", owner: "conn_1", purpose: "access_token" };

    fn keyring(primary: u32, versions: &[u32]) -> Keyring {
        let keys: Vec<String> = versions
            .iter()
            .map(|v| format!("\"{v}\":\"{}\"", STANDARD.encode([u8::try_from(*v).unwrap(); 32])))
            .collect();
        Keyring::parse(&format!("{{\"primary\":{primary},\"keys\":{{{}}}}}", keys.join(","))).unwrap()
    }

    #[test]
    fn opens_only_where_it_was_sealed_for() {
        let ring = keyring(1, &[1]);
        let token = Secret::new("EAAB-token".to_owned());
        let sealed = ring.seal(HERE, &token, [7; 12]).unwrap();
        assert!(!sealed.contains("EAAB"));
        assert_eq!(ring.open(HERE, &sealed).unwrap(), token);
        for elsewhere in [
            SealContext { tenant: "other", ..HERE },
            SealContext { owner: "conn_2", ..HERE },
            SealContext { purpose: "app_secret", ..HERE },
        ] {
            assert_eq!(ring.open(elsewhere, &sealed), Err(SealError::Refused));
        }
    }

    #[test]
    fn the_parts_of_a_context_do_not_run_into_each_other() {
        let ring = keyring(1, &[1]);
        let sealed_for = SealContext { tenant: "ab", owner: "cd", purpose: "ef" };
        let sealed = ring.seal(sealed_for, &Secret::new("token".to_owned()), [7; 12]).unwrap();
        for (tenant, owner, purpose) in [
            ("a", "bcd", "ef"),
            ("abc", "d", "ef"),
            ("ab", "cde", "f"),
            ("ab", "c", "def"),
            ("abcd", "", "ef"),
        ] {
            let shifted = SealContext { tenant, owner, purpose };
            assert_eq!(ring.open(shifted, &sealed), Err(SealError::Refused), "{shifted:?}");
        }
    }

    #[test]
    fn a_packed_text_is_shorter_and_opens_when_it_is_unpacked() {
        let ring = keyring(1, &[1]);
        let sealed = ring.seal(HERE, &Secret::new("token ".repeat(20)), [7; 12]).unwrap();
        let bytes = packed(&sealed).unwrap();
        assert_eq!(unpacked(&bytes).unwrap(), sealed);
        assert!(bytes.len() * 5 < sealed.len() * 4);
        for bad in ["", "s1.1.AA", "s2.1.AA.AA", "s1.x.AA.AA", "s1.1.?.AA"] {
            assert_eq!(packed(bad), Err(SealError::Malformed), "{bad}");
        }
        for bad in [&b""[..], b"\x01", b"\x02aaaaaaaaaaaaaaaaaaaaa"] {
            assert_eq!(unpacked(bad), Err(SealError::Malformed));
        }
    }

    #[test]
    fn a_changed_text_is_refused() {
        let ring = keyring(1, &[1]);
        let sealed = ring.seal(HERE, &Secret::new("token".to_owned()), [7; 12]).unwrap();
        let (head, text) = sealed.rsplit_once('.').unwrap();
        let (head, nonce) = head.rsplit_once('.').unwrap();
        let with = |nonce: &[u8], text: &[u8]| {
            format!("{head}.{}.{}", URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(text))
        };
        let (nonce, text) = (URL_SAFE_NO_PAD.decode(nonce).unwrap(), URL_SAFE_NO_PAD.decode(text).unwrap());
        assert_eq!(with(&nonce, &text), sealed, "taken apart and put together as it was");
        let flipped = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        for at in 0..text.len() {
            let changed = with(&nonce, &flipped(&text, at));
            assert_eq!(ring.open(HERE, &changed), Err(SealError::Refused), "byte {at} of the text");
        }
        for at in 0..nonce.len() {
            let changed = with(&flipped(&nonce, at), &text);
            assert_eq!(ring.open(HERE, &changed), Err(SealError::Refused), "byte {at} of the nonce");
        }
        assert_eq!(ring.open(HERE, &with(&nonce, &text[..text.len() - 1])), Err(SealError::Refused));
        assert_eq!(ring.open(HERE, &format!("{sealed}.AA")), Err(SealError::Malformed));
        assert_eq!(ring.open(HERE, "s1.1.AA"), Err(SealError::Malformed));
        assert_eq!(ring.open(HERE, "plain"), Err(SealError::Malformed));
    }

    #[test]
    fn an_old_key_still_opens_after_a_new_one_became_primary() {
        let sealed = keyring(1, &[1]).seal(HERE, &Secret::new("token".to_owned()), [7; 12]).unwrap();
        assert!(keyring(2, &[1, 2]).open(HERE, &sealed).is_ok());
        assert_eq!(keyring(2, &[2]).open(HERE, &sealed), Err(SealError::UnknownKey(1)));
    }

    #[test]
    fn a_keyring_without_its_primary_key_or_with_a_short_one_is_refused() {
        assert!(Keyring::parse(r#"{"primary":1,"keys":{}}"#).is_err());
        assert!(Keyring::parse(r#"{"primary":1,"keys":{"1":"AAAA"}}"#).is_err());
        assert!(Keyring::parse("").is_err());
    }

    #[test]
    fn a_secret_never_shows_itself() {
        assert_eq!(format!("{:?}", Secret::new("hush".to_owned())), "Secret(…)");
    }
}
