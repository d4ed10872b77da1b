//! What single values must be like. Lengths are in characters unless a name says otherwise.

use std::str::FromStr;

use adrelay_core::event::is_test_event_code;
use adrelay_core::ids::IdError;
use adrelay_core::normalize::Country;
use adrelay_core::seal::Secret;
use serde_json::Value;

use crate::fields::Wrong;

const MAX_URL: usize = 2_048;
const MAX_ORIGIN: usize = 300;
const MAX_TOKEN: usize = 4_096;
const MAX_FLAG: usize = 50;

/// Text as it is, not blank, without control characters.
pub(crate) fn text(max: usize) -> impl Fn(&Value) -> Result<String, Wrong> {
    move |value| {
        let text = string(value)?;
        if text.trim().is_empty() {
            return Err(Wrong::new("empty", "must not be blank"));
        }
        if text.chars().any(char::is_control) {
            return Err(Wrong::new("control_character", "must not hold control characters"));
        }
        if text.chars().count() > max {
            return Err(Wrong::new("too_long", format!("at most {max} characters")));
        }
        Ok(text.to_owned())
    }
}

/// An identifier; numbers are refused, as JSON rounds large ones.
pub(crate) fn id<T: FromStr<Err = IdError>>(value: &Value) -> Result<T, Wrong> {
    string(value)?.parse().map_err(|error: IdError| Wrong::new("invalid", error.to_string()))
}

/// A whole number within `range`.
pub(crate) fn whole(range: std::ops::RangeInclusive<u16>) -> impl Fn(&Value) -> Result<u16, Wrong> {
    move |value| {
        if !value.is_number() {
            return Err(Wrong::new("wrong_type", "must be a number"));
        }
        let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            Wrong::new("invalid", format!("a whole number from {} to {}", range.start(), range.end()))
        })
    }
}

/// `true` or `false`.
pub(crate) fn boolean(value: &Value) -> Result<bool, Wrong> {
    value.as_bool().ok_or_else(|| Wrong::new("wrong_type", "must be true or false"))
}

/// One of `words`, each with what it means.
pub(crate) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Result<T, Wrong> {
    move |value| {
        let text = string(value)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Wrong::new("invalid", format!("must be one of {}", all.join(", ")))
        })
    }
}

/// A list of at most `max` values, each by `rule`, none twice.
pub(crate) fn list<T: PartialEq>(
    max: usize,
    rule: impl Fn(&Value) -> Result<T, Wrong>,
) -> impl Fn(&Value) -> Result<Vec<T>, Wrong> {
    move |value| {
        let values = value.as_array().ok_or_else(|| Wrong::new("wrong_type", "must be a list"))?;
        if values.len() > max {
            return Err(Wrong::new("too_many", format!("at most {max}")));
        }
        let mut read = Vec::with_capacity(values.len());
        for (nth, value) in values.iter().enumerate() {
            let item = rule(value)
                .map_err(|wrong| Wrong { message: format!("[{nth}] {}", wrong.message), ..wrong })?;
            if read.contains(&item) {
                return Err(Wrong::new("repeated", format!("[{nth}] stands there twice")));
            }
            read.push(item);
        }
        Ok(read)
    }
}

/// A flag such as `b2b`: lowercase letters, digits, `-` and `_`.
pub(crate) fn flag(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    let ok = (1..=MAX_FLAG).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
    if ok { Ok(text.to_owned()) } else { Err(Wrong::new("invalid", "1 to 50 of a-z 0-9 - _")) }
}

/// A country's alpha-2 code, in upper case.
pub(crate) fn country(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    let wrong = || Wrong::new("invalid", "must be an ISO 3166-1 alpha-2 code such as US");
    if text.len() != 2 {
        return Err(wrong());
    }
    Country::parse(text).map(|country| country.as_str().to_ascii_uppercase()).map_err(|_| wrong())
}

/// An https URL.
pub(crate) fn https_url(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    let ok = text.len() <= MAX_URL
        && text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if ok {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("invalid", "must be an https URL of at most 2048 bytes"))
    }
}

/// The code of Meta's *Test events* view, as events may carry it too.
pub(crate) fn test_event_code(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    if is_test_event_code(text) {
        Ok(text.to_owned())
    } else {
        Err(Wrong::new("invalid", "must be 1 to 64 of A-Z a-z 0-9 - _"))
    }
}

/// A browser's origin: scheme, host and port, nothing after them. Browsers send it in lower case.
pub(crate) fn origin(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?.to_ascii_lowercase();
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let ok = text.len() <= MAX_ORIGIN
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
    if ok {
        Ok(text)
    } else {
        Err(Wrong::new("invalid", "must be an origin such as https://www.example.com"))
    }
}

/// An ad account: `act_` and digits, or the digits alone.
pub(crate) fn ad_account(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    let account = text.strip_prefix("act_").unwrap_or(text);
    if is_number(account) {
        Ok(format!("act_{account}"))
    } else {
        Err(Wrong::new("invalid", "must be act_ and 1 to 20 digits"))
    }
}

/// One of Meta's numeric ids: decimal text.
pub(crate) fn meta_id(value: &Value) -> Result<String, Wrong> {
    let text = string(value)?;
    if is_number(text) { Ok(text.to_owned()) } else { Err(Wrong::new("invalid", "must be 1 to 20 digits")) }
}

/// A token or secret, as pasted: blanks around it are cut off. The message never repeats it.
pub(crate) fn secret(value: &Value) -> Result<Secret, Wrong> {
    let text = string(value)?.trim();
    let ok = (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if ok {
        Ok(Secret::new(text.to_owned()))
    } else {
        Err(Wrong::new("invalid", "must be 1 to 4096 visible ASCII characters without spaces"))
    }
}

fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn string(value: &Value) -> Result<&str, Wrong> {
    value.as_str().ok_or_else(|| Wrong::new("wrong_type", "must be a string"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_alone() {
        for (given, kept) in [
            ("https://www.example.com", "https://www.example.com"),
            ("https://Shop.Example.com", "https://shop.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            assert_eq!(origin(&json!(given)).unwrap(), kept);
        }
        for bad in ["example.com", "https://", "https://a.b/", "https://u@h", "ftp://a.b", "*", "https://a b"]
        {
            assert!(origin(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_country_is_an_assigned_code() {
        assert_eq!(country(&json!("us")).unwrap(), "US");
        for bad in [json!("USA"), json!("ZZ"), json!(""), json!(1)] {
            assert!(country(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_names_the_item_that_is_wrong() {
        let flags = list(3, flag);
        assert_eq!(flags(&json!(["b2b", "vip"])).unwrap(), ["b2b", "vip"]);
        assert!(flags(&json!(["b2b", "No"])).unwrap_err().message.starts_with("[1] "));
        assert_eq!(flags(&json!(["a", "a"])).unwrap_err().code, "repeated");
        assert_eq!(flags(&json!(["a", "b", "c", "d"])).unwrap_err().code, "too_many");
        assert_eq!(flags(&json!("a")).unwrap_err().code, "wrong_type");
    }

    #[test]
    fn a_secret_loses_the_blanks_that_came_with_pasting_it() {
        assert_eq!(secret(&json!(" EAAB-x\n")).unwrap().expose(), "EAAB-x");
        for bad in ["", "a b", "a\u{0}b", "é"] {
            assert!(secret(&json!(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_ad_account_is_kept_with_its_prefix() {
        assert_eq!(ad_account(&json!("123")).unwrap(), "act_123");
        assert_eq!(ad_account(&json!("act_123")).unwrap(), "act_123");
        assert!(ad_account(&json!("act_")).is_err());
    }

    #[test]
    fn text_is_bounded_in_characters() {
        assert!(text(3)(&json!("ééé")).is_ok());
        assert_eq!(text(3)(&json!("abcd")).unwrap_err().code, "too_long");
        assert_eq!(text(3)(&json!(" ")).unwrap_err().code, "empty");
        assert_eq!(text(3)(&json!("a\u{7}")).unwrap_err().code, "control_character");
        assert_eq!(text(3)(&json!(7)).unwrap_err().code, "wrong_type");
    }
}
