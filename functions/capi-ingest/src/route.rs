//! Which of the four endpoints a request is for.

use adrelay_core::ids::PixelId;
use http::Method;

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `POST /api/v1/meta/event`
    Event,
    /// `POST /api/v1/meta/events`
    Events,
    /// `POST /{version}/{pixel_id}/events`: Meta's own.
    Meta {
        /// From the path.
        pixel_id: PixelId,
    },
    /// `POST /b/events`
    Browser,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteError {
    /// No such path.
    Unknown,
    /// The path takes POST only.
    Method,
}

impl Route {
    /// Finds the endpoint of a path, which begins with `/` and has no stage before it.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn find(method: &Method, path: &str) -> Result<Self, RouteError> {
        let route = Self::of_path(path).ok_or(RouteError::Unknown)?;
        if method == Method::POST { Ok(route) } else { Err(RouteError::Method) }
    }

    fn of_path(path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        match path {
            "/api/v1/meta/event" => return Some(Self::Event),
            "/api/v1/meta/events" => return Some(Self::Events),
            "/b/events" => return Some(Self::Browser),
            _ => {}
        }
        let (version, rest) = path.strip_prefix('/')?.split_once('/')?;
        let pixel = rest.strip_suffix("/events")?;
        if !is_version(version) {
            return None;
        }
        Some(Self::Meta { pixel_id: PixelId::parse(pixel).ok()? })
    }

    /// A word for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Events => "events",
            Self::Meta { .. } => "meta",
            Self::Browser => "browser",
        }
    }
}

/// `v26.0`; which one does not matter, capi-dispatch uses its own.
fn is_version(text: &str) -> bool {
    let number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| number(a) && number(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_paths_are_known() {
        let find = |path| Route::find(&Method::POST, path);
        assert_eq!(find("/api/v1/meta/event"), Ok(Route::Event));
        assert_eq!(find("/api/v1/meta/events/"), Ok(Route::Events));
        assert_eq!(find("/b/events"), Ok(Route::Browser));
        let pixel_id = PixelId::parse("123").unwrap();
        assert_eq!(find("/v26.0/123/events"), Ok(Route::Meta { pixel_id: pixel_id.clone() }));
        for path in [
            "/",
            "/v26/123/events",
            "/26.0/123/events",
            "/v26.0/abc/events",
            "/v26.0/1/2/events",
            "/api/v1/meta",
        ] {
            assert_eq!(find(path), Err(RouteError::Unknown), "{path}");
        }
        assert_eq!(Route::find(&Method::GET, "/b/events"), Err(RouteError::Method));
    }
}
