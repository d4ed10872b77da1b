//! Against Meta's `capi-param-builder` 1.3.2: each row of `vectors/user_data.json` either comes out the same,
//! or is a row of `vectors/deviations.json` with its reason, and of the table in `docs/normalising.md`.

use std::collections::BTreeMap;

use adrelay_core::normalize::{Key, Sha256Hex, Surroundings};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    field: String,
    input: String,
    param_builder: Reference,
}

#[derive(Deserialize)]
struct Reference {
    normalized: Option<String>,
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct Deviations {
    /// Reasons by short name.
    reasons: BTreeMap<String, String>,
    rows: Vec<Deviation>,
}

#[derive(Deserialize)]
struct Deviation {
    field: String,
    input: String,
    /// Our normal form, or the code of the refusal in angle brackets.
    ours: String,
    reason: String,
}

const AROUND: Surroundings = Surroundings { country: None, default_country: None, year: 2026 };

fn rows() -> Vec<Row> {
    serde_json::from_str(include_str!("../../vectors/user_data.json")).unwrap()
}

fn deviations() -> Deviations {
    serde_json::from_str(include_str!("../../vectors/deviations.json")).unwrap()
}

fn key(field: &str) -> Key {
    use Key::{Country, Ct, Db, Em, Fn, Ge, Ln, Ph, St, Zp};
    let keys = [Em, Ph, Fn, Ln, Db, Ge, Ct, St, Zp, Country];
    *keys.iter().find(|key| key.as_str() == field).unwrap_or_else(|| panic!("no key {field}"))
}

/// Our hash, and our normal form or refusal as the table writes it.
fn ours(row: &Row) -> (Option<String>, String) {
    let key = key(&row.field);
    match key.hash(&row.input, &AROUND) {
        Ok(hash) => {
            let normal = if Sha256Hex::already(&row.input) == Ok(None) {
                key.normal_form(&row.input, &AROUND).unwrap()
            } else {
                hash.as_str().to_owned()
            };
            (Some(hash.as_str().to_owned()), normal)
        }
        Err(refusal) => (None, format!("<{}>", refusal.code())),
    }
}

#[test]
fn every_row_is_metas_or_a_deviation_with_a_reason() {
    let table = deviations();
    let mut unused: Vec<&Deviation> = table.rows.iter().collect();
    let mut wrong = Vec::new();
    for row in rows() {
        let (hash, normal) = ours(&row);
        let listed = unused.iter().position(|known| known.field == row.field && known.input == row.input);
        let listed = listed.map(|at| unused.remove(at));
        let same = hash == row.param_builder.sha256;
        match listed {
            None if same => {}
            Some(known) if !same && known.ours == normal && table.reasons.contains_key(&known.reason) => {}
            _ => wrong.push(format!(
                "{} {:?}: ours {normal:?}, listed {}",
                row.field,
                row.input,
                listed.is_some()
            )),
        }
    }
    let unused: Vec<String> =
        unused.iter().map(|known| format!("{} {:?}", known.field, known.input)).collect();
    assert!(wrong.is_empty() && unused.is_empty(), "wrong: {wrong:#?}\nunused: {unused:#?}");
}

#[test]
fn every_reason_is_used() {
    let table = deviations();
    for reason in table.reasons.keys() {
        assert!(table.rows.iter().any(|row| row.reason == *reason), "{reason}");
    }
}

/// What Meta's tool makes of a row, for people.
fn metas(row: &Row) -> String {
    match (&row.param_builder.normalized, &row.param_builder.sha256) {
        (_, Some(sent)) if sent.len() == 32 => "the MD5 as posted".to_owned(),
        (Some(normal), Some(_)) => shown(normal),
        _ => "left out".to_owned(),
    }
}

/// A value in a table for people: what can't be seen is written out.
fn shown(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    let text: String = text
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { format!("\\u{{{:x}}}", u32::from(c)) })
        .collect();
    format!("`{text}`")
}

#[test]
fn the_table_in_the_documentation_is_this_one() {
    let table = deviations();
    let rows = rows();
    let mut lines = vec![
        "| key | posted | Meta's param builder sends the hash of | adrelay sends the hash of | because |"
            .to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for known in &table.rows {
        let row = rows.iter().find(|row| row.field == known.field && row.input == known.input).unwrap();
        let ours = match known.ours.strip_prefix('<').and_then(|code| code.strip_suffix('>')) {
            Some(code) => format!("left out: `{code}`"),
            None => shown(&known.ours),
        };
        let reason = &table.reasons[&known.reason];
        lines.push(format!(
            "| {} | {} | {} | {ours} | {reason} |",
            known.field,
            shown(&known.input),
            metas(row)
        ));
    }
    let wanted = lines.join("\n");
    let document = include_str!("../../../../../docs/normalising.md");
    let between = document.split("<!-- deviations -->\n").nth(1).unwrap_or_default().trim();
    assert_eq!(between, wanted, "put this between the markers of docs/normalising.md:\n{wanted}\n");
}
