//! Routes of what everything else needs: tenants, tokens, pixels, sources, keys, receipts, people, rules, jobs.

use http::Method;

use super::{Access, Op, Path};

/// Every route but those about leads.
pub(super) const PATHS: &[Path] = &[
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
    Path {
        template: "jobs/{job_id}",
        allow: "GET",
        methods: &[(Method::GET, Op::GetJob, Access::AdminOrPeople)],
    },
];
