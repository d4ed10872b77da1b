//! Access tokens: what the simulator knows of them and what it says to a caller who shows one.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::Sha256;

use crate::graph_error::GraphError;

/// An access token and what it may do. The body of `POST /_sim/tokens`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token itself.
    pub token: String,
    /// Ids of the pixels it may send to.
    #[serde(default, deserialize_with = "ids")]
    pub pixels: BTreeSet<String>,
    /// Unix seconds after which it answers 190/463; absent or 0: never.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// Shown by `debug_token`; the Conversions API asks for none.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The app it was made for.
    #[serde(default)]
    pub app_id: Option<String>,
    /// That app's secret. Without one no `appsecret_proof` can be right for this token.
    #[serde(default)]
    pub app_secret: Option<String>,
    /// Calls without an `appsecret_proof` are refused.
    #[serde(default)]
    pub require_proof: bool,
    /// Answers 190/460.
    #[serde(default)]
    pub revoked: bool,
    /// Answers 190/458.
    #[serde(default)]
    pub app_removed: bool,
    /// Id that `/me` and `debug_token` show.
    #[serde(default)]
    pub user_id: Option<String>,
}

/// Pixel ids come as text or as numbers.
fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    let listed = Vec::<Id>::deserialize(deserializer)?;
    let as_text = |id| match id {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    };
    Ok(listed.into_iter().map(as_text).collect())
}

/// Who is calling.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// With a user's, system user's or page's token.
    Token(&'a Token),
    /// With an app token, `{app id}|{app secret}`.
    App,
}

impl Token {
    /// Why the token no longer works, if so.
    pub(crate) fn ailment(&self, now_s: i64) -> Option<GraphError> {
        let dead = |subcode, why: &str| {
            Some(
                GraphError::new(190, Some(subcode))
                    .with_message(format!("Error validating access token: {why}")),
            )
        };
        if self.app_removed {
            return dead(458, "The user has not authorized application.");
        }
        if self.revoked {
            return dead(460, "The session has been invalidated because the user changed their password.");
        }
        match self.expires_at {
            Some(end) if end != 0 && now_s >= end => dead(463, "Session has expired."),
            _ => None,
        }
    }

    fn check_proof(&self, proof: Option<&str>, required: bool) -> Result<(), GraphError> {
        let Some(proof) = proof else {
            return if required || self.require_proof {
                Err(GraphError::proof("API calls from the server require an appsecret_proof argument"))
            } else {
                Ok(())
            };
        };
        let right = self.app_secret.as_deref().is_some_and(|secret| {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
            mac.update(self.token.as_bytes());
            hex::decode(proof).is_ok_and(|bytes| mac.verify_slice(&bytes).is_ok())
        });
        if right {
            Ok(())
        } else {
            Err(GraphError::proof("Invalid appsecret_proof provided in the API argument"))
        }
    }
}

/// Every known token.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    by_text: BTreeMap<String, Token>,
}

impl Tokens {
    pub(crate) const MAX: usize = 10_000;

    /// Adds or replaces; false when there are too many already.
    pub(crate) fn upsert(&mut self, token: Token) -> bool {
        if self.by_text.len() >= Self::MAX && !self.by_text.contains_key(&token.token) {
            return false;
        }
        self.by_text.insert(token.token.clone(), token);
        true
    }

    /// Marks a token as revoked; false when it is unknown.
    pub(crate) fn revoke(&mut self, text: &str) -> bool {
        self.by_text.get_mut(text).map(|token| token.revoked = true).is_some()
    }

    pub(crate) fn get(&self, text: &str) -> Option<&Token> {
        self.by_text.get(text)
    }

    /// Who shows this token and proof, or why they are turned away.
    ///
    /// A proof is checked wherever one is sent, also where none is required, as Meta does.
    pub(crate) fn authenticate(
        &self,
        text: Option<&str>,
        proof: Option<&str>,
        proof_required: bool,
        now_s: i64,
    ) -> Result<Caller<'_>, GraphError> {
        let Some(text) = text else {
            return Err(GraphError::new(104, None)
                .with_message("An access token is required to request this resource."));
        };
        let Some(token) = self.by_text.get(text) else {
            return if self.is_app_token(text) { Ok(Caller::App) } else { Err(unparsable()) };
        };
        if let Some(error) = token.ailment(now_s) {
            return Err(error);
        }
        token.check_proof(proof, proof_required)?;
        Ok(Caller::Token(token))
    }

    fn is_app_token(&self, text: &str) -> bool {
        text.split_once('|').is_some_and(|(id, secret)| {
            self.by_text.values().any(|token| {
                token.app_id.as_deref() == Some(id) && token.app_secret.as_deref() == Some(secret)
            })
        })
    }
}

fn unparsable() -> GraphError {
    let mut error =
        GraphError::new(190, None).with_message("Invalid OAuth access token - Cannot parse access token");
    error.status = 401;
    error
}

#[cfg(test)]
mod tests {
    use super::{Caller, Token, Tokens};

    // appsecret_proof = hex HMAC-SHA256(key = app secret, message = access token)
    const SECRET: &str = "shhh-app-secret";
    const TEXT: &str = "EAAB-test-token";
    const PROOF: &str = "92bc3a24652404524b039b32899ecad82b7b603cf9552dda1881574018c85be8";

    fn tokens(change: impl FnOnce(&mut Token)) -> Tokens {
        let mut token = Token {
            token: TEXT.to_owned(),
            app_id: Some("77".to_owned()),
            app_secret: Some(SECRET.to_owned()),
            ..Token::default()
        };
        change(&mut token);
        let mut tokens = Tokens::default();
        assert!(tokens.upsert(token));
        tokens
    }

    fn refusal(tokens: &Tokens, text: Option<&str>, proof: Option<&str>) -> Option<(u16, i64, Option<i64>)> {
        tokens.authenticate(text, proof, false, 1_000).err().map(|e| (e.status, e.code, e.subcode))
    }

    #[test]
    fn each_ailment_has_its_subcode() {
        let ill = |change: fn(&mut Token)| refusal(&tokens(change), Some(TEXT), None);
        assert_eq!(ill(|_| ()), None);
        assert_eq!(ill(|t| t.expires_at = Some(0)), None);
        assert_eq!(ill(|t| t.expires_at = Some(1_001)), None);
        assert_eq!(ill(|t| t.expires_at = Some(1_000)), Some((400, 190, Some(463))));
        assert_eq!(ill(|t| t.revoked = true), Some((400, 190, Some(460))));
        assert_eq!(ill(|t| t.app_removed = true), Some((400, 190, Some(458))));
        assert_eq!(refusal(&tokens(|_| ()), Some("other"), None), Some((401, 190, None)));
        assert_eq!(refusal(&tokens(|_| ()), None, None), Some((400, 104, None)));
    }

    #[test]
    fn a_proof_must_be_right_wherever_it_is_sent() {
        let lax = tokens(|_| ());
        let strict = tokens(|t| t.require_proof = true);
        let foreign = tokens(|t| t.app_secret = None);
        assert_eq!(refusal(&lax, Some(TEXT), Some(PROOF)), None);
        assert_eq!(refusal(&strict, Some(TEXT), Some(PROOF)), None);
        for (tokens, proof) in [
            (&strict, None),
            (&strict, Some("00")),
            (&lax, Some("zz")),
            (&lax, Some("")),
            (&foreign, Some(PROOF)),
        ] {
            assert_eq!(refusal(tokens, Some(TEXT), proof), Some((400, 100, None)), "{proof:?}");
        }
        assert!(lax.authenticate(Some(TEXT), None, true, 0).is_err(), "required of everybody");
    }

    #[test]
    fn an_app_token_is_the_app_id_and_its_secret() {
        let tokens = tokens(|_| ());
        assert!(matches!(tokens.authenticate(Some("77|shhh-app-secret"), None, false, 0), Ok(Caller::App)));
        assert_eq!(refusal(&tokens, Some("77|wrong"), None), Some((401, 190, None)));
    }

    #[test]
    fn a_revoked_token_stays_known() {
        let mut tokens = tokens(|_| ());
        assert!(tokens.revoke(TEXT) && !tokens.revoke("other"));
        assert_eq!(refusal(&tokens, Some(TEXT), None), Some((400, 190, Some(460))));
    }
}
