//! Keeps secrets out of texts that people will read: Meta repeats a token that it can't parse in its message.

use adrelay_core::ports::meta::Credentials;
use adrelay_core::seal::Secret;

/// Meta's tokens begin with this.
const TOKEN_PREFIX: &str = "EAA";

/// Fewer characters than this, and a word that begins like a token is a word.
const MIN_TOKEN_CHARS: usize = 20;

/// Stands where a secret stood.
const MARK: &str = "[redacted]";

/// Takes the secrets of a call out of texts.
pub(crate) struct Redactor<'a> {
    secrets: Vec<&'a str>,
}

impl<'a> Redactor<'a> {
    /// For a call with these credentials and proof.
    pub(crate) fn new(credentials: &'a Credentials, proof: Option<&'a str>) -> Self {
        let app_secret = credentials.app_secret.as_ref().map(Secret::expose);
        let secrets = [Some(credentials.token.expose()), app_secret, proof];
        Self { secrets: secrets.into_iter().flatten().filter(|secret| !secret.is_empty()).collect() }
    }

    /// `text` without secrets and control characters, cut after `max_chars` characters.
    pub(crate) fn text(&self, text: &str, max_chars: usize) -> String {
        let mut clean = text.replace(|c: char| c.is_control(), " ");
        for secret in &self.secrets {
            clean = clean.replace(secret, MARK);
        }
        without_token_words(&clean).chars().take(max_chars).collect()
    }
}

/// Replaces what looks like a token, whole or cut off, of this call or of another.
fn without_token_words(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(TOKEN_PREFIX) {
        let (before, candidate) = rest.split_at(start);
        let end = candidate.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(candidate.len());
        let (word, after) = candidate.split_at(end);
        clean.push_str(before);
        clean.push_str(if word.len() >= MIN_TOKEN_CHARS { MARK } else { word });
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        let app_secret = Some(Secret::new("hush-hush".to_owned()));
        Credentials { token: Secret::new("my token".to_owned()), app_secret }
    }

    #[test]
    fn the_secrets_of_the_call_and_anything_like_a_token_are_taken_out() {
        let credentials = credentials();
        let redactor = Redactor::new(&credentials, Some("beef"));
        let text = "my token, hush-hush, beef, EAABsbCS1iHgBAKZB9tdVTg…, EAAB";
        let clean = "[redacted], [redacted], [redacted], [redacted]…, EAAB";
        assert_eq!(redactor.text(text, 500), clean);
    }

    #[test]
    fn secrets_go_before_the_text_is_cut() {
        let credentials = credentials();
        let text = format!("{}my token", "x".repeat(496));
        assert!(!Redactor::new(&credentials, None).text(&text, 500).contains("my"));
    }

    #[test]
    fn control_characters_become_blanks_and_the_cut_counts_characters() {
        let credentials = credentials();
        assert_eq!(Redactor::new(&credentials, None).text("é\n\u{1b}ü…", 4), "é  ü");
    }
}
