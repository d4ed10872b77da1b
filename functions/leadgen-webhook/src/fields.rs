//! Reads JSON leniently, one level at a time: what is known is kept as raw text, what is not is counted, and one part
//! that can't be read leaves its neighbours whole.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Members of an object by their names, the last where one is given twice, and how many others it has.
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) known: [Option<&'a RawValue>; N],
    pub(crate) unknown: usize,
}

impl<'a, const N: usize> Members<'a, N> {
    /// Reads an object's members of these names.
    pub(crate) fn read(json: &'a str, names: &[&str; N]) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let members = deserializer.deserialize_map(MembersVisitor(names))?;
        deserializer.end()?;
        Ok(members)
    }
}

struct MembersVisitor<'n, const N: usize>(&'n [&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for MembersVisitor<'_, N> {
    type Value = Members<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut members = Members { known: [None; N], unknown: 0 };
        while let Some(Name(name)) = map.next_key()? {
            let place = self.0.iter().position(|known| *known == name);
            if let Some(place) = place.and_then(|at| members.known.get_mut(at)) {
                *place = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
                members.unknown += 1;
            }
        }
        Ok(members)
    }
}

/// The first elements of an array, and whether it has more.
pub(crate) struct Elements<'a> {
    pub(crate) first: Vec<&'a RawValue>,
    pub(crate) more: bool,
}

impl<'a> Elements<'a> {
    /// Reads an array's elements, `max` of them at most.
    pub(crate) fn read(json: &'a RawValue, max: usize) -> Result<Self, serde_json::Error> {
        serde_json::Deserializer::from_str(json.get()).deserialize_seq(ElementsVisitor(max))
    }
}

struct ElementsVisitor(usize);

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Elements { first: Vec::new(), more: false };
        while elements.first.len() < self.0 {
            let Some(element) = list.next_element()? else { return Ok(elements) };
            elements.first.push(element);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            elements.more = true;
        }
        Ok(elements)
    }
}

/// A text. `None` for any other value.
pub(crate) fn text(json: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(json.get()).ok().map(|Text(text)| text)
}

/// The digits of a number as they stand there, or of a text: ids come as either, and a float would round them.
pub(crate) fn digits(json: &RawValue) -> Option<Cow<'_, str>> {
    let digits = if json.get().starts_with('"') { text(json)? } else { Cow::Borrowed(json.get()) };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits).filter(|digits| !digits.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn members_are_found_by_name_however_it_is_escaped_and_others_counted() {
        let members = Members::read(r#"{"\u0061":1,"b":{"c":[2]},"x":3,"y":4}"#, &["a", "b", "c"]).unwrap();
        assert_eq!(
            members.known.map(|json| json.map(RawValue::get)),
            [Some("1"), Some(r#"{"c":[2]}"#), None]
        );
        assert_eq!(members.unknown, 2);
        let twice = Members::read(r#"{"a":1,"a":2}"#, &["a"]).unwrap();
        assert_eq!(twice.known.map(|json| json.map(RawValue::get)), [Some("2")]);
        for bad in ["[]", "1", r#"{"a":1"#, r#"{"a":1} x"#, ""] {
            assert!(Members::read(bad, &["a"]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_is_read_up_to_its_limit() {
        let list = raw("[1,2,3]");
        for (max, first, more) in [(0, 0, true), (2, 2, true), (3, 3, false), (9, 3, false)] {
            let elements = Elements::read(&list, max).unwrap();
            assert_eq!((elements.first.len(), elements.more), (first, more), "{max}");
        }
        assert!(Elements::read(&raw("{}"), 1).is_err());
    }

    #[test]
    fn an_id_keeps_every_digit_as_number_and_as_text() {
        for (json, id) in [
            ("123123123123", Some("123123123123")),
            ("9007199254740993", Some("9007199254740993")),
            ("99999999999999999999", Some("99999999999999999999")),
            (r#""123""#, Some("123")),
            (r#""\u0031""#, Some("1")),
            ("1.0", None),
            ("1e3", None),
            ("-1", None),
            ("null", None),
            ("true", None),
            (r#""""#, None),
            (r#"" 1""#, None),
            ("[1]", None),
        ] {
            assert_eq!(digits(&raw(json)).as_deref(), id, "{json}");
        }
    }
}
