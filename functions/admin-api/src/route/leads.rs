//! Routes of leads, their forms and pages, and the webhook that tells of them.

use http::Method;

use super::{Access, Op, Path};

/// What a route about leads does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum LeadOp {
    CreatePage,
    ListPages,
    GetPage,
    ChangePage,
    DeletePage,
    SubscribePage,
    SyncForms,
    ListForms,
    GetForm,
    ChangeForm,
    GetCompleteness,
    ListLeads,
    SearchLeads,
    GetLead,
    ChangeLead,
    ConvertLead,
    NoteLead,
    ListActivity,
    ListMissingLeads,
    SyncLeads,
    ExportLeads,
    PutWebhook,
    GetWebhook,
    DeleteWebhook,
    ListDeliveries,
    Redeliver,
}

/// Every route about leads.
pub(super) const PATHS: &[Path] = &[
    Path {
        template: "pages",
        allow: "GET, POST",
        methods: &[
            (Method::GET, Op::Leads(LeadOp::ListPages), Access::Admin),
            (Method::POST, Op::Leads(LeadOp::CreatePage), Access::Admin),
        ],
    },
    Path {
        template: "pages/{page_id}",
        allow: "GET, PATCH, DELETE",
        methods: &[
            (Method::GET, Op::Leads(LeadOp::GetPage), Access::Admin),
            (Method::PATCH, Op::Leads(LeadOp::ChangePage), Access::Admin),
            (Method::DELETE, Op::Leads(LeadOp::DeletePage), Access::Admin),
        ],
    },
    Path {
        template: "pages/{page_id}/subscribe",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::SubscribePage), Access::Admin)],
    },
    Path {
        template: "pages/{page_id}/forms/sync",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::SyncForms), Access::Admin)],
    },
    Path {
        template: "lead-forms",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::ListForms), Access::Admin)],
    },
    Path {
        template: "lead-forms/{form_id}",
        allow: "GET, PATCH",
        methods: &[
            (Method::GET, Op::Leads(LeadOp::GetForm), Access::Admin),
            (Method::PATCH, Op::Leads(LeadOp::ChangeForm), Access::Admin),
        ],
    },
    Path {
        template: "lead-forms/{form_id}/completeness",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::GetCompleteness), Access::Admin)],
    },
    Path {
        template: "leads",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::ListLeads), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/search",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::SearchLeads), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/export",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::ExportLeads), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/sync",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::SyncLeads), Access::Admin)],
    },
    Path {
        template: "leads/missing",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::ListMissingLeads), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/{lead_id}",
        allow: "GET, PATCH",
        methods: &[
            (Method::GET, Op::Leads(LeadOp::GetLead), Access::AdminOrPeople),
            (Method::PATCH, Op::Leads(LeadOp::ChangeLead), Access::AdminOrPeople),
        ],
    },
    Path {
        template: "leads/{lead_id}/convert",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::ConvertLead), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/{lead_id}/notes",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::NoteLead), Access::AdminOrPeople)],
    },
    Path {
        template: "leads/{lead_id}/activity",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::ListActivity), Access::AdminOrPeople)],
    },
    Path {
        template: "lead-webhook",
        allow: "GET, PUT, DELETE",
        methods: &[
            (Method::GET, Op::Leads(LeadOp::GetWebhook), Access::Admin),
            (Method::PUT, Op::Leads(LeadOp::PutWebhook), Access::Admin),
            (Method::DELETE, Op::Leads(LeadOp::DeleteWebhook), Access::Admin),
        ],
    },
    Path {
        template: "lead-webhook/deliveries",
        allow: "GET",
        methods: &[(Method::GET, Op::Leads(LeadOp::ListDeliveries), Access::Admin)],
    },
    Path {
        template: "lead-webhook/deliveries/{delivery_id}/redeliver",
        allow: "POST",
        methods: &[(Method::POST, Op::Leads(LeadOp::Redeliver), Access::Admin)],
    },
];
