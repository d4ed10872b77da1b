//! Reads a query string parameter by parameter; one that is not known is an error, not silence.

use std::str::FromStr;

use adrelay_core::ids::IdError;
use adrelay_lambda::problem::Problem;

use crate::fields::{invalid_field, shortened};

/// Parameters that one request may have.
const MAX_PARAMETERS: usize = 20;

/// Longest value of a parameter in bytes.
const MAX_VALUE_BYTES: usize = 4_096;

/// A query string that is being read.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the text behind the `?`.
    ///
    /// # Errors
    /// 422 where it has too much in it.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(text.as_bytes()).into_owned().take(MAX_PARAMETERS + 1).collect();
        if pairs.len() > MAX_PARAMETERS {
            return Err(Problem::new(422, "too_many_parameters", "The query has too many parameters."));
        }
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.len() > MAX_VALUE_BYTES) {
            return Err(invalid_field(&shortened(name), "too_long", "at most 4096 bytes"));
        }
        Ok(Self(pairs))
    }

    /// Takes a parameter out; an empty value counts as absent.
    ///
    /// # Errors
    /// 422 where it is given twice.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(place) = self.0.iter().position(|(given, _)| given == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(place);
        if self.0.iter().any(|(given, _)| given == name) {
            return Err(invalid_field(name, "repeated", "given twice"));
        }
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    /// Takes an identifier out.
    ///
    /// # Errors
    /// 422 where it is malformed.
    pub(crate) fn id<T: FromStr<Err = IdError>>(&mut self, name: &str) -> Result<Option<T>, Problem> {
        let parse = |text: String| {
            text.parse().map_err(|error: IdError| invalid_field(name, "invalid", error.to_string()))
        };
        self.text(name)?.map(parse).transpose()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 for a parameter that is not known.
    pub(crate) fn finish(&self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(invalid_field(&shortened(name), "unknown_parameter", "no such parameter here"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use adrelay_core::ids::TenantId;

    use super::*;

    fn code(result: Result<impl Sized, Problem>) -> String {
        result
            .err()
            .map(|problem| problem.errors.first().map_or(problem.code.to_owned(), |e| e.code.clone()))
            .unwrap_or_default()
    }

    #[test]
    fn parameters_are_decoded_and_counted_out() {
        let mut query = Query::parse("q=a%20b+c&tenant_id=acme&limit=").unwrap();
        assert_eq!(query.text("q").unwrap().as_deref(), Some("a b c"));
        assert_eq!(query.id::<TenantId>("tenant_id").unwrap().unwrap().as_str(), "acme");
        assert_eq!(query.text("limit").unwrap(), None);
        assert_eq!(query.finish(), Ok(()));
    }

    #[test]
    fn what_is_unknown_malformed_or_repeated_is_named() {
        assert_eq!(code(Query::parse("statsu=sent").unwrap().finish()), "unknown_parameter");
        assert_eq!(code(Query::parse("q=1&q=2").unwrap().text("q")), "repeated");
        assert_eq!(code(Query::parse("tenant_id=a%23b").unwrap().id::<TenantId>("tenant_id")), "invalid");
        assert_eq!(code(Query::parse(&"a&".repeat(30))), "too_many_parameters");
        assert_eq!(code(Query::parse(&format!("a={}", "x".repeat(5_000)))), "too_long");
    }
}
