//! What is sent: Meta's `user_data` object, hashed.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Key, Sha256Hex};

/// The user data of one event as Meta gets it. Made by [`super::user_data`] only, so it holds no plaintext of
/// a key that Meta wants hashed.
///
/// Serialises to Meta's object: `{"em":["62a1…"],"ph":["e323…"],"client_user_agent":"…","fbp":"fb.1.…"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HashedUserData {
    /// Sorted by key; within a key in the caller's order, without repetition.
    entries: Vec<(Key, Value)>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Hash(Sha256Hex),
    Text(String),
}

/// Keys that, alone or in any part, tell Meta too little of a person to take the event (error 2804050): the
/// event is refused where its keys are all within one of these.
const INSUFFICIENT: [u64; 4] = [
    mask(&[Key::Ct, Key::Country, Key::St, Key::Zp, Key::Ge, Key::ClientUserAgent]),
    mask(&[Key::Db, Key::ClientUserAgent]),
    mask(&[Key::Fn, Key::Ge]),
    mask(&[Key::Ln, Key::Ge]),
];

/// Keys that point to one person, account or device by themselves.
const IDENTIFYING: u64 = mask(&[
    Key::Em,
    Key::Ph,
    Key::ExternalId,
    Key::Fbc,
    Key::Fbp,
    Key::SubscriptionId,
    Key::FbLoginId,
    Key::LeadId,
    Key::AnonId,
    Key::Madid,
    Key::PageScopedUserId,
    Key::CtwaClid,
    Key::IgSid,
]);

const fn mask(keys: &[Key]) -> u64 {
    let mut mask = 0;
    let mut at = 0;
    while at < keys.len() {
        mask |= 1 << keys[at] as u64;
        at += 1;
    }
    mask
}

impl HashedUserData {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Meta's names of the keys present, in the order in which they are sent.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let firsts = self.entries.chunk_by(|(a, _), (b, _)| a == b).filter_map(|group| group.first());
        firsts.map(|(key, _)| key.as_str())
    }

    /// Whether `key` is present.
    #[must_use]
    pub fn has(&self, key: Key) -> bool {
        self.entries.iter().any(|(present, _)| *present == key)
    }

    /// Whether Meta counts this as sufficient customer information. Where it does not, the event would be
    /// refused with subcode 2804050, and its whole request with it.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        let present = self.mask();
        INSUFFICIENT.iter().all(|insufficient| present & !insufficient != 0)
    }

    /// Whether a key points to one person, account or device by itself. Stricter than
    /// [`Self::is_sufficient`], which a name and a birthday satisfy.
    #[must_use]
    pub fn identifies(&self) -> bool {
        self.mask() & IDENTIFYING != 0
    }

    fn mask(&self) -> u64 {
        self.entries.iter().fold(0, |mask, (key, _)| mask | 1 << *key as u64)
    }

    /// Adds a value; says whether it found room: keys of one value keep their first. A repeated value always
    /// does.
    pub(super) fn push(&mut self, key: Key, value: Value) -> bool {
        let mut same_key = self.entries.iter().filter(|(present, _)| *present == key).peekable();
        let first = same_key.peek().is_none();
        if same_key.any(|(_, present)| *present == value) {
            return true;
        }
        if first || key.is_list() {
            self.entries.push((key, value));
            return true;
        }
        false
    }

    pub(super) fn sort(&mut self) {
        self.entries.sort_by_key(|(key, _)| *key);
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Hash(hash) => hash.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl Serialize for HashedUserData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct List<'a>(&'a [(Key, Value)]);
        impl Serialize for List<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().map(|(_, value)| value))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        for group in self.entries.chunk_by(|(a, _), (b, _)| a == b) {
            if let [(key, value), ..] = group {
                if key.is_list() {
                    map.serialize_entry(key.as_str(), &List(group))?;
                } else {
                    map.serialize_entry(key.as_str(), value)?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(keys: &[Key]) -> HashedUserData {
        let mut data = HashedUserData::default();
        for key in keys {
            assert!(data.push(*key, Value::Text("x".to_owned())));
        }
        data.sort();
        data
    }

    #[test]
    fn metas_four_insufficient_combinations() {
        use Key::{ClientIpAddress, ClientUserAgent, Country, Ct, Db, Em, Fn, Ge, Ln, St, Zp};
        let insufficient: [&[Key]; 7] = [
            &[],
            &[Ct, Country, St, Zp, Ge, ClientUserAgent],
            &[Db, ClientUserAgent],
            &[Fn, Ge],
            &[Ln, Ge],
            &[ClientUserAgent],
            &[Ge],
        ];
        for keys in insufficient {
            assert!(!with(keys).is_sufficient(), "{keys:?}");
        }
        let sufficient: [&[Key]; 5] =
            [&[Em], &[Fn, Ln], &[Db, Ge], &[Fn, Ct], &[ClientIpAddress, ClientUserAgent]];
        for keys in sufficient {
            assert!(with(keys).is_sufficient(), "{keys:?}");
        }
        assert!(!with(&[Fn, Ln, Db]).identifies());
        assert!(with(&[Fn, Em]).identifies());
    }

    #[test]
    fn lists_are_lists_and_single_values_texts() {
        let mut data = with(&[Key::Fbp, Key::Em]);
        assert!(data.push(Key::Em, Value::Text("y".to_owned())));
        assert!(data.push(Key::Em, Value::Text("x".to_owned())), "a repetition is no second value");
        assert!(!data.push(Key::Fbp, Value::Text("y".to_owned())));
        data.sort();
        assert_eq!(serde_json::to_string(&data).unwrap(), r#"{"em":["x","y"],"fbp":"x"}"#);
        assert_eq!(data.keys().collect::<Vec<_>>(), ["em", "fbp"]);
        assert!(data.has(Key::Fbp) && !data.has(Key::Fbc));
    }
}
