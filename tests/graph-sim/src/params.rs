//! A call's parameters, wherever they were put.
//!
//! Graph takes them from the query, a form, a multipart body or a JSON object; in the first three
//! everything that is no scalar is JSON text. Where a name stands in query and body, the body's wins.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::graph_error::GraphError;
use crate::multipart;

/// One parameter as it came.
#[derive(Debug)]
enum Param {
    /// From a query or form.
    Text(String),
    /// From a JSON body.
    Json(Box<RawValue>),
}

/// All parameters of one call.
#[derive(Debug, Default)]
pub(crate) struct Params {
    query: HashMap<String, String>,
    body: HashMap<String, Param>,
}

/// Where a token was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Body,
}

impl Params {
    /// Reads query and body. A body of an unknown content type counts as empty.
    ///
    /// On an unreadable body the query's parameters are still returned beside the error, so that a call
    /// can be authenticated first.
    pub(crate) fn parse(query: &str, content_type: &str, body: &[u8]) -> (Self, Option<GraphError>) {
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let parsed = match media_type.as_str() {
            _ if body.is_empty() => Ok(HashMap::new()),
            "application/json" => json_object(body),
            "application/x-www-form-urlencoded" => {
                Ok(form_urlencoded::parse(body).into_owned().map(|(k, v)| (k, Param::Text(v))).collect())
            }
            "multipart/form-data" => multipart::boundary(content_type)
                .and_then(|boundary| multipart::fields(body, boundary))
                .map(|fields| fields.into_iter().map(|(k, v)| (k, Param::Text(v))).collect())
                .ok_or_else(|| GraphError::wrong("body", "complete multipart/form-data")),
            _ => Ok(HashMap::new()),
        };
        match parsed {
            Ok(body) => (Self { query, body }, None),
            Err(error) => (Self { query, body: HashMap::new() }, Some(error)),
        }
    }

    /// A parameter as text: a JSON string without its quotes, any other JSON as it was written.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.body.get(name) {
            Some(Param::Text(text)) => Some(Cow::Borrowed(text)),
            Some(Param::Json(raw)) => Some(match serde_json::from_str::<Value>(raw.get()) {
                Ok(Value::String(text)) => Cow::Owned(text),
                Ok(Value::Null) => return None,
                _ => Cow::Borrowed(raw.get()),
            }),
            None => self.query.get(name).map(|text| Cow::Borrowed(text.as_str())),
        }
    }

    /// The body's or query's `access_token`, if it is not empty.
    pub(crate) fn token(&self) -> Option<(Cow<'_, str>, Place)> {
        let place = if self.body.contains_key("access_token") { Place::Body } else { Place::Query };
        self.text("access_token").filter(|token| !token.is_empty()).map(|token| (token, place))
    }

    /// `fields`, which clients write as `a,b` or as `["a","b"]`. What stands in braces (`a{b,c}`) is not looked at: the
    /// whole of `a` is shown.
    pub(crate) fn fields(&self) -> Vec<String> {
        let Some(text) = self.text("fields") else { return Vec::new() };
        serde_json::from_str(&text)
            .unwrap_or_else(|_| top_level(&text))
            .into_iter()
            .filter(|field| !field.is_empty())
            .collect()
    }

    /// True where the parameter was sent at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.body.contains_key(name) || self.query.contains_key(name)
    }
}

/// The parts between commas that stand in no braces, each without its braces.
fn top_level(text: &str) -> Vec<String> {
    let (mut fields, mut depth) = (vec![String::new()], 0_u32);
    for character in text.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => fields.push(String::new()),
            _ if depth > 0 || character.is_whitespace() => {}
            _ => {
                if let Some(field) = fields.last_mut() {
                    field.push(character);
                }
            }
        }
    }
    fields
}

fn json_object(body: &[u8]) -> Result<HashMap<String, Param>, GraphError> {
    let object: HashMap<String, Box<RawValue>> =
        serde_json::from_slice(body).map_err(|_| GraphError::wrong("body", "a JSON object"))?;
    Ok(object.into_iter().map(|(name, value)| (name, Param::Json(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::{Params, Place};

    fn parse(query: &str, content_type: &str, body: &str) -> Params {
        let (params, error) = Params::parse(query, content_type, body.as_bytes());
        assert_eq!(error, None);
        params
    }

    #[test]
    fn every_way_of_sending_gives_the_same_parameters() {
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n[1, 2]\r\n--b--";
        for (query, content_type, body) in [
            ("data=%5B1,+2%5D", "", ""),
            ("", "application/x-www-form-urlencoded; charset=utf-8", "data=%5B1%2C%202%5D"),
            ("", "Application/JSON", "{\"data\": [1, 2]}"),
            ("", "application/json", "{\"data\": \"[1, 2]\"}"),
            ("", "multipart/form-data; boundary=b", multipart),
        ] {
            assert_eq!(
                parse(query, content_type, body).text("data").as_deref(),
                Some("[1, 2]"),
                "{content_type}"
            );
        }
    }

    #[test]
    fn the_body_wins_over_the_query_and_says_where_the_token_was() {
        let both = parse("access_token=q", "application/x-www-form-urlencoded", "access_token=b");
        assert_eq!(both.token(), Some(("b".into(), Place::Body)));
        assert_eq!(parse("access_token=q", "", "").token(), Some(("q".into(), Place::Query)));
        assert_eq!(parse("access_token=", "", "").token(), None);
    }

    #[test]
    fn fields_come_as_a_list_with_commas_or_as_json() {
        assert_eq!(parse("fields=id,name", "", "").fields(), ["id", "name"]);
        assert_eq!(parse("fields=%5B%22id%22%5D", "", "").fields(), ["id"]);
        assert_eq!(
            parse("fields=id,questions%7Bid,options%7Bkey%7D%7D,+name", "", "").fields(),
            ["id", "questions", "name"]
        );
        assert!(parse("", "", "").fields().is_empty());
    }

    #[test]
    fn an_unreadable_body_is_an_error_that_keeps_the_query() {
        for (content_type, body) in
            [("application/json", "{"), ("application/json", "[]"), ("multipart/form-data", "--b--")]
        {
            let (params, error) = Params::parse("access_token=t", content_type, body.as_bytes());
            assert_eq!(error.map(|error| error.code), Some(100));
            assert!(params.token().is_some());
        }
    }
}
