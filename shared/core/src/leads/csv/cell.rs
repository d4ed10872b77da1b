//! Cells that stay text.
//!
//! Source: OWASP, "CSV Injection".

use std::borrow::Cow;

/// What makes a spreadsheet take a cell for a formula, its full-width forms included (some locales read them alike).
const FORMULA: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// What makes some spreadsheets begin another cell, which is then read anew.
const SPLITS: &[char] = &['\t', '\r', '\n'];

/// `text` with an apostrophe before it where a spreadsheet could take it for a formula: where it begins with `=`, `+`,
/// `-`, `@`, with white space or invisible characters before them or not, or with a tab or line break. A phone number
/// thus reads `'+49…`: there is no telling a number from a formula that looks like one.
#[must_use]
pub fn neutral(text: &str) -> Cow<'_, str> {
    if is_dangerous(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that [`neutral`] was given.
#[must_use]
pub fn original(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_dangerous(rest)).unwrap_or(cell)
}

/// A text that is a formula behind apostrophes counts too, so that [`original`] gives back what it was.
fn is_dangerous(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    text.starts_with(SPLITS) || text.trim_start_matches(is_blank).starts_with(FORMULA)
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_formula_becomes_text_and_other_text_stays() {
        for formula in [
            "=1+1",
            "+49 171 1234567",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\n=1",
            "  =1",
            "\u{0}=1",
            "\u{feff}=1",
            "\u{200b}+1",
            "＝1+1",
            "'=1",
        ] {
            assert_eq!(neutral(formula), format!("'{formula}"), "{formula:?}");
        }
        for text in ["", "a=b", "'t Hooft", "1-2", "jane@example.com", " x", "{\"a\":1}", "'"] {
            assert_eq!(neutral(text), text, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula_does_and_each_is_reversible(text in "['=+@\\- \t\r\n\u{feff}a\"＝]{0,8}") {
            let cell = neutral(&text);
            let shown = cell.trim_start_matches(is_blank);
            prop_assert!(!cell.starts_with(SPLITS) && !shown.starts_with(FORMULA), "{cell:?}");
            prop_assert_eq!(original(&cell), text.as_str());
        }
    }
}
