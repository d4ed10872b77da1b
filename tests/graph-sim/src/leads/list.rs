//! Lists with cursors, as Graph answers them.
//!
//! `{"data":[…],"paging":{"cursors":{"before","after"},"next"}}`; `next` carries the token, and is missing on the last
//! page. An empty list has no `paging`.

use serde_json::{Value, json};

use super::read::Asked;
use crate::graph_error::GraphError;
use crate::tokens::Caller;

/// Rows of a page unless the caller says otherwise.
const DEFAULT_LIMIT: usize = 25;
/// Most rows of a page; a higher `limit` counts as this.
const MAX_LIMIT: usize = 500;

/// Where a page begins.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cursor {
    /// Key of the last row before it.
    key: String,
    /// The page in front of the rows that is empty (switch `thin_pages`).
    empty: bool,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(hex::decode(text).ok()?).ok()?;
        let (kind, key) = text.split_once(':')?;
        Some(Self { key: key.to_owned(), empty: kind == "e" })
    }

    fn write(&self) -> String {
        hex::encode(format!("{}:{}", if self.empty { "e" } else { "r" }, self.key))
    }
}

/// Answers one page. `rows_after` gives the rows that follow a key, or all; each with its own key.
pub(crate) fn list<T, I>(
    asked: &Asked<'_>,
    rows_after: impl FnOnce(Option<&str>) -> Result<I, GraphError>,
    show: impl Fn(T) -> Result<Value, GraphError>,
) -> Result<Value, GraphError>
where
    I: Iterator<Item = (String, T)>,
{
    if asked.params.has("before") {
        return Err(GraphError::new(100, None).with_message("(#100) The simulator pages forwards only"));
    }
    let limit = limit(asked)?;
    let cursor = match asked.params.text("after").filter(|text| !text.is_empty()) {
        Some(text) => Some(Cursor::read(&text).ok_or_else(invalid_cursor)?),
        None => None,
    };
    let mut rows = rows_after(cursor.as_ref().map(|cursor| cursor.key.as_str()))?.peekable();
    if let Some(Cursor { key, empty: true }) = cursor {
        let after = Cursor { key, empty: false }.write();
        return Ok(
            json!({"data": [], "paging": {"cursors": {"after": after}, "next": next_url(asked, limit, &after)}}),
        );
    }
    let thin = asked.switches.thin_pages;
    let (mut data, mut first, mut last) = (Vec::new(), None, String::new());
    for (key, row) in rows.by_ref().take(if thin { limit.div_ceil(2) } else { limit }) {
        data.push(show(row)?);
        first.get_or_insert_with(|| key.clone());
        last = key;
    }
    let Some(first) = first else { return Ok(json!({"data": []})) };
    let more = rows.peek().is_some();
    let before = Cursor { key: first, empty: false }.write();
    let after = Cursor { key: last, empty: thin && more }.write();
    let mut answer = json!({"data": data, "paging": {"cursors": {"before": before, "after": after}}});
    if more {
        answer["paging"]["next"] = json!(next_url(asked, limit, &after));
    }
    Ok(answer)
}

fn limit(asked: &Asked<'_>) -> Result<usize, GraphError> {
    let Some(text) = asked.params.text("limit") else { return Ok(DEFAULT_LIMIT) };
    match text.parse::<usize>() {
        Ok(limit) if limit > 0 => Ok(limit.min(MAX_LIMIT)),
        _ => Err(GraphError::wrong("limit", "a positive integer")),
    }
}

pub(crate) fn invalid_cursor() -> GraphError {
    GraphError::new(100, None).with_message("(#100) Invalid cursors values")
}

fn next_url(asked: &Asked<'_>, limit: usize, after: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Caller::Token(token) = asked.caller {
        query.append_pair("access_token", &token.token);
    }
    for name in ["fields", "filtering"] {
        if let Some(value) = asked.params.text(name) {
            query.append_pair(name, &value);
        }
    }
    query.append_pair("limit", &limit.to_string()).append_pair("after", after);
    format!("{}?{}", asked.url, query.finish())
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_cursor_reads_back_what_it_wrote() {
        for empty in [true, false] {
            let cursor = Cursor { key: "12:34".to_owned(), empty };
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        assert_eq!(Cursor::read("zz"), None);
        assert_eq!(Cursor::read("7273"), None);
    }
}
