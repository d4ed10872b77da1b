//! `user_data`: types, hash shapes, sufficiency, and hashes that can never match anybody.
//!
//! Source of the rules: Meta's page customer-information-parameters. Official tooling appends a dot and
//! two or eight characters to hashes, so those are accepted as well.

use serde_json::{Map, Value};

use crate::graph_error::GraphError;

/// Keys that hold hashes: one, or a list of them.
const HASHED: [&str; 10] = ["em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country"];

/// Keys that hold one text.
const TEXT: [&str; 19] = [
    "client_ip_address",
    "client_user_agent",
    "fbc",
    "fbp",
    "subscription_id",
    "anon_id",
    "madid",
    "page_scoped_user_id",
    "ctwa_clid",
    "ig_account_id",
    "ig_sid",
    "f5first",
    "f5last",
    "fi",
    "dobd",
    "dobm",
    "doby",
    "partner_id",
    "partner_name",
];

/// Keys that hold one id, as text or as a number.
const ID: [&str; 3] = ["lead_id", "fb_login_id", "page_id"];

/// What holds nothing beyond one of these is too thin (2804050).
const INSUFFICIENT: [&[&str]; 4] = [
    &["ct", "country", "st", "zp", "ge", "client_user_agent"],
    &["db", "client_user_agent"],
    &["fn", "ge"],
    &["ln", "ge"],
];

const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Checks one event's `user_data` and returns its flags: `empty_hash:<key>` (the hash of nothing),
/// `md5:<key>` (32 hex digits), `upper_case_hash:<key>`. Each is accepted, none can match.
pub(crate) fn check(user_data: &Map<String, Value>) -> Result<Vec<String>, GraphError> {
    let mut flags = Vec::new();
    for (key, value) in user_data {
        let key = key.as_str();
        if value.is_null() {
            continue;
        }
        if HASHED.contains(&key) {
            for text in texts(key, value)? {
                check_hash(key, text, &mut flags)?;
            }
        } else if key == "external_id" {
            if texts(key, value)?.iter().any(|text| bare(text) == EMPTY_SHA256) {
                flags.push(format!("empty_hash:{key}"));
            }
        } else if TEXT.contains(&key) && !value.is_string() {
            return Err(wrong(key, "a string"));
        } else if ID.contains(&key) && !(value.is_string() || value.is_u64()) {
            return Err(wrong(key, "an id"));
        }
    }
    if is_insufficient(user_data) {
        return Err(GraphError::insufficient_user_data());
    }
    flags.sort();
    flags.dedup();
    Ok(flags)
}

/// True where a value identifies something: not null, not an empty text or list.
pub(crate) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().any(is_present),
        _ => true,
    }
}

fn is_insufficient(user_data: &Map<String, Value>) -> bool {
    let known =
        |key: &str| HASHED.contains(&key) || TEXT.contains(&key) || ID.contains(&key) || key == "external_id";
    let present: Vec<&str> = user_data
        .iter()
        .filter(|(key, value)| known(key) && is_present(value))
        .map(|(key, _)| key.as_str())
        .collect();
    INSUFFICIENT.iter().any(|thin| present.iter().all(|key| thin.contains(key)))
}

fn texts<'a>(key: &str, value: &'a Value) -> Result<Vec<&'a str>, GraphError> {
    let wanted = || wrong(key, "a string or a list of strings");
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) => items.iter().map(|item| item.as_str().ok_or_else(wanted)).collect(),
        _ => Err(wanted()),
    }
}

fn check_hash(key: &str, text: &str, flags: &mut Vec<String>) -> Result<(), GraphError> {
    let hash = bare(text);
    if !matches!(hash.len(), 64 | 32) || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong(key, "a SHA-256 hash in hexadecimal"));
    }
    if hash.len() == 32 {
        flags.push(format!("md5:{key}"));
    } else if hash.eq_ignore_ascii_case(EMPTY_SHA256) {
        flags.push(format!("empty_hash:{key}"));
    }
    if hash.bytes().any(|b| b.is_ascii_uppercase()) {
        flags.push(format!("upper_case_hash:{key}"));
    }
    Ok(())
}

/// A hash without the official tooling's appendix.
fn bare(text: &str) -> &str {
    match text.split_once('.') {
        Some((hash, appendix))
            if matches!(appendix.len(), 2 | 8)
                && appendix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
        {
            hash
        }
        _ => text,
    }
}

fn wrong(key: &str, wanted: &str) -> GraphError {
    GraphError::wrong(&format!("user_data['{key}']"), wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{EMPTY_SHA256, check};

    const HASH: &str = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";

    fn outcome(user_data: &Value) -> Result<Vec<String>, Option<i64>> {
        check(user_data.as_object().unwrap()).map_err(|error| error.subcode)
    }

    #[test]
    fn hashes_come_alone_or_listed_plain_or_with_an_appendix() {
        for value in
            [json!(HASH), json!([HASH, HASH]), json!(format!("{HASH}.AQQCAQMC")), json!(format!("{HASH}.AQ"))]
        {
            assert_eq!(outcome(&json!({"em": value})), Ok(vec![]), "{value}");
        }
    }

    #[test]
    fn what_is_no_hash_is_refused_without_a_subcode() {
        for value in [
            json!("a@b.example"),
            json!(""),
            json!(7),
            json!({"a": HASH}),
            json!([HASH, 7]),
            json!(&HASH[1..]),
            json!(format!("{HASH}.AQQ")),
            json!(format!("{HASH}.AQQCAQM!")),
        ] {
            assert_eq!(outcome(&json!({"em": value, "fbp": "fb.1.1.1"})), Err(None), "{value}");
        }
    }

    #[test]
    fn every_hashed_key_is_checked() {
        for key in super::HASHED {
            assert_eq!(outcome(&json!({key: "plain", "fbp": "fb.1.1.1"})), Err(None), "{key}");
        }
    }

    #[test]
    fn thin_user_data_is_insufficient_and_anything_beyond_it_is_not() {
        for keys in [
            vec![],
            vec!["ct", "country", "st", "zp", "ge", "client_user_agent"],
            vec!["ct", "client_user_agent"],
            vec!["db", "client_user_agent"],
            vec!["fn", "ge"],
            vec!["ln", "ge"],
            vec!["ge"],
        ] {
            let mut data: Value = keys.iter().map(|key| ((*key).to_owned(), json!(HASH))).collect();
            assert_eq!(outcome(&data), Err(Some(2_804_050)), "{keys:?}");
            data["em"] = json!([HASH]);
            assert_eq!(outcome(&data), Ok(vec![]), "{keys:?} and em");
        }
        assert_eq!(outcome(&json!({"fn": HASH, "ln": HASH})), Ok(vec![]));
        assert_eq!(outcome(&json!({"db": HASH, "ct": HASH})), Ok(vec![]));
    }

    #[test]
    fn empty_and_unknown_values_do_not_make_it_sufficient() {
        for data in
            [json!({"em": []}), json!({"em": null}), json!({"external_id": [""]}), json!({"nonsense": "x"})]
        {
            assert_eq!(outcome(&data), Err(Some(2_804_050)), "{data}");
        }
    }

    #[test]
    fn hashes_that_can_match_nobody_are_flagged() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let flagged = json!({"fn": EMPTY_SHA256, "ph": [HASH, md5], "ln": HASH.to_uppercase(), "external_id": EMPTY_SHA256});
        let expected = ["empty_hash:external_id", "empty_hash:fn", "md5:ph", "upper_case_hash:ln"];
        assert_eq!(outcome(&flagged).unwrap(), expected);
    }

    #[test]
    fn clear_keys_have_types_too() {
        assert_eq!(outcome(&json!({"fbp": 1})), Err(None));
        assert_eq!(outcome(&json!({"client_ip_address": ["1.2.3.4"]})), Err(None));
        assert_eq!(outcome(&json!({"lead_id": 123_456_789_012_345_u64})), Ok(vec![]));
        assert_eq!(outcome(&json!({"lead_id": 1.5})), Err(None));
        assert_eq!(outcome(&json!({"external_id": "user-1"})), Ok(vec![]));
    }
}
