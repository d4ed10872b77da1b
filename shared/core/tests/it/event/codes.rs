//! The page of codes says what the code says.

use std::fmt::Write as _;

use adrelay_core::event::{NoteCode, RefusalCode};

fn between<'a>(page: &'a str, name: &str) -> &'a str {
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
    page.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).unwrap().0
}

#[test]
fn the_page_lists_every_code_with_its_meaning() {
    let page = include_str!("../../../../../docs/event-refusals.md");
    let mut refusals = "| code | meaning |\n|---|---|\n".to_owned();
    for code in RefusalCode::ALL {
        writeln!(refusals, "| `{}` | {} |", code.code(), code.message()).unwrap();
    }
    let mut warnings = "| code | meaning |\n|---|---|\n".to_owned();
    for code in NoteCode::ALL {
        writeln!(warnings, "| `{}` | {} |", code.code(), code.message()).unwrap();
    }
    assert_eq!(between(page, "refusals"), refusals, "put this between the markers:\n{refusals}");
    assert_eq!(between(page, "warnings"), warnings, "put this between the markers:\n{warnings}");
}
