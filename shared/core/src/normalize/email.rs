//! E-mail addresses.

use super::Refusal;
use super::text::{is_invisible, is_mark, lower, nfc, trim};

/// An e-mail address in normal form: trimmed, NFC, lowercase. Dots and `+tags` stay, for Meta keeps them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Reads an address `local@domain`: atoms of letters, digits and ``!#$%&'*+/=?^_`{|}~-`` joined by single
    /// dots, at least two labels in the domain. Letters may be of any script; invisible characters are cut
    /// off.
    ///
    /// # Errors
    /// [`Refusal::Empty`] or [`Refusal::Email`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let trimmed = trim(text);
        if trimmed.is_empty() {
            return Err(Refusal::Empty);
        }
        let normal = if trimmed.is_ascii() {
            trimmed.to_ascii_lowercase()
        } else {
            // Cut first: an invisible character between a letter and its accent would keep them from
            // composing.
            let visible: String = trimmed.chars().filter(|c| !is_invisible(*c)).collect();
            lower(&nfc(&visible))
        };
        if is_address(&normal) { Ok(Self(normal)) } else { Err(Refusal::Email) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let labels = domain.split('.').count();
    local.split('.').all(is_atom) && labels >= 2 && domain.split('.').all(is_label)
}

fn is_atom(atom: &str) -> bool {
    !atom.is_empty() && atom.chars().all(|c| is_word(c) || "!#$%&'*+/=?^_`{|}~-".contains(c))
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| is_word(c) || c == '-')
}

fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() || is_mark(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Result<String, Refusal> {
        Email::parse(text).map(|email| email.0)
    }

    #[test]
    fn addresses_are_trimmed_and_lowered_and_else_left_alone() {
        for (text, want) in [
            ("John_Smith@gmail.com", "john_smith@gmail.com"),
            (" J.o.h.n+Tag@GMail.com\n", "j.o.h.n+tag@gmail.com"),
            ("a@1.2.3.4", "a@1.2.3.4"),
            ("o'neil@a-b.co.uk", "o'neil@a-b.co.uk"),
            ("\u{200b}zw\u{200b}sp@example.com", "zwsp@example.com"),
            ("CAFE\u{301}@Exa\u{308}mple.de", "café@exämple.de"),
            ("用户@例子.世界", "用户@例子.世界"),
        ] {
            assert_eq!(normal(text).as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "x",
            "user@localhost",
            "user@.com",
            "a b@example.com",
            "a@b@c.de",
            "@b.de",
            "a@",
            ".a@b.de",
            "a.@b.de",
            "a..b@c.de",
            "a@-b.de",
            "a@b-.de",
            "a@b..de",
            "a@b.de.",
            "<a@b.de>",
            "a@b.de, c@d.ef",
            "a\0b@c.de",
            "a@b_c.de",
        ] {
            assert_eq!(normal(text), Err(Refusal::Email), "{text}");
        }
        for text in ["", " ", "\u{feff}"] {
            assert_eq!(normal(text), Err(Refusal::Empty), "{text:?}");
        }
    }
}
