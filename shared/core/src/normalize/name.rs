//! Names and what is cut from them, gender, and ids of the caller's own.

use super::Refusal;
use super::text::{is_space, lower, nfc, trim};

/// A first or last name: lowercase, without white space and ASCII punctuation. Letters of every script stay,
/// accents too, as Meta's documentation hashes `valéry`.
///
/// # Errors
/// [`Refusal::Empty`] where nothing is left.
pub fn name(text: &str) -> Result<String, Refusal> {
    let kept = |c: &char| !is_space(*c) && !c.is_ascii_punctuation();
    strip(text, kept)
}

/// The first `letters` characters of a name: Meta's `f5first` and `f5last` (5), `fi` (1).
///
/// # Errors
/// [`Refusal::Empty`] where nothing is left.
pub(super) fn name_start(text: &str, letters: usize) -> Result<String, Refusal> {
    let whole = name(text)?;
    let start: String = whole.chars().take(letters).collect();
    not_empty(trim(&start).to_owned())
}

/// An id of the caller's own: lowercase, without white space. It must be posted alike in every channel.
///
/// # Errors
/// [`Refusal::Empty`] where nothing is left.
pub fn external_id(text: &str) -> Result<String, Refusal> {
    strip(text, |c| !is_space(*c))
}

/// `m` or `f`, from the words that Meta's parameter builder knows.
///
/// # Errors
/// [`Refusal::Empty`], or [`Refusal::Gender`] for every other word.
pub fn gender(text: &str) -> Result<&'static str, Refusal> {
    let word = not_empty(lower(&nfc(trim(text))))?;
    if MALE.contains(&word.as_str()) {
        Ok("m")
    } else if FEMALE.contains(&word.as_str()) {
        Ok("f")
    } else {
        Err(Refusal::Gender)
    }
}

#[rustfmt::skip]
const MALE: [&str; 37] = [
    "m", "male", "man", "he", "him", "his", "himself", "mr", "mister", "sir", "boy", "lad", "guy", "gentleman",
    "fellow", "chap", "bloke", "dude", "son", "brother", "father", "dad", "daddy", "papa", "uncle", "nephew",
    "husband", "boyfriend", "groom", "widower", "king", "prince", "duke", "count", "emperor", "lord", "god",
];

#[rustfmt::skip]
const FEMALE: [&str; 38] = [
    "f", "female", "woman", "she", "her", "hers", "herself", "ms", "mrs", "miss", "madam", "ma'am", "girl", "lass",
    "gal", "lady", "maiden", "dame", "belle", "chick", "daughter", "sister", "mother", "mom", "mommy", "mama",
    "aunt", "niece", "wife", "girlfriend", "bride", "widow", "queen", "princess", "duchess", "countess", "empress",
    "goddess",
];

fn strip(text: &str, kept: impl Fn(&char) -> bool) -> Result<String, Refusal> {
    let stripped: String = nfc(text).chars().filter(kept).collect();
    // Trimmed last: what is stripped may have stood outside of what is not seen.
    not_empty(lower(&nfc(trim(&stripped))))
}

pub(super) fn not_empty(text: String) -> Result<String, Refusal> {
    if text.is_empty() { Err(Refusal::Empty) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_punctuation_and_keep_accents() {
        for (text, want) in [
            ("  Mary Ann ", "maryann"),
            ("D'Angelo", "dangelo"),
            ("Jean-Luc", "jeanluc"),
            ("VALE\u{301}RY", "valéry"),
            ("정", "정"),
            ("ΓΙΏΡΓΟΣ", "γιώργος"),
            ("a-\u{301}b", "áb"),
        ] {
            assert_eq!(name(text).as_deref(), Ok(want), "{text}");
        }
        for text in ["", "  ", ".-'", "\u{200b}"] {
            assert_eq!(name(text), Err(Refusal::Empty), "{text:?}");
        }
    }

    #[test]
    fn the_start_of_a_name_counts_letters_not_bytes() {
        assert_eq!(name_start("Élodie-Marie", 5).as_deref(), Ok("élodi"));
        assert_eq!(name_start("정", 5).as_deref(), Ok("정"));
    }

    #[test]
    fn external_ids_keep_their_punctuation() {
        assert_eq!(external_id(" User 42-A\u{feff}.B ").as_deref(), Ok("user42-a.b"));
        assert_eq!(external_id(" "), Err(Refusal::Empty));
    }

    #[test]
    fn genders() {
        for (text, want) in
            [("M", "m"), (" Male", "m"), ("Frau", ""), ("FEMALE", "f"), ("Ma'am", "f"), ("nonbinary", "")]
        {
            assert_eq!(gender(text), if want.is_empty() { Err(Refusal::Gender) } else { Ok(want) }, "{text}");
        }
    }
}
