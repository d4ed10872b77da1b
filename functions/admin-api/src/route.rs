//! The routes, in one table: the router, the checks of access and the OpenAPI document all read it.

mod leads;
mod table;

use std::borrow::Cow;

use adrelay_lambda::problem::Problem;
use http::Method;

pub(crate) use self::leads::LeadOp;

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
    /// About leads, their forms and pages, and the webhook that tells of them.
    Leads(LeadOp),
    GetJob,
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

/// Every route of this function. Of two paths that fit, the first counts.
pub(crate) fn paths() -> impl Iterator<Item = &'static Path> {
    table::PATHS.iter().chain(leads::PATHS)
}

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
    let (path, id) = paths()
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
    fn what_has_a_name_of_its_own_is_not_taken_for_an_id() {
        let leads = |op| Ok((Op::Leads(op), String::new()));
        assert_eq!(at(&Method::GET, "/api/v1/leads/missing"), leads(LeadOp::ListMissingLeads));
        assert_eq!(at(&Method::POST, "/api/v1/leads/export"), leads(LeadOp::ExportLeads));
        assert_eq!(at(&Method::GET, "/api/v1/leads/export"), Err(405));
        let redeliver = "/api/v1/lead-webhook/deliveries/del_1/redeliver";
        assert_eq!(at(&Method::POST, redeliver), Ok((Op::Leads(LeadOp::Redeliver), "del_1".to_owned())));
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
        for path in paths() {
            let methods: Vec<&str> = path.methods.iter().map(|(method, ..)| method.as_str()).collect();
            assert_eq!(methods.join(", "), path.allow, "{}", path.template);
        }
    }
}
