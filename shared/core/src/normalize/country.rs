//! Countries: ISO 3166-1 alpha-2, read from codes and names.

use unicode_normalization::UnicodeNormalization;

use super::Refusal;
use super::country_names::{ALIASES, COUNTRIES};
use super::text::{is_mark, is_space, trim};

/// A country of ISO 3166-1, as Meta wants it: two lowercase letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// Reads an alpha-2 or alpha-3 code in either case, `uk`, or a country's name.
    ///
    /// # Errors
    /// [`Refusal::Country`] for anything else, such as codes that ISO has not assigned (`XK`, `ZZ`);
    /// [`Refusal::Empty`] where there are no letters.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if let &[a, b] = text.as_bytes() {
            let code = [a.to_ascii_lowercase(), b.to_ascii_lowercase()];
            if is_assigned(code) {
                return Ok(Self(code));
            }
        }
        let (letters, plain) = fold(text);
        if letters.is_empty() {
            let blank = trim(text).chars().all(|c| c.is_ascii_punctuation() || is_space(c));
            return Err(if blank { Refusal::Empty } else { Refusal::Country });
        }
        // An accent makes a name, never a code: `Ü S` is not the United States.
        if plain
            && let &[a, b] = letters.as_bytes()
            && is_assigned([a, b])
        {
            return Ok(Self([a, b]));
        }
        by_name(&letters).filter(|_| plain || letters.len() > 3).ok_or(Refusal::Country)
    }

    /// Two lowercase letters, e.g. `us`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made from table entries, which are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Two uppercase letters, e.g. `US`.
    #[must_use]
    pub fn upper(self) -> [u8; 2] {
        self.0.map(|letter| letter.to_ascii_uppercase())
    }
}

fn is_assigned(code: [u8; 2]) -> bool {
    COUNTRIES.binary_search_by(|(alpha2, ..)| alpha2.as_bytes().cmp(&code[..])).is_ok()
}

fn by_name(letters: &str) -> Option<Country> {
    let row = COUNTRIES.iter().find(|(_, alpha3, name)| *alpha3 == letters || *name == letters);
    let code = match row {
        Some((alpha2, ..)) => alpha2,
        None => ALIASES.iter().find(|(name, _)| *name == letters).map(|(_, alpha2)| alpha2)?,
    };
    code.as_bytes().try_into().ok().map(Country)
}

/// The letters `a` to `z` of `text`, lowercase, accents dropped; and whether the text was plain ASCII.
pub(super) fn fold(text: &str) -> (String, bool) {
    let plain = text.is_ascii();
    let letter = |c: char| c.is_ascii_alphabetic().then(|| c.to_ascii_lowercase());
    let letters = if plain {
        text.chars().filter_map(letter).collect()
    } else {
        text.nfd().filter(|c| !is_mark(*c)).filter_map(letter).collect()
    };
    (letters, plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_agree() {
        assert!(COUNTRIES.is_sorted());
        for (alpha2, alpha3, name) in COUNTRIES {
            assert_eq!((alpha2.len(), alpha3.len()), (2, 3), "{name}");
            for text in [alpha2, alpha3, name] {
                assert_eq!(Country::parse(text).unwrap().as_str(), alpha2, "{text}");
            }
        }
        for (name, alpha2) in ALIASES {
            assert_eq!(Country::parse(name).unwrap().as_str(), alpha2, "{name}");
        }
    }

    #[test]
    fn codes_and_names_in_any_dress() {
        for (text, code) in [
            ("US", "us"),
            (" us ", "us"),
            ("U.S.", "us"),
            ("u s", "us"),
            ("U.S.A.", "us"),
            ("USA", "us"),
            ("United States of America", "us"),
            ("UK", "gb"),
            ("GB", "gb"),
            ("Great Britain", "gb"),
            ("Côte d’Ivoire", "ci"),
            ("Curaçao", "cw"),
            ("Türkiye", "tr"),
            ("AUT", "at"),
            ("Deutschland", "de"),
            ("Korea, Republic of", "kr"),
            ("GUINEA", "gn"),
            ("Niger", "ne"),
        ] {
            assert_eq!(Country::parse(text).map(|c| c.as_str().to_owned()).as_deref(), Ok(code), "{text}");
        }
    }

    #[test]
    fn what_is_no_country_is_refused() {
        for text in ["zz", "XK", "Ü S", "é", "Atlantis", "a", "1", "日本", "usx", "ü s a"] {
            assert_eq!(Country::parse(text), Err(Refusal::Country), "{text}");
        }
        for text in ["", "  ", "--"] {
            assert_eq!(Country::parse(text), Err(Refusal::Empty), "{text}");
        }
    }
}
