//! Cities, states and postal codes.

use super::country::fold;
use super::name::not_empty;
use super::text::{ascii_digit, is_invisible, is_mark, is_punctuation, is_space, lower, nfc, trim};
use super::{Country, Refusal};

/// A city as the parameter builder has it: letters `a` to `z` and digits, beginning with a letter, so that
/// `São Paulo` is `sopaulo`. Where that leaves nothing (other scripts): lowercase without punctuation and
/// spaces.
///
/// # Errors
/// [`Refusal::Empty`], or [`Refusal::City`] where it does not begin with a letter.
pub fn city(text: &str) -> Result<String, Refusal> {
    let text = nfc(text);
    if trim(&text).is_empty() {
        return Err(Refusal::Empty);
    }
    let latin: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match latin.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() => Ok(latin),
        Some(_) if !text.chars().any(is_foreign_letter) => Err(Refusal::City),
        _ => match begins_with_letter(not_empty(bare(&text))?, Refusal::City)? {
            // `İ` lowers to an ASCII letter: what is left is neither the reference's form nor the whole name.
            name if name.contains(|c: char| c.is_ascii_alphabetic()) => Err(Refusal::City),
            name => Ok(name),
        },
    }
}

fn is_foreign_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic()
}

/// Lowercase, without punctuation, spaces and what is not seen.
fn bare(text: &str) -> String {
    let kept = |c: &char| !is_space(*c) && !is_punctuation(*c) && !is_invisible(*c) && !c.is_control();
    let stripped: String = text.chars().filter(kept).collect();
    lower(&nfc(&stripped))
}

fn begins_with_letter(name: String, refusal: Refusal) -> Result<String, Refusal> {
    let starts = name.trim_start_matches(is_mark).starts_with(char::is_alphabetic);
    if starts { Ok(name) } else { Err(refusal) }
}

/// A state or province. Names and codes of the US and Canada become their two letters, unless `country` (the
/// one posted beside it) is another; elsewhere it is lowercase without punctuation and spaces, at full
/// length.
///
/// # Errors
/// [`Refusal::Empty`], or [`Refusal::State`] where it does not begin with a letter, or is no state of the US
/// or Canada though they are the country.
pub fn state(text: &str, country: Option<Country>) -> Result<String, Refusal> {
    let text = nfc(text);
    if trim(&text).is_empty() {
        return Err(Refusal::Empty);
    }
    let (us, canada) = match country.as_ref().map(Country::as_str) {
        None => (true, true),
        Some(code) => (code == "us", code == "ca"),
    };
    if us || canada {
        let letters = fold(&text).0;
        // ISO 3166-2 writes `US-TX`.
        let letters = match letters.split_at_checked(2) {
            Some(("us" | "ca", code)) if code.len() == 2 && text.contains('-') => code,
            _ => letters.as_str(),
        };
        let tables = us.then_some(&US_STATES[..]).into_iter().chain(canada.then_some(&CANADA[..]));
        if let Some(code) = tables.flatten().find_map(|row| matches_state(letters, row)) {
            return Ok(code.to_owned());
        }
        if country.is_some() {
            return Err(Refusal::State);
        }
    }
    not_empty(bare(&text)).and_then(|name| begins_with_letter(name, Refusal::State))
}

/// Whether letters are a state's code, its name, or its name dressed up.
fn matches_state(letters: &str, &(code, name): &(&'static str, &str)) -> Option<&'static str> {
    let bare = letters.strip_prefix("stateof").or_else(|| letters.strip_prefix("provinceof"));
    let bare = bare.or_else(|| letters.strip_suffix("state")).unwrap_or(letters);
    (letters == code || letters == name || bare == name).then_some(code)
}

/// A postal code: lowercase, no spaces, no dashes; of `ddddd-dddd` the first five digits. Where `country`
/// (the one posted beside it) is the US, five digits.
///
/// # Errors
/// [`Refusal::Empty`]; [`Refusal::Zip`] where less than two characters stand before a dash or in all, where
/// letters are of another script, or where it is no code of the US though that is the country.
pub fn zip(text: &str, country: Option<Country>) -> Result<String, Refusal> {
    let digit_or_self = |c| ascii_digit(c).unwrap_or(if is_dash(c) { '-' } else { c });
    let kept = |c: &char| !is_space(*c) && !is_invisible(*c) && !c.is_control();
    let kept: String = nfc(text).chars().filter(kept).map(digit_or_self).collect();
    if !kept.is_ascii() {
        return Err(Refusal::Zip);
    }
    let code = kept.to_ascii_lowercase();
    let is_us = country.is_some_and(|country| country.as_str() == "us");
    if code.chars().all(|c| c == '-') {
        return Err(Refusal::Empty);
    }
    let (before, after) = code.split_once('-').unwrap_or((&code, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_zip_plus_4 = before.len() == 5 && after.len() == 4 && all_digits(before) && all_digits(after);
    if is_us {
        let joined = is_zip_plus_4 || (matches!(code.len(), 5 | 9) && all_digits(&code));
        return if joined { Ok(code[..5].to_owned()) } else { Err(Refusal::Zip) };
    }
    if before.chars().count() < 2 {
        return Err(Refusal::Zip);
    }
    if is_zip_plus_4 { Ok(before.to_owned()) } else { Ok(code.replace('-', "")) }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

#[rustfmt::skip]
const US_STATES: [(&str, &str); 60] = [
    ("al", "alabama"), ("ak", "alaska"), ("az", "arizona"), ("ar", "arkansas"), ("ca", "california"),
    ("co", "colorado"), ("ct", "connecticut"), ("de", "delaware"), ("dc", "districtofcolumbia"),
    ("dc", "washingtondc"), ("fl", "florida"), ("ga", "georgia"), ("hi", "hawaii"), ("id", "idaho"),
    ("il", "illinois"), ("in", "indiana"), ("ia", "iowa"), ("ks", "kansas"), ("ky", "kentucky"),
    ("la", "louisiana"), ("me", "maine"), ("md", "maryland"), ("ma", "massachusetts"), ("mi", "michigan"),
    ("mn", "minnesota"), ("ms", "mississippi"), ("mo", "missouri"), ("mt", "montana"), ("ne", "nebraska"),
    ("nv", "nevada"), ("nh", "newhampshire"), ("nj", "newjersey"), ("nm", "newmexico"), ("ny", "newyork"),
    ("nc", "northcarolina"), ("nd", "northdakota"), ("oh", "ohio"), ("ok", "oklahoma"), ("or", "oregon"),
    ("pa", "pennsylvania"), ("ri", "rhodeisland"), ("sc", "southcarolina"), ("sd", "southdakota"),
    ("tn", "tennessee"), ("tx", "texas"), ("ut", "utah"), ("vt", "vermont"), ("va", "virginia"),
    ("wa", "washington"), ("wv", "westvirginia"), ("wi", "wisconsin"), ("wy", "wyoming"),
    ("pr", "puertorico"), ("gu", "guam"), ("vi", "virginislands"), ("as", "americansamoa"),
    ("mp", "northernmarianaislands"), ("aa", "armedforcesamericas"),
    ("ae", "armedforceseurope"), ("ap", "armedforcespacific"),
];

#[rustfmt::skip]
const CANADA: [(&str, &str); 14] = [
    ("ab", "alberta"), ("bc", "britishcolumbia"), ("mb", "manitoba"), ("nb", "newbrunswick"),
    ("nl", "newfoundlandandlabrador"), ("nl", "newfoundland"), ("ns", "novascotia"),
    ("nt", "northwestterritories"), ("nu", "nunavut"), ("on", "ontario"), ("pe", "princeedwardisland"),
    ("qc", "quebec"), ("sk", "saskatchewan"), ("yt", "yukon"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn in_country(code: &str) -> Option<Country> {
        Country::parse(code).ok()
    }

    #[test]
    fn cities() {
        for (text, want) in [
            ("New York", "newyork"),
            ("Saint-Étienne", "sainttienne"),
            ("Paris 16", "paris16"),
            ("(London)", "london"),
            ("東京", "東京"),
            ("東京・港区1", "東京港区1"),
            ("Москва", "москва"),
            ("दिल्ली", "दिल्ली"),
            ("Zu\u{308}rich", "zrich"),
        ] {
            assert_eq!(city(text).as_deref(), Ok(want), "{text}");
        }
        for text in ["12345", "29 Palms", "1", "İ"] {
            assert_eq!(city(text), Err(Refusal::City), "{text}");
        }
        for text in ["", " ", "、", "--"] {
            assert_eq!(city(text), Err(Refusal::Empty), "{text}");
        }
    }

    #[test]
    fn states_of_the_us_and_canada_become_codes() {
        for (text, country, want) in [
            ("CA", "", "ca"),
            ("C A", "", "ca"),
            ("D.C.", "", "dc"),
            ("California", "", "ca"),
            (" New York ", "", "ny"),
            ("Washington, D.C.", "us", "dc"),
            ("Washington State", "us", "wa"),
            ("State of Maine", "us", "me"),
            ("US-TX", "us", "tx"),
            ("Québec", "ca", "qc"),
            ("ON", "ca", "on"),
            ("Arkansas", "us", "ar"),
        ] {
            assert_eq!(state(text, in_country(country)).as_deref(), Ok(want), "{text} in {country}");
        }
    }

    #[test]
    fn states_elsewhere_keep_their_length_and_accents() {
        for (text, country, want) in [
            ("Île-de-France", "", "îledefrance"),
            ("Baden-Württemberg", "de", "badenwürttemberg"),
            ("Maine-et-Loire", "", "maineetloire"),
            ("Baja California", "mx", "bajacalifornia"),
            ("Georgia", "ge", "georgia"),
            ("NSW", "au", "nsw"),
            ("東京都", "jp", "東京都"),
            ("WA", "au", "wa"),
        ] {
            assert_eq!(state(text, in_country(country)).as_deref(), Ok(want), "{text} in {country}");
        }
        assert_eq!(state("Bavaria", in_country("us")), Err(Refusal::State));
        assert_eq!(state("75", None), Err(Refusal::State));
        assert_eq!(state(" ", None), Err(Refusal::Empty));
    }

    #[test]
    fn postal_codes() {
        for (text, country, want) in [
            ("94035", "us", "94035"),
            ("94035-1234", "", "94035"),
            ("94035 1234", "", "940351234"),
            ("94035 1234", "us", "94035"),
            ("94035–1234", "us", "94035"),
            ("SW1A 1AA", "gb", "sw1a1aa"),
            ("150-0001", "jp", "1500001"),
            ("１５０－０００１", "jp", "1500001"),
            ("00-950", "pl", "00950"),
            ("LV-1010", "lv", "lv1010"),
            ("1987", "", "1987"),
            // Nothing but five digits, a dash and four more is a ZIP+4.
            ("94035-12", "", "9403512"),
            ("94035-123", "mx", "94035123"),
            ("94035-12345", "", "9403512345"),
            ("9403-1234", "", "94031234"),
            ("940351-1234", "", "9403511234"),
            ("94o35-1234", "", "94o351234"),
            ("94035-123a", "", "94035123a"),
            ("94035-12-34", "", "940351234"),
            ("940351234", "us", "94035"),
        ] {
            assert_eq!(zip(text, in_country(country)).as_deref(), Ok(want), "{text} in {country}");
        }
        for (text, country) in [
            ("D-10115", ""),
            ("〒150-0001", "jp"),
            ("-1234", ""),
            ("1", ""),
            ("9403", "us"),
            ("940356", "us"),
            ("9403a", "us"),
            ("94035-12", "us"),
            ("94035-12345", "us"),
            ("94035-123a", "us"),
            ("SW1A 1AA", "us"),
        ] {
            assert_eq!(zip(text, in_country(country)), Err(Refusal::Zip), "{text}");
        }
        for text in ["", " ", "--"] {
            assert_eq!(zip(text, None), Err(Refusal::Empty), "{text}");
        }
    }
}
