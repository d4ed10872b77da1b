//! Client of Meta's Graph API: one request, one classified outcome.
