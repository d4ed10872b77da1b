//! The fields of a `multipart/form-data` body that has been read completely.

/// The boundary that a `Content-Type` names.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
    })
}

/// (name, value) of every part, or `None` where the body is not what it says it is.
pub(crate) fn fields(body: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
    let delimiter = format!("--{boundary}");
    let mut rest = skip_past(body, delimiter.as_bytes())?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, format!("\r\n{delimiter}").as_bytes())?;
        let part = &rest[..end];
        let head_end = find(part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let value = &part[head_end + 4..];
        fields.push((field_name(head)?, String::from_utf8_lossy(value).into_owned()));
        rest = &rest[end + 2 + delimiter.len()..];
    }
    Some(fields)
}

fn field_name(head: &str) -> Option<String> {
    let disposition = head.lines().find(|line| {
        line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))
    })?;
    disposition.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim() == "name").then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn skip_past<'a>(haystack: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    find(haystack, needle).map(|at| &haystack[at + needle.len()..])
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::{boundary, fields};

    #[test]
    fn the_boundary_is_found_quoted_or_not() {
        assert_eq!(boundary("multipart/form-data; boundary=abc"), Some("abc"));
        assert_eq!(boundary("multipart/form-data; charset=utf-8; Boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[test]
    fn parts_become_fields_and_a_line_break_in_a_value_stays() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n[{\r\n}]\r\n--x\r\ncontent-disposition: \
                    form-data; name=\"f\"; filename=\"a.json\"\r\nContent-Type: text/plain\r\n\r\n\r\n--x--\r\n";
        let found = fields(body.as_bytes(), "x").unwrap();
        assert_eq!(found, [("data".to_owned(), "[{\r\n}]".to_owned()), ("f".to_owned(), String::new())]);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for body in [
            "",
            "--x",
            "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb",
            "--x\r\n\r\n\r\nb\r\n--x--",
        ] {
            assert_eq!(fields(body.as_bytes(), "x"), None, "{body:?}");
        }
    }
}
