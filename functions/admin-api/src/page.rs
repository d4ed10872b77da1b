//! Lists: `limit`, `cursor`, `next_cursor`.

use adrelay_lambda::problem::Problem;

use crate::fields::invalid_field;
use crate::query::Query;

/// Items of a page where the caller names no number.
const DEFAULT_LIMIT: usize = 50;

/// The most items of a page.
pub(crate) const MAX_LIMIT: usize = 100;

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// 1 to [`MAX_LIMIT`].
    pub(crate) limit: usize,
    /// From the page before.
    pub(crate) cursor: Option<String>,
}

impl Asked {
    /// Takes `limit` and `cursor` out of a query.
    ///
    /// # Errors
    /// 422 where the limit is none.
    pub(crate) fn take(query: &mut Query) -> Result<Self, Problem> {
        let limit = match query.text("limit")? {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(|| invalid_field("limit", "invalid", "a number from 1 to 100"))?,
        };
        Ok(Self { limit, cursor: query.text("cursor")? })
    }
}

/// 422 for a cursor that no list of ours gave out.
pub(crate) fn bad_cursor() -> Problem {
    invalid_field("cursor", "invalid", "not a next_cursor of this list")
}
