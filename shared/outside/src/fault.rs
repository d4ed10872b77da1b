//! Why a call failed, as a code. Neither the URL nor what was answered is in it.

use std::error::Error;
use std::io;

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutsideError {
    /// Not a URL that may be called.
    #[error("not an https URL without credentials")]
    InvalidUrl,
    /// The host is, or resolves to, addresses that are not public.
    #[error("the address is not public")]
    NotPublic,
    /// The host has no address.
    #[error("the host has no address")]
    Dns,
    /// No connection.
    #[error("connection refused")]
    Refused,
    /// No TLS, or a certificate that is not trusted.
    #[error("TLS failed")]
    Tls,
    /// Not connected, or not answered, in time.
    #[error("not answered in time")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection broke")]
    Broken,
    /// A redirect; none is followed.
    #[error("answered with a redirect")]
    Redirect,
    /// Any other status than 2xx.
    #[error("answered with status {0}")]
    HttpStatus(u16),
    /// An answer with too much body.
    #[error("the answer is too large")]
    TooLarge,
}

impl OutsideError {
    /// A stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidUrl => "invalid_url",
            Self::NotPublic => "not_public",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Redirect => "redirect",
            Self::HttpStatus(_) => "http_status",
            Self::TooLarge => "too_large",
        }
    }

    /// The status that was answered, where it is what failed.
    #[must_use]
    pub const fn http_status(self) -> Option<u16> {
        match self {
            Self::HttpStatus(status) => Some(status),
            _ => None,
        }
    }

    /// What a failure of the transport was.
    pub(crate) fn of_transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let named = causes(error).find_map(|cause| {
            let ours = cause.downcast_ref::<Self>().copied();
            ours.or_else(|| cause.is::<rustls::Error>().then_some(Self::Tls))
        });
        match named {
            Some(fault) => fault,
            None if error.is_builder() => Self::InvalidUrl,
            None if error.is_connect() => Self::Refused,
            None => Self::Broken,
        }
    }
}

/// An error's causes.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| inner(*cause))
}

/// The next cause. What is inside an `io::Error` is not among its sources, so it is asked for by itself.
fn inner<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => cause.source(),
    }
}
