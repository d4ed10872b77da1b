//! What looks like personal data or a secret where none belongs.
//!
//! * An e-mail address: a letter or digit (or `. _ % + -`), `@`, and a domain whose last label has at least two
//!   letters; anywhere in a text.
//! * A phone number: the whole text is `+` and 7 to 15 digits, or ten digits as `650-555-1212` or
//!   `(650) 555-1212`; blanks, dots, dashes, slashes and brackets may stand between. Bare digits are no phone
//!   number: they are order numbers far more often.
//! * A token: the whole text is `Bearer …`, a JSON Web Token, or starts like the keys of well-known services and of
//!   adrelay itself.

/// Whether `text` holds an e-mail address.
pub(crate) fn holds_email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| ends_local_part(&text[..at]) && starts_domain(&text[at + 1..]))
}

fn ends_local_part(before: &str) -> bool {
    before
        .chars()
        .next_back()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '"' | '\''))
}

fn starts_domain(after: &str) -> bool {
    let end = after.find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(after.len());
    let domain = after[..end].trim_end_matches(['.', '-']);
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let letters = top.chars().filter(|c| c.is_alphabetic()).count();
    !host.is_empty() && letters >= 2 && (letters == top.chars().count() || top.starts_with("xn--"))
}

/// Whether `text` as a whole is a phone number.
pub(crate) fn is_phone(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let (international, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    if rest.len() > 32
        || !rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-' | b'.' | b'/' | b'(' | b')'))
    {
        return false;
    }
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    if international {
        return (7..=15).contains(&digits);
    }
    let groups: Vec<usize> =
        rest.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|&length| length > 0).collect();
    groups == [3, 3, 4]
}

/// Starts of keys and tokens that are recognisable as such, with the least length of the whole.
const TOKEN_PREFIXES: &[(&str, usize)] = &[
    ("EAA", 32),
    ("adr_", 24),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("ghp_", 20),
    ("gho_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("AKIA", 20),
    ("AIza", 30),
    ("ya29.", 20),
];

/// Whether `text` as a whole is a token.
pub(crate) fn is_token(text: &str) -> bool {
    let text = text.trim();
    if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        return true;
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'|' | b'=')) {
        return false;
    }
    let web_token = text.starts_with("eyJ") && text.len() >= 20 && text.contains('.');
    web_token || TOKEN_PREFIXES.iter().any(|(start, least)| text.len() >= *least && text.starts_with(start))
}

/// Whether `text` as a whole could be a secret in a link: 32 characters and more without blanks, of which 24 in a
/// row mix letters and digits, or which mix both cases and digits. UUIDs and readable slugs are none.
pub(crate) fn is_long_secret(text: &str) -> bool {
    let legal =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=');
    if text.len() < 32 || !text.bytes().all(legal) {
        return false;
    }
    let has = |run: &str, class: fn(&u8) -> bool| run.bytes().any(|b| class(&b));
    let mixed_run =
        |run: &str| run.len() >= 24 && has(run, u8::is_ascii_digit) && has(run, u8::is_ascii_alphabetic);
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(mixed_run)
        || (has(text, u8::is_ascii_uppercase)
            && has(text, u8::is_ascii_lowercase)
            && has(text, u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_addresses_anywhere_and_nothing_else() {
        for yes in [
            "bob@example.com",
            "Mail an <a.b+c@exämple.de>, bitte",
            "x@y.co.uk.",
            "josé@x.org",
            "a@x.xn--p1ai",
        ] {
            assert!(holds_email(yes), "{yes}");
        }
        for no in
            ["", "@", "a@b", "pkg@1.2.3", "https://medium.com/@user.name", "a @b.com", "5 @ 3.50", "a@.com"]
        {
            assert!(!holds_email(no), "{no}");
        }
    }

    #[test]
    fn phone_numbers_are_told_from_order_numbers() {
        for yes in
            ["+4915112345678", "+49 (151) 123-456-78", "(650) 555-1212", "650-555-1212", "tel:+16505551212"]
        {
            assert!(is_phone(yes), "{yes}");
        }
        for no in
            ["1234567890", "2024-0001-1234", "+123", "+1234567890123456", "12.50", "+49 abc 1234567", ""]
        {
            assert!(!is_phone(no), "{no}");
        }
    }

    #[test]
    fn tokens_are_told_from_ids() {
        let meta = format!("EAA{}", "b".repeat(60));
        for yes in [
            "Bearer abc",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            meta.as_str(),
            "sk_live_0123456789abcdef",
        ] {
            assert!(is_token(yes), "{yes}");
        }
        for no in ["EAABC", "summer-sale", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "adr_x"] {
            assert!(!is_token(no), "{no}");
        }
    }

    #[test]
    fn long_secrets_are_told_from_uuids_and_slugs() {
        assert!(is_long_secret("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
        assert!(is_long_secret("kJ8-xY2_aB3-kJ8-xY2_aB3-kJ8-xY2_aB3"));
        for no in [
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "the-10-best-running-shoes-for-autumn-and-winter",
            "short1A",
        ] {
            assert!(!is_long_secret(no), "{no}");
        }
    }
}
