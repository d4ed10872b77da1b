//! The routes, in one table: the router, the checks of access and the OpenAPI document all read it.

use std::borrow::Cow;

use adrelay_lambda::problem::Problem;
use http::Method;

/// What every path begins with.
const BASE: [&str; 2] = ["api", "v1"];

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Health,
    OpenApi,
    CreateTenant,
    ListTenants,
    GetTenant,
    ChangeTenant,
    CreateConnection,
    ListConnections,
    GetConnection,
    ChangeConnection,
    DeleteConnection,
    VerifyConnection,
    CreatePixel,
    ListPixels,
    GetPixel,
    ChangePixel,
    DeletePixel,
    TestPixel,
    ReleasePixel,
    CreateSource,
    ListSources,
    GetSource,
    ChangeSource,
    CreateKey,
    ListKeys,
    GetKey,
    DeleteKey,
    RevokeKey,
    ListEvents,
    GetEvent,
    CreatePerson,
    SearchPeople,
    GetPerson,
    ChangePerson,
    ErasePerson,
    GetErasure,
    GetFeatures,
    ListPersonEvents,
    MergePerson,
    UnmergePerson,
    ListMerges,
    GetRules,
    ReplaceRules,
    LoadDefaultRules,
    ExplainRules,
    SummarizeProducts,
}

impl Op {
    /// Whether it works on the people table, and so stands behind its gate.
    pub(crate) const fn is_about_people(self) -> bool {
        matches!(
            self,
            Self::CreatePerson
                | Self::SearchPeople
                | Self::GetPerson
                | Self::ChangePerson
                | Self::ErasePerson
                | Self::GetErasure
                | Self::GetFeatures
                | Self::ListPersonEvents
                | Self::MergePerson
                | Self::UnmergePerson
                | Self::ListMerges
        )
    }
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody, without a key.
    Open,
    /// The root key alone.
    Root,
    /// The root key, and the tenant's admin keys.
    Admin,
    /// Those, and the tenant's ingest keys for what their source sent.
    AdminOrIngest,
    /// The root key, and the tenant's admin and people keys.
    AdminOrPeople,
}

/// One path with its methods.
#[derive(Debug)]
pub(crate) struct Path {
    /// Behind `/api/v1/`; `{name}` stands for one segment, `{name+}` for the rest of the path.
    pub(crate) template: &'static str,
    /// The methods, as the `Allow` header names them.
    pub(crate) allow: &'static str,
    /// What each method does, and who may.
    pub(crate) methods: &'static [(Method, Op, Access)],
}

/// Every route of this function.
pub(crate) const PATHS: &[Path] = &[
    Path { template: "health", allow: "GET", methods: &[(Method::GET, Op::Health, Access::Open)] },
    Path { template: "openapi.json", allow: "GET", methods: &[(Method::GET, Op::OpenApi, Access::Open)] },
    Path {
        template: "tenants",
        allow: "GET, POST",
        methods: &[
            (Method::GET, Op::ListTenants, Access::Admin),
            (Method::POST, Op::CreateTenant, Access::Root),
        ],
    },
    Path {
        template: "tenants/{tenant_id}",
        allow: "GET, PATCH",
        methods: &[
            (Method::GET, Op::GetTenant, Access::Admin),
            (Method::PATCH, Op::ChangeTenant, Access::Admin),
        ],
    },
    Path {
        template: "connections",
        allow: "GET, POST",
        methods: &[
            (Method::GET, Op::ListConnections, Access::Admin),
            (Method::POST, Op::CreateConnection, Access::Admin),
        ],
    },
    Path {
        template: "connections/{connection_id}",
        allow: "GET, PATCH, DELETE",
        methods: &[
            (Method::GET, Op::GetConnection, Access::Admin),
            (Method::PATCH, Op::ChangeConnection, Access::Admin),
            (Method::DELETE, Op::DeleteConnection, Access::Admin),
        ],
    },
    Path {
        template: "connections/{connection_id}/verify",
        allow: "POST",
        methods: &[(Method::POST, Op::VerifyConnection, Access::Admin)],
    },
    Path {
        template: "pixels",
        allow: "GET, POST",
        methods: &[
            (Method::GET, Op::ListPixels, Access::Admin),
            (Method::POST, Op::CreatePixel, Access::Admin),
        ],
    },
    Path {
        template: "pixels/{pixel_id}",
        allow: "GET, PATCH, DELETE",
        methods: &[
            (Method::GET, Op::GetPixel, Access::Admin),
            (Method::PATCH, Op::ChangePixel, Access::Admin),
            (Method::DELETE, Op::DeletePixel, Access::Admin),
        ],
    },
    Path {
        template: "pixels/{pixel_id}/test-event",
        allow: "POST",
        methods: &[(Method::POST, Op::TestPixel, Access::Admin)],
    },
    Path {
        template: "pixels/{pixel_id}/release",
        allow: "POST",
        methods: &[(Method::POST, Op::ReleasePixel, Access::Admin)],
    },
    Path {
        template: "sources",
        allow: "GET, POST",
        methods: &[
            (Method::GET, Op::ListSources, Access::Admin),
            (Method::POST, Op::CreateSource, Access::Admin),
        ],
    },
    Path {
        template: "sources/{source_id}",
        allow: "GET, PATCH",
        methods: &[
            (Method::GET, Op::GetSource, Access::Admin),
            (Method::PATCH, Op::ChangeSource, Access::Admin),
        ],
    },
    Path {
        template: "keys",
        allow: "GET, POST",
        methods: &[(Method::GET, Op::ListKeys, Access::Admin), (Method::POST, Op::CreateKey, Access::Admin)],
    },
    Path {
        template: "keys/{key_id}",
        allow: "GET, DELETE",
        methods: &[(Method::GET, Op::GetKey, Access::Admin), (Method::DELETE, Op::DeleteKey, Access::Admin)],
    },
    Path {
        template: "keys/{key_id}/revoke",
        allow: "POST",
        methods: &[(Method::POST, Op::RevokeKey, Access::Admin)],
    },
    Path { template: "events", allow: "GET", methods: &[(Method::GET, Op::ListEvents, Access::Admin)] },
    Path {
        template: "events/{event_id+}",
        allow: "GET",
        methods: &[(Method::GET, Op::GetEvent, Access::AdminOrIngest)],
    },
    Path {
        template: "people",
        allow: "POST",
        methods: &[(Method::POST, Op::CreatePerson, Access::AdminOrPeople)],
    },
    Path {
        template: "people/search",
        allow: "POST",
        methods: &[(Method::POST, Op::SearchPeople, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}",
        allow: "GET, PATCH, DELETE",
        methods: &[
            (Method::GET, Op::GetPerson, Access::AdminOrPeople),
            (Method::PATCH, Op::ChangePerson, Access::AdminOrPeople),
            (Method::DELETE, Op::ErasePerson, Access::AdminOrPeople),
        ],
    },
    Path {
        template: "people/{person_id}/erasure",
        allow: "GET",
        methods: &[(Method::GET, Op::GetErasure, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}/events",
        allow: "GET",
        methods: &[(Method::GET, Op::ListPersonEvents, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}/features",
        allow: "GET",
        methods: &[(Method::GET, Op::GetFeatures, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}/merge",
        allow: "POST",
        methods: &[(Method::POST, Op::MergePerson, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}/merges",
        allow: "GET",
        methods: &[(Method::GET, Op::ListMerges, Access::AdminOrPeople)],
    },
    Path {
        template: "people/{person_id}/unmerge",
        allow: "POST",
        methods: &[(Method::POST, Op::UnmergePerson, Access::AdminOrPeople)],
    },
    Path {
        template: "rules",
        allow: "GET, PUT",
        methods: &[
            (Method::GET, Op::GetRules, Access::Admin),
            (Method::PUT, Op::ReplaceRules, Access::Admin),
        ],
    },
    Path {
        template: "rules/defaults",
        allow: "POST",
        methods: &[(Method::POST, Op::LoadDefaultRules, Access::Admin)],
    },
    Path {
        template: "rules/explain",
        allow: "POST",
        methods: &[(Method::POST, Op::ExplainRules, Access::Admin)],
    },
    Path {
        template: "products/summary",
        allow: "GET",
        methods: &[(Method::GET, Op::SummarizeProducts, Access::AdminOrPeople)],
    },
];

/// A route that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) op: Op,
    pub(crate) access: Access,
    /// The id in the path; empty where the path has none.
    pub(crate) id: String,
}

/// Finds the route of a path's decoded segments.
///
/// # Errors
/// 404 or 405.
pub(crate) fn find(method: &Method, segments: &[Cow<'_, str>]) -> Result<Found, Problem> {
    let segments = match segments {
        [path @ .., last] if last.is_empty() => path,
        path => path,
    };
    let inner = segments.strip_prefix(&BASE.map(Cow::Borrowed)[..]).unwrap_or_default();
    let (path, id) = PATHS
        .iter()
        .find_map(|path| matches(path.template, inner).map(|id| (path, id)))
        .ok_or_else(Problem::no_route)?;
    let (_, op, access) = path
        .methods
        .iter()
        .find(|(allowed, ..)| allowed == method)
        .ok_or_else(|| Problem::wrong_method(path.allow))?;
    Ok(Found { op: *op, access: *access, id })
}

/// The id of a path that the template fits; empty where the template has none. The rest of a path may hold slashes:
/// the gateway decodes `%2F`.
fn matches(template: &str, segments: &[Cow<'_, str>]) -> Option<String> {
    let parts: Vec<&str> = template.split('/').collect();
    let (fixed, tail) = match parts.as_slice() {
        [fixed @ .., last] if last.ends_with("+}") => (fixed, true),
        all => (all, false),
    };
    let long_enough = if tail { segments.len() > fixed.len() } else { segments.len() == fixed.len() };
    if !long_enough {
        return None;
    }
    let mut id = String::new();
    for (part, segment) in fixed.iter().zip(segments) {
        if part.starts_with('{') {
            id = segment.to_string();
        } else if part != segment {
            return None;
        }
    }
    if tail {
        id = segments[fixed.len()..].join("/");
    }
    (!(id.is_empty() && template.contains('{'))).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(method: &Method, path: &str) -> Result<(Op, String), u16> {
        let segments: Vec<Cow<'_, str>> =
            path.trim_start_matches('/').split('/').map(Cow::Borrowed).collect();
        find(method, &segments).map(|found| (found.op, found.id)).map_err(|problem| problem.status)
    }

    #[test]
    fn a_path_finds_its_route_and_id() {
        assert_eq!(at(&Method::GET, "/api/v1/pixels"), Ok((Op::ListPixels, String::new())));
        assert_eq!(at(&Method::GET, "/api/v1/pixels/"), Ok((Op::ListPixels, String::new())));
        assert_eq!(at(&Method::PATCH, "/api/v1/pixels/123"), Ok((Op::ChangePixel, "123".to_owned())));
        assert_eq!(at(&Method::POST, "/api/v1/pixels/123/test-event"), Ok((Op::TestPixel, "123".to_owned())));
        assert_eq!(at(&Method::GET, "/api/v1/events/a/b c"), Ok((Op::GetEvent, "a/b c".to_owned())));
    }

    #[test]
    fn anything_else_is_404_or_405() {
        for path in
            ["/", "/api/v1", "/api/v1/nothing", "/api/v2/pixels", "/api/v1/pixels/1/release/2", "/pixels"]
        {
            assert_eq!(at(&Method::GET, path), Err(404), "{path}");
        }
        assert_eq!(at(&Method::PUT, "/api/v1/pixels/1"), Err(405));
        assert_eq!(at(&Method::POST, "/api/v1/health"), Err(405));
    }

    #[test]
    fn the_allow_header_names_the_methods() {
        for path in PATHS {
            let methods: Vec<&str> = path.methods.iter().map(|(method, ..)| method.as_str()).collect();
            assert_eq!(methods.join(", "), path.allow, "{}", path.template);
        }
    }
}
