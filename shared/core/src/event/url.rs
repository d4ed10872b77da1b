//! URLs of pages: what looks personal or secret in them is cut, the rest goes to Meta unchanged.
//!
//! Cut are: user and password before the host; query and fragment parameters whose name says that they hold
//! something personal or secret, or whose value looks like an e-mail address, a phone number or a token, encoded
//! or not; path segments that hold an e-mail address, a phone number or a token. Click ids (`fbclid`, `gclid`, …)
//! and campaign parameters (`utm_…`) are long by nature and stay unless they hold an address.

use std::borrow::Cow;

use super::personal::{holds_email, is_long_secret, is_phone, is_token};

/// How often a value is decoded before it is looked at: links carry links.
const MAX_DECODINGS: usize = 3;

/// What stands in a path instead of a segment that was cut, so that the number of segments stays.
const REMOVED_SEGMENT: &str = "-";

/// Whole names, lower case, letters and digits only.
const PERSONAL_NAMES: &[&str] = &[
    "accesskey",
    "address",
    "apikey",
    "auth",
    "authorization",
    "birthdate",
    "birthday",
    "creditcard",
    "dateofbirth",
    "dob",
    "firstname",
    "fname",
    "fullname",
    "iban",
    "jwt",
    "lastname",
    "lname",
    "mail",
    "mobile",
    "msisdn",
    "otp",
    "passphrase",
    "passwd",
    "phpsessid",
    "pwd",
    "session",
    "sessionid",
    "sig",
    "signature",
    "ssn",
    "street",
    "surname",
    "tel",
    "telephone",
    "username",
];

/// Ends of names, lower case, letters and digits only: `user_email`, `access_token`.
const PERSONAL_ENDS: &[&str] =
    &["email", "emailaddress", "phone", "phonenumber", "password", "secret", "token"];

/// Names whose long values are ids of clicks and campaigns.
const CLICK_IDS: &[&str] = &[
    "fbclid", "gclid", "gbraid", "wbraid", "dclid", "msclkid", "ttclid", "twclid", "liclid", "scclid",
    "epik", "gl", "ga", "fbc", "fbp",
];

/// Whether `url` is absolute: a scheme, `://`, a host, no control characters.
pub(crate) fn is_absolute(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let mut letters = scheme.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && rest.chars().next().is_some_and(|c| !matches!(c, '/' | '?' | '#'))
        && !url.chars().any(char::is_control)
}

/// The URL without what looks personal, and whether something was cut.
pub(crate) fn clean(url: &str) -> (Cow<'_, str>, bool) {
    let (before_fragment, fragment) = split_at_mark(url, '#');
    let (address, query) = split_at_mark(before_fragment, '?');
    let mut cleaner = Cleaner { out: String::with_capacity(url.len()), cut: false };
    cleaner.address(address);
    if let Some(query) = query {
        cleaner.parameters('?', query);
    }
    if let Some(fragment) = fragment {
        cleaner.parameters('#', fragment);
    }
    if cleaner.cut { (Cow::Owned(cleaner.out), true) } else { (Cow::Borrowed(url), false) }
}

fn split_at_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

struct Cleaner {
    out: String,
    cut: bool,
}

impl Cleaner {
    fn address(&mut self, address: &str) {
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        self.cut |= host.len() != authority.len();
        if !scheme.is_empty() {
            self.out.push_str(scheme);
            self.out.push_str("://");
        }
        self.out.push_str(host);
        for segment in path.split('/').skip(1) {
            self.out.push('/');
            if any_decoding(segment, |text| holds_email(text) || is_phone(text) || is_token(text)) {
                self.cut = true;
                self.out.push_str(REMOVED_SEGMENT);
            } else {
                self.out.push_str(segment);
            }
        }
    }

    fn parameters(&mut self, mark: char, text: &str) {
        let start = self.out.len();
        self.out.push(mark);
        let mut first = true;
        for parameter in text.split(['&', ';']) {
            if is_personal(parameter) {
                self.cut = true;
                continue;
            }
            if !first {
                self.out.push('&');
            }
            first = false;
            self.out.push_str(parameter);
        }
        if first {
            self.out.truncate(start);
        }
    }
}

fn is_personal(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return any_decoding(parameter, |text| holds_email(text) || is_phone(text) || is_token(text));
    };
    if value.is_empty() {
        return false;
    }
    let word: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if PERSONAL_NAMES.contains(&word.as_str()) || PERSONAL_ENDS.iter().any(|end| word.ends_with(end)) {
        return true;
    }
    let long_by_nature = word.starts_with("utm") || CLICK_IDS.contains(&word.as_str());
    any_decoding(name, holds_email)
        || any_decoding(value, |text| {
            holds_email(text)
                || (!long_by_nature && (is_phone(text) || is_token(text) || is_long_secret(text)))
        })
}

/// Whether `looks` holds for the text as it is, or decoded once or several times.
fn any_decoding(text: &str, looks: impl Fn(&str) -> bool) -> bool {
    if looks(text) {
        return true;
    }
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_DECODINGS {
        if !text.contains('%') {
            return false;
        }
        text = Cow::Owned(percent_decode(&text));
        if looks(&text) {
            return true;
        }
    }
    false
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|pair| {
            let digit = |hex: u8| char::from(hex).to_digit(16);
            u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()
        });
        out.push(escape.unwrap_or(byte));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_personal_is_cut_and_nothing_else() {
        let long = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let rows = [
            ("https://shop.example/a?x=1&email=bob%40example.com&y=2", "https://shop.example/a?x=1&y=2"),
            ("https://shop.example/?q=bob%2540example.com", "https://shop.example/"),
            ("https://bob:pw@shop.example/a", "https://shop.example/a"),
            ("https://shop.example/u/bob@example.com/orders", "https://shop.example/u/-/orders"),
            ("https://shop.example/#access_token=abc&state=1", "https://shop.example/#state=1"),
            ("https://shop.example/?n=%2B4915112345678", "https://shop.example/"),
            (
                "https://shop.example/?next=https%3A%2F%2Fx.example%2F%3Fmail%3Dbob%2540x.org&a=b",
                "https://shop.example/?a=b",
            ),
            (&format!("https://shop.example/?k={long}"), "https://shop.example/"),
            ("https://shop.example/?User-Email=x", "https://shop.example/"),
        ];
        for (url, clean_url) in rows {
            assert_eq!(clean(url), (Cow::Borrowed(clean_url), true), "{url}");
        }
    }

    #[test]
    fn ordinary_links_stay_byte_for_byte() {
        let fbclid = format!("https://shop.example/p?fbclid=IwAR{}&utm_source=fb", "x9Z".repeat(30));
        for url in [
            "https://shop.example/checkout?order=1234567890&step=2#done",
            "https://shop.example/%C3%A9t%C3%A9?empty=&flag",
            "https://medium.example/@user.name/post",
            "https://shop.example/p?variant=f47ac10b-58cc-4372-a567-0e02b2c3d479",
            fbclid.as_str(),
        ] {
            assert_eq!(clean(url), (Cow::Borrowed(url), false));
        }
    }

    #[test]
    fn a_url_is_absolute_or_none() {
        for yes in ["https://x.example", "android-app://com.x", "HTTP://x/"] {
            assert!(is_absolute(yes), "{yes}");
        }
        for no in [
            "",
            "x.example",
            "//x",
            "https://",
            "https:///a",
            "javascript:alert(1)",
            "1a://x",
            "https://x/\n",
        ] {
            assert!(!is_absolute(no), "{no}");
        }
    }
}
