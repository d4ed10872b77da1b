//! Reads JSON strictly and to its end: one answer names everything that is wrong, each with its place.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// What is wrong with a posted rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// Where, e.g. `rules[2].fire[0].event_name`.
    pub field: String,
    /// A stable code.
    pub code: &'static str,
    /// A sentence for people. Never quotes what was posted.
    pub message: String,
}

/// Errors that one reading names at most.
const MAX_ERRORS: usize = 50;

/// Bytes that an error repeats of a key that the caller chose.
const MAX_SHOWN_KEY: usize = 64;

/// Collects what is wrong. Methods answer `None` where something is absent or wrong; the latter stands in `errors`.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) errors: Vec<RuleError>,
}

/// An object whose keys are known, with its place.
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: String,
}

impl Fields<'_> {
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

impl Reader {
    pub(super) fn wrong(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(RuleError { field: field.to_owned(), code, message: message.into() });
        }
    }

    /// An object with no keys but these.
    pub(super) fn object<'v>(&mut self, value: &'v Value, path: &str, known: &[&str]) -> Option<Fields<'v>> {
        let Some(map) = value.as_object() else {
            self.wrong(path, "wrong_type", "must be an object");
            return None;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("no such field; known are {}", known.join(", "));
            self.wrong(&format!("{path}.{}", shown(key)), "unknown_field", message);
        }
        Some(Fields { map, path: path.to_owned() })
    }

    /// A field that may be absent or `null`.
    pub(super) fn optional<'v, T>(
        &mut self,
        fields: &Fields<'v>,
        name: &str,
        rule: impl FnOnce(&mut Self, &'v Value, &str) -> Option<T>,
    ) -> Option<T> {
        let value = fields.map.get(name).filter(|value| !value.is_null())?;
        rule(self, value, &fields.path(name))
    }

    /// A field that must be there.
    pub(super) fn required<'v, T>(
        &mut self,
        fields: &Fields<'v>,
        name: &str,
        rule: impl FnOnce(&mut Self, &'v Value, &str) -> Option<T>,
    ) -> Option<T> {
        match fields.map.get(name).filter(|value| !value.is_null()) {
            Some(value) => rule(self, value, &fields.path(name)),
            None => {
                self.wrong(&fields.path(name), "required", format!("{name} is required"));
                None
            }
        }
    }

    /// A list of so many items. Items that are wrong are left out of it, and stand in `errors`.
    pub(super) fn list<'v, T>(
        &mut self,
        value: &'v Value,
        path: &str,
        sizes: RangeInclusive<usize>,
        mut rule: impl FnMut(&mut Self, &'v Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(items) = value.as_array() else {
            self.wrong(path, "wrong_type", "must be a list");
            return None;
        };
        if items.len() < *sizes.start() {
            self.wrong(path, "too_few", format!("at least {}", sizes.start()));
        }
        if items.len() > *sizes.end() {
            self.wrong(path, "too_many", format!("at most {}", sizes.end()));
            return None;
        }
        let items = items.iter().enumerate();
        Some(items.filter_map(|(nth, item)| rule(self, item, &format!("{path}[{nth}]"))).collect())
    }

    /// A list in which nothing stands twice.
    pub(super) fn set<'v, T: PartialEq>(
        &mut self,
        value: &'v Value,
        path: &str,
        sizes: RangeInclusive<usize>,
        rule: impl FnMut(&mut Self, &'v Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.list(value, path, sizes, rule)?;
        if items.iter().enumerate().any(|(nth, item)| items[..nth].contains(item)) {
            self.wrong(path, "repeated", "something stands there twice");
        }
        Some(items)
    }

    /// A map of so many entries. Entries that are wrong are left out of it, and stand in `errors`.
    pub(super) fn entries<'v, T>(
        &mut self,
        value: &'v Value,
        path: &str,
        max: usize,
        mut rule: impl FnMut(&mut Self, &'v str, &'v Value, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(map) = value.as_object() else {
            self.wrong(path, "wrong_type", "must be an object");
            return None;
        };
        if map.len() > max {
            self.wrong(path, "too_many", format!("at most {max}"));
            return None;
        }
        let read =
            map.iter().filter_map(|(key, value)| rule(self, key, value, &format!("{path}.{}", shown(key))));
        Some(read.collect())
    }

    pub(super) fn text<'v>(&mut self, value: &'v Value, path: &str) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.wrong(path, "wrong_type", "must be a text");
        }
        text
    }

    /// An identifier of any kind.
    pub(super) fn id<T: std::str::FromStr>(&mut self, value: &Value, path: &str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match self.text(value, path)?.parse() {
            Ok(id) => Some(id),
            Err(error) => {
                self.wrong(path, "invalid", error.to_string());
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, value: &Value, path: &str) -> Option<bool> {
        let boolean = value.as_bool();
        if boolean.is_none() {
            self.wrong(path, "wrong_type", "must be true or false");
        }
        boolean
    }

    /// A whole number within bounds.
    pub(super) fn whole(&mut self, value: &Value, path: &str, bounds: RangeInclusive<u64>) -> Option<u64> {
        let number = value.as_u64().filter(|number| bounds.contains(number));
        if number.is_none() {
            let code = if value.is_number() { "out_of_range" } else { "wrong_type" };
            self.wrong(path, code, format!("a whole number from {} to {}", bounds.start(), bounds.end()));
        }
        number
    }
}

/// A key as errors may show it.
pub(super) fn shown(key: &str) -> String {
    let plain = |c: char| if (' '..'\x7f').contains(&c) && !matches!(c, '@' | '"' | '\\') { c } else { '?' };
    key.chars().take(MAX_SHOWN_KEY).map(plain).collect()
}
