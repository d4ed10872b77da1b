//! Lists of Meta's, and the values that their rows are made of.

use adrelay_core::ids::PageId;
use adrelay_core::ports::leads_api::{ManagedPage, Rows};
use adrelay_core::seal::Secret;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most bytes of a cursor; Meta's have about 100.
const MAX_CURSOR_BYTES: usize = 2_048;

/// The most characters of a name.
const MAX_NAME_CHARS: usize = 1_000;

/// The rows of `{"data": […], "paging": …}`. Nothing where it is no list, or where there is a next page that can't be
/// asked for: to stop there would lose its rows.
pub(crate) fn rows<T>(object: &Map<String, Value>, read: impl Fn(&Value) -> Option<T>) -> Option<Rows<T>> {
    let data = object.get("data")?.as_array()?;
    let rows: Vec<T> = data.iter().filter_map(read).collect();
    let unreadable = data.len() - rows.len();
    let paging = object.get("paging");
    let has_next = paging.and_then(|paging| paging.get("next")).is_some_and(|next| !next.is_null());
    let after = if has_next { Some(cursor(paging?)?) } else { None };
    Some(Rows { rows, unreadable, after })
}

fn cursor(paging: &Value) -> Option<String> {
    let after = paging.get("cursors")?.get("after")?.as_str()?;
    let plausible = (1..=MAX_CURSOR_BYTES).contains(&after.len());
    (plausible && after.bytes().all(|byte| byte.is_ascii_graphic())).then(|| after.to_owned())
}

/// An id: decimal text, or a number.
pub(crate) fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

/// A name or another short text, cut; nothing for an empty one.
pub(crate) fn name(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?;
    (!text.is_empty()).then(|| text.chars().take(MAX_NAME_CHARS).collect())
}

/// Unix seconds of `2015-02-28T08:49:14+0000`, whose offset lacks RFC 3339's colon; also of RFC 3339, and of a number.
pub(crate) fn seconds(value: Option<&Value>) -> Option<i64> {
    let text = match value? {
        Value::String(text) => text,
        other => return other.as_i64(),
    };
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let offset = text.len().checked_sub(5).and_then(|at| text.get(at..))?;
    let bare = offset.starts_with(['+', '-']) && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    let parsed = if bare {
        let (before, minutes) = text.split_at_checked(text.len() - 2)?;
        OffsetDateTime::parse(&format!("{before}:{minutes}"), &Rfc3339)
    } else {
        OffsetDateTime::parse(text, &Rfc3339)
    };
    parsed.ok().map(OffsetDateTime::unix_timestamp)
}

/// A row of `/me/accounts`.
pub(crate) fn managed_page(row: &Value) -> Option<ManagedPage> {
    let token = row.get("access_token").and_then(Value::as_str).filter(|token| !token.is_empty());
    Some(ManagedPage {
        id: PageId::parse(&id(row.get("id"))?).ok()?,
        name: name(row.get("name")),
        token: token.map(|token| Secret::new(token.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(list: &Value) -> Option<Rows<String>> {
        rows(list.as_object().unwrap(), |row| id(row.get("id")))
    }

    #[test]
    fn a_list_goes_on_while_there_is_a_next_page_whatever_its_cursors_say() {
        let cursors = json!({"before": "a", "after": "b"});
        let last = ids(&json!({"data": [{"id": "1"}], "paging": {"cursors": cursors}})).unwrap();
        assert_eq!((last.rows, last.after), (vec!["1".to_owned()], None));
        let empty = json!({"data": [], "paging": {"cursors": cursors, "next": "https://…"}});
        assert_eq!(ids(&empty).unwrap().after.as_deref(), Some("b"));
        assert_eq!(ids(&json!({"data": []})).unwrap().after, None);
    }

    #[test]
    fn a_next_page_without_a_cursor_is_no_end() {
        for cursors in [json!({}), json!({"after": ""}), json!({"after": 7}), json!({"after": "a\nb"})] {
            let list = json!({"data": [], "paging": {"cursors": cursors, "next": "https://…"}});
            assert_eq!(ids(&list), None, "{cursors}");
        }
    }

    #[test]
    fn rows_that_cannot_be_read_are_counted() {
        let list = json!({"data": [{"id": 15_000_000_000_000_001_u64}, {}, 7, {"id": null}, {"id": "2"}]});
        let read = ids(&list).unwrap();
        assert_eq!((read.rows.len(), read.unreadable), (2, 3));
        assert_eq!(read.rows[0], "15000000000000001");
        assert_eq!(ids(&json!({"data": {}})), None);
        assert_eq!(ids(&json!({})), None);
    }

    #[test]
    fn times_are_read_with_and_without_a_colon() {
        for text in ["2015-02-28T08:49:14+0000", "2015-02-28T09:49:14+0100", "2015-02-28T08:49:14Z"] {
            assert_eq!(seconds(Some(&json!(text))), Some(1_425_113_354), "{text}");
        }
        assert_eq!(seconds(Some(&json!(1_425_113_354))), Some(1_425_113_354));
        assert_eq!(seconds(Some(&json!("1425113354"))), Some(1_425_113_354));
        for bad in [json!("yesterday"), json!(""), json!("+0000"), json!("ä+000"), json!(null), json!([])] {
            assert_eq!(seconds(Some(&bad)), None, "{bad}");
        }
    }
}
