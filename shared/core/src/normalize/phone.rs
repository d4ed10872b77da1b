//! Phone numbers: Meta wants the digits of E.164, country code first, without the plus.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

use super::text::{ascii_digit, is_space, trim};
use super::{Country, Refusal};

/// E.164 allows at most 15 digits.
const MAX_DIGITS: usize = 15;
/// Shorter numbers reach nobody from abroad.
const MIN_DIGITS: usize = 7;
/// More digits than this are several numbers, or none.
const MAX_SCANNED_DIGITS: usize = 32;

/// The digits of a phone number, 7 to 15 of them, the first not zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PhoneE164 {
    digits: [u8; MAX_DIGITS],
    len: u8,
    country_known: bool,
}

impl PhoneE164 {
    /// Reads a number as people write it. National numbers are completed where `country` is known.
    ///
    /// # Errors
    /// [`Refusal::Empty`] where the text is blank, [`Refusal::Phone`] where it is no number.
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, Refusal> {
        if let Some(plain) = Self::plain(text) {
            return Ok(plain);
        }
        let text = trim(text);
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        let written = Written::read(text)?;
        let significant = written.digits.trim_start_matches('0');
        let zeros = written.digits.len() - significant.len();
        if written.plus || zeros >= 2 {
            return Self::from_digits(significant, true).map(Self::without_trunk_zero);
        }
        if let Some(region) = country.and_then(region)
            && let Some(completed) = complete(&written.digits, region)
        {
            return Ok(completed);
        }
        Self::from_digits(significant, zeros == 0)
    }

    /// The digits, without a plus.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made from ASCII digits only.
        std::str::from_utf8(&self.digits[..usize::from(self.len)]).unwrap_or_default()
    }

    /// Whether the number can begin with its country code. False for one written with a trunk zero whose
    /// country is not known: it is kept as Meta's own tools send it, and will hardly match.
    #[must_use]
    pub fn country_known(&self) -> bool {
        self.country_known
    }

    /// The short way of `+` and digits: nothing to interpret, no tables of numbering plans to build.
    fn plain(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        let number = plain.then(|| Self::from_digits(digits, true).ok())??;
        Some(number.without_trunk_zero())
    }

    fn from_digits(digits: &str, country_known: bool) -> Result<Self, Refusal> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) {
            return Err(Refusal::Phone);
        }
        let mut number = Self { digits: [0; MAX_DIGITS], len: 0, country_known };
        for (slot, digit) in number.digits.iter_mut().zip(digits.bytes()) {
            *slot = digit;
            number.len += 1;
        }
        Ok(number)
    }

    /// Drops a trunk zero behind the country code (`+49 030 …`) where the country's plan has none there.
    /// Italy's plan has, so the numbering plans decide; they are asked only where there is such a zero.
    fn without_trunk_zero(self) -> Self {
        let (code, rest) = self.as_str().split_at(country_code_len(self.as_str()));
        let dropped = rest.trim_start_matches('0');
        if dropped.len() == rest.len() {
            return self;
        }
        let parsed = PHONE_NUMBER_UTIL.parse(format!("+{code}{rest}"), None).ok();
        let completed = parsed.filter(PhoneNumber::is_valid).and_then(|number| e164(&number));
        // Some plans rewrite more than the zero; that would be a guess.
        completed.filter(|number| number.as_str().strip_prefix(code) == Some(dropped)).unwrap_or(self)
    }
}

impl std::fmt::Debug for PhoneE164 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneE164(…)")
    }
}

/// What a person wrote, without decoration.
struct Written {
    digits: String,
    plus: bool,
}

impl Written {
    fn read(text: &str) -> Result<Self, Refusal> {
        let text =
            text.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("tel:")).map_or(text, |_| &text[4..]);
        let mut written = Self { digits: String::with_capacity(MAX_DIGITS), plus: false };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = trunk_zero(rest).filter(|_| !written.digits.is_empty()) {
                rest = after;
                continue;
            }
            if let Some(digit) = ascii_digit(c) {
                written.digits.push(digit);
            } else if matches!(c, '+' | '\u{ff0b}') && written.digits.is_empty() {
                written.plus = true;
            } else if c.is_alphabetic() {
                if written.digits.is_empty() || !is_extension(rest) {
                    return Err(Refusal::Phone);
                }
                break;
            }
            if written.digits.len() > MAX_SCANNED_DIGITS {
                return Err(Refusal::Phone);
            }
            rest = &rest[c.len_utf8()..];
        }
        if written.digits.is_empty() { Err(Refusal::Phone) } else { Ok(written) }
    }
}

/// What follows `(0)`, the trunk zero that a caller from abroad leaves out.
fn trunk_zero(text: &str) -> Option<&str> {
    let inside = text.strip_prefix(['(', '\u{ff08}'])?.trim_start_matches(is_space);
    let zero = inside.chars().next().filter(|c| ascii_digit(*c) == Some('0'))?;
    inside[zero.len_utf8()..].trim_start_matches(is_space).strip_prefix([')', '\u{ff09}'])
}

/// Whether a text is `x12`, `ext. 12` or the like, to its end.
fn is_extension(text: &str) -> bool {
    let word_end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    let known = ["x", "ext", "extn", "extension"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let number =
        rest.trim_start_matches(|c: char| matches!(c, '.' | ':' | '=' | '#') || is_space(c)).trim_end();
    known && !number.is_empty() && number.chars().all(|c| ascii_digit(c).is_some())
}

fn region(country: Country) -> Option<Region> {
    Region::from_code(country.as_str()).ok()
}

/// A number without a plus, read in a region: its national numbers first, then numbers that begin with
/// another country's code, then what could be a national number by its length.
fn complete(digits: &str, region: Region) -> Option<PhoneE164> {
    let national = PHONE_NUMBER_UTIL.parse(digits, Some(region)).ok();
    if let Some(number) = national.as_ref().filter(|number| number.is_valid()) {
        return e164(number);
    }
    let foreign = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok();
    if foreign.is_some_and(|number| number.is_valid()) {
        return PhoneE164::from_digits(digits, true).ok();
    }
    national.filter(|number| number.is_possible_with_reason().is_ok()).and_then(|number| e164(&number))
}

fn e164(number: &PhoneNumber) -> Option<PhoneE164> {
    let text = number.format_as(PhoneNumberFormat::E164);
    PhoneE164::from_digits(text.strip_prefix('+')?, true).ok()
}

/// How many of the first digits are the country code (ITU-T E.164 assignments): one for zones 1 and 7, two
/// for the codes listed, three for all others.
fn country_code_len(digits: &str) -> usize {
    const TWO: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "95",
    ];
    if digits.starts_with(['1', '7']) {
        1
    } else if digits.starts_with("98") || digits.get(..2).is_some_and(|two| TWO.contains(&two)) {
        2
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str, country: &str) -> Result<String, Refusal> {
        PhoneE164::parse(text, Country::parse(country).ok()).map(|number| number.as_str().to_owned())
    }

    #[test]
    fn international_numbers_in_any_dress() {
        for (text, want) in [
            ("+16505551212", "16505551212"),
            ("1 (650) 555-1212", "16505551212"),
            ("0016505551212", "16505551212"),
            ("+41 79 123 45 67", "41791234567"),
            ("tel:+41-79-123-45-67", "41791234567"),
            ("+49 (0)30 123456", "4930123456"),
            ("+49 ( 0 ) 30 123456", "4930123456"),
            ("49(0)30 123456", "4930123456"),
            ("+49 030 123456", "4930123456"),
            ("+390612345678", "390612345678"),
            ("+67200000", "67200000"),
            ("+1 650 555 1212 x123", "16505551212"),
            ("+1 650 555 1212 Ext. 7", "16505551212"),
            ("+1 650 555 1212;ext=7", "16505551212"),
            ("١٦٥٠٥٥٥١٢١٢", "16505551212"),
            ("＋１６５０５５５１２１２", "16505551212"),
        ] {
            assert_eq!(normal(text, "").as_deref(), Ok(want), "{text}");
        }
    }

    #[test]
    fn national_numbers_are_completed_where_the_country_is_known() {
        for (text, country, want) in [
            ("(650) 555-1212", "us", "16505551212"),
            ("16505551212", "us", "16505551212"),
            ("555 987 6543", "us", "15559876543"),
            ("011 41 79 123 45 67", "us", "41791234567"),
            ("079 123 45 67", "ch", "41791234567"),
            ("41791234567", "us", "41791234567"),
            ("030 123456", "de", "4930123456"),
            ("(0)30 123456", "de", "4930123456"),
            ("06 1234 5678", "it", "390612345678"),
            ("020 7183 8750", "uk", "442071838750"),
            ("8 (912) 345-67-89", "ru", "79123456789"),
            ("+41791234567", "us", "41791234567"),
        ] {
            assert_eq!(normal(text, country).as_deref(), Ok(want), "{text} in {country}");
        }
    }

    #[test]
    fn a_trunk_zero_without_a_country_is_remarked() {
        let number = PhoneE164::parse("079 123 45 67", None).unwrap();
        assert_eq!((number.as_str(), number.country_known()), ("791234567", false));
        assert!(PhoneE164::parse("791234567", None).unwrap().country_known());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "phone",
            "1-800-FLOWERS",
            "+1 650 555 1212 call me",
            "123456",
            "+123456",
            "1234567890123456",
            "+1 650 555 1212 / +1 650 555 1213",
            "x12",
            "---",
            "+",
            "0000000",
            "1 650 555 1212 x",
            "тел 16505551212",
        ] {
            assert_eq!(normal(text, ""), Err(Refusal::Phone), "{text}");
        }
        assert_eq!(normal(" \u{200b}", ""), Err(Refusal::Empty));
    }
}
