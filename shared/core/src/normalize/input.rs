//! User data as callers post it: any key a text, a number where that makes sense, or an array of these.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::key::{Slot, by_name};
use super::{MAX_VALUES_PER_KEY, Refusal, Warning, WarningCode};

/// More remarks on one event than this help nobody.
const MAX_WARNINGS: usize = 64;

/// The user data of one event before normalising, borrowed from the text it was posted in.
///
/// Deserialises from an object or `null`. Never fails for a value of the wrong type: that is a warning.
#[derive(Default)]
pub struct UserDataInput<'a> {
    pub(super) fields: Vec<Field<'a>>,
    pub(super) warnings: Vec<Warning>,
    counts: Counts,
}

struct Counts([u8; Slot::COUNT]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Slot::COUNT])
    }
}

pub(super) struct Field<'a> {
    pub(super) slot: Slot,
    /// `user_data.` and the key as the caller wrote it.
    pub(super) name: &'static str,
    pub(super) value: Cow<'a, str>,
}

impl<'a> UserDataInput<'a> {
    /// Adds one value under one of our names or Meta's.
    pub fn push(&mut self, key: &str, value: impl Into<Cow<'a, str>>) {
        match Name::read(key) {
            Name::Known(slot, name) => self.add(slot, name, value.into()),
            Name::Unknown(name) => self.warn(name, WarningCode::UnknownKey),
        }
    }

    fn add(&mut self, slot: Slot, name: &'static str, value: Cow<'a, str>) {
        let count = &mut self.counts.0[slot.index()];
        *count = count.saturating_add(1);
        let count = usize::from(*count);
        if count <= MAX_VALUES_PER_KEY {
            self.fields.push(Field { slot, name, value });
        } else if count == MAX_VALUES_PER_KEY + 1 {
            self.warn(Cow::Borrowed(name), WarningCode::TooManyValues);
        }
    }

    pub(super) fn warn(&mut self, field: Cow<'static, str>, code: WarningCode) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(Warning { field, code });
        }
    }
}

/// A key as it was posted.
enum Name {
    Known(Slot, &'static str),
    /// What a warning may call it.
    Unknown(Cow<'static, str>),
}

impl Name {
    fn read(key: &str) -> Self {
        if let Some((slot, name)) = by_name(key) {
            return Self::Known(slot, name);
        }
        // A misplaced value must not get into answers and logs by way of its key.
        let nameable =
            (1..=40).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        Self::Unknown(if nameable { format!("user_data.{key}").into() } else { Cow::Borrowed("user_data") })
    }
}

impl<'de> Deserialize<'de> for UserDataInput<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = UserDataInput<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(UserDataInput::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut input = UserDataInput { fields: Vec::with_capacity(16), ..UserDataInput::default() };
        while let Some(name) = map.next_key_seed(NameSeed)? {
            match name {
                Name::Known(slot, name) => {
                    map.next_value_seed(ValueSeed { input: &mut input, slot, name, in_array: false })?;
                }
                Name::Unknown(name) => {
                    map.next_value::<IgnoredAny>()?;
                    input.warn(name, WarningCode::UnknownKey);
                }
            }
        }
        Ok(input)
    }
}

struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Name, E> {
        Ok(Name::read(key))
    }
}

struct ValueSeed<'i, 'de> {
    input: &'i mut UserDataInput<'de>,
    slot: Slot,
    name: &'static str,
    in_array: bool,
}

impl<'de> ValueSeed<'_, 'de> {
    fn add(self, value: Cow<'de, str>) {
        self.input.add(self.slot, self.name, value);
    }

    fn wrong_type(self) {
        self.input.warn(Cow::Borrowed(self.name), Refusal::WrongType.into());
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<(), E> {
        self.add(Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.add(Cow::Owned(value.to_owned()));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        if matches!(self.slot, Slot::Key(key) if key.takes_numbers()) {
            self.add(Cow::Owned(value.to_string()));
        } else {
            self.wrong_type();
        }
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.wrong_type();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.wrong_type();
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.wrong_type();
        Ok(())
    }

    /// `null` is how many languages write an absent value.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.wrong_type();
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.in_array {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            self.wrong_type();
            return Ok(());
        }
        let Self { input, slot, name, .. } = self;
        loop {
            let element = ValueSeed { input: &mut *input, slot, name, in_array: true };
            if seq.next_element_seed(element)?.is_none() {
                return Ok(());
            }
        }
    }
}
