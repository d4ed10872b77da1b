//! What all text fields share: Unicode's normal form C, and which characters count for nothing.

use std::borrow::Cow;

use unicode_normalization::IsNormalized;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc_quick;

/// The zeros of Unicode's decimal digits (category Nd), sorted; each is followed by its one to nine.
#[rustfmt::skip]
const DECIMAL_ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066,
    0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950,
    0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The ASCII digit that a decimal digit of any script stands for.
pub(super) fn ascii_digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let code = u32::from(c);
    let zero = DECIMAL_ZEROS[DECIMAL_ZEROS.partition_point(|&zero| zero <= code) - 1];
    char::from_digit(code - zero, 10)
}

/// `text` in normal form C; borrowed where it already is.
pub(super) fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Lowercase by Unicode's rules, and in normal form C again: some letters lower to more than one character.
pub(super) fn lower(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let lowered = text.to_lowercase();
    match nfc(&lowered) {
        Cow::Borrowed(_) => lowered,
        Cow::Owned(composed) => composed,
    }
}

/// Characters without a shape of their own that are never part of a value: zero-width spaces, marks of
/// direction, soft hyphens, byte order marks. The zero-width joiners are among them: trim by this, don't
/// filter names by it.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

/// White space as the reference knows it: Unicode's, and the byte order mark.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// `text` without white space, control and invisible characters at its ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c))
}

/// Punctuation of any script a city's or state's name may hold. Not exhaustive: what is no letter and common
/// in names.
pub(super) fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    matches!(c,
        '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b1}' | '\u{b4}' | '\u{b6}'..='\u{b8}' | '\u{bb}' | '\u{bf}'
        | '\u{2bb}' | '\u{2bc}' | '\u{55a}'..='\u{55f}' | '\u{589}' | '\u{58a}' | '\u{5be}' | '\u{5f3}' | '\u{5f4}'
        | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}' | '\u{964}' | '\u{965}'
        | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{2212}' | '\u{2e00}'..='\u{2e7f}'
        | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}'
        | '\u{ff5b}'..='\u{ff65}')
}

/// Whether a mark sits on or around the letter before it; part of words in many scripts, though no letter.
pub(super) fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_become_ascii() {
        assert_eq!("١٦５०7".chars().filter_map(ascii_digit).collect::<String>(), "16507");
        for c in ['a', '²', '½', 'Ⅷ', '〇', '\u{1}', '/', ':', '\u{65f}', '\u{66a}'] {
            assert_eq!(ascii_digit(c), None, "{c:?}");
        }
        assert!(DECIMAL_ZEROS.is_sorted());
    }

    #[test]
    fn composed_and_decomposed_letters_are_one() {
        assert_eq!(nfc("cafe\u{301}"), "café");
        assert_eq!(lower("CAFE\u{301}"), "café");
        assert!(matches!(nfc("café"), Cow::Borrowed(_)));
    }

    #[test]
    fn trimming_takes_what_is_not_seen() {
        assert_eq!(trim("\u{feff}\u{200b}\u{1c} a b\u{a0}\u{3000}\n"), "a b");
    }
}
