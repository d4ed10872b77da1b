//! How Meta makes sure that an address wants its webhooks: `GET` with `hub.mode=subscribe`, a challenge, and a token
//! that both sides know (Meta: webhooks, verification requests).

use adrelay_core::seal::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Longest challenge in bytes. Meta's are ten digits.
const MAX_CHALLENGE_BYTES: usize = 256;

/// Parameters of the query that are looked at.
const MAX_PARAMETERS: usize = 20;

/// A request to be verified, well formed.
#[derive(Debug)]
pub struct Handshake {
    challenge: String,
    token: Secret,
}

impl Handshake {
    /// Reads the query; `None` where it is not one of Meta's.
    #[must_use]
    pub fn read(query: &str) -> Option<Self> {
        let (mut mode, mut challenge, mut token) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
            let place = match name.as_ref() {
                "hub.mode" => &mut mode,
                "hub.challenge" => &mut challenge,
                "hub.verify_token" => &mut token,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        let challenge = challenge.filter(|text| {
            (1..=MAX_CHALLENGE_BYTES).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        })?;
        (mode? == "subscribe").then_some(())?;
        Some(Self { challenge, token: Secret::new(token?) })
    }

    /// The challenge, where the token is the one that is configured; compared in constant time.
    #[must_use]
    pub fn challenge(&self, verify_token: &Secret) -> Option<&str> {
        // Hashes are of one length, so that the time does not tell that of the token either.
        let hash = |secret: &Secret| Sha256::digest(secret.expose().as_bytes());
        let equal: bool = hash(&self.token).as_slice().ct_eq(hash(verify_token).as_slice()).into();
        (equal && !verify_token.expose().is_empty()).then_some(self.challenge.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(query: &str, token: &str) -> Option<String> {
        let handshake = Handshake::read(query)?;
        handshake.challenge(&Secret::new(token.to_owned())).map(str::to_owned)
    }

    const QUERY: &str = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20b%2Bc";

    #[test]
    fn the_right_token_gets_the_challenge_and_no_other_does() {
        assert_eq!(answer(QUERY, "a b+c").as_deref(), Some("1158201444"));
        for wrong in ["", "a", "a b+cc", "A b+c"] {
            assert_eq!(answer(QUERY, wrong), None, "{wrong}");
        }
        assert_eq!(answer("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", ""), None);
    }

    #[test]
    fn what_is_not_metas_handshake_gets_nothing() {
        let long = format!("hub.mode=subscribe&hub.challenge={}&hub.verify_token=t", "1".repeat(257));
        for query in [
            "",
            "hub.challenge=1&hub.verify_token=t",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t",
            "hub.mode=subscribe&hub.verify_token=t",
            "hub.mode=subscribe&hub.challenge=&hub.verify_token=t",
            "hub.mode=subscribe&hub.challenge=1",
            "hub.mode=subscribe&hub.challenge=1%0d%0a2&hub.verify_token=t",
            "hub.mode=subscribe&hub.challenge=%C3%A4&hub.verify_token=t",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x&hub.verify_token=t",
            "hub_mode=subscribe&hub_challenge=1&hub_verify_token=t",
            &long,
        ] {
            assert_eq!(answer(query, "t"), None, "{query}");
        }
    }
}
