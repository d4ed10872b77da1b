//! What the document says of leads, their forms and pages, and the webhook that tells of them.

use serde_json::{Map, Value, json};

use super::lead_requests;
use super::operations::{Operation, PAGE, TENANT, act, change, create, get, remove};
use crate::jobs::JobView;
use crate::leads::{
    ActivityView, CompletenessView, DeletedPageView, DeliveryView, FormView, LeadDetailView, LeadView,
    MissingLeadView, PageView, WebhookView,
};
use crate::route::LeadOp;

const PAGES: &str = "pages";
const FORMS: &str = "lead forms";
const LEADS: &str = "leads";
const WEBHOOK: &str = "lead webhook";

/// Query parameters of a list of leads.
const FILTERS: &[&str] = &[
    "tenant_id",
    "lead_status",
    "form_id",
    "page_id",
    "campaign_id",
    "ad_id",
    "source_id?",
    "assignee",
    "from_instant",
    "to_instant",
    "test",
    "limit",
    "cursor",
];

/// What the document says of a job.
pub(super) fn job() -> Operation {
    Operation {
        description: "`result.url` works for 15 minutes; an export's file is kept for 24 hours. Jobs are known for 30 days.",
        ..get("getJob", "jobs", "See how far a job has come", TENANT, "Job")
    }
}

/// What the document says of a route.
pub(super) fn describe(op: LeadOp) -> Operation {
    match op {
        LeadOp::CreatePage
        | LeadOp::ListPages
        | LeadOp::GetPage
        | LeadOp::ChangePage
        | LeadOp::DeletePage
        | LeadOp::SubscribePage
        | LeadOp::SyncForms => pages(op),
        LeadOp::ListForms | LeadOp::GetForm | LeadOp::ChangeForm | LeadOp::GetCompleteness => forms(op),
        LeadOp::PutWebhook
        | LeadOp::GetWebhook
        | LeadOp::DeleteWebhook
        | LeadOp::ListDeliveries
        | LeadOp::Redeliver => webhook(op),
        LeadOp::ChangeLead
        | LeadOp::ConvertLead
        | LeadOp::NoteLead
        | LeadOp::SyncLeads
        | LeadOp::ExportLeads => working(op),
        LeadOp::ListLeads
        | LeadOp::SearchLeads
        | LeadOp::GetLead
        | LeadOp::ListActivity
        | LeadOp::ListMissingLeads => finding(op),
    }
}

fn pages(op: LeadOp) -> Operation {
    match op {
        LeadOp::CreatePage => Operation {
            description: "With a connection of kind `page`, or of a system user who manages the page: its token then \
                becomes a connection of its own. Meta is asked to send the page's leads; where it refuses, \
                `subscription` says why and the page is added all the same. 409 `page_taken`, 422 `page_not_managed`.",
            ..create("createPage", PAGES, "Take the leads of a page", "NewPage", "Page")
        },
        LeadOp::ListPages => get("listPages", PAGES, "List pages", PAGE, "PageList"),
        LeadOp::GetPage => get("getPage", PAGES, "Get a page", TENANT, "Page"),
        LeadOp::ChangePage => Operation {
            description: "Absent fields stay; null empties one. Another token, and switching it on, subscribe anew.",
            ..change("changePage", PAGES, "Change a page", "PageChange", "Page")
        },
        LeadOp::DeletePage => Operation {
            description: "Its leads stay. Meta is asked to send no more; where it refuses, what it sends is dropped.",
            ..act(
                "deletePage",
                PAGES,
                "Take a page's leads no more",
                ("200", Some("DeletedPage"), "It is gone."),
            )
        },
        LeadOp::SubscribePage => act(
            "subscribePage",
            PAGES,
            "Check the subscription with Meta, and subscribe where it is gone",
            ("200", Some("Page"), "As it is now."),
        ),
        _ => Operation {
            description: "Its forms are read from Meta, then what of their leads is missing. 409 `page_disabled`.",
            ..act(
                "syncForms",
                PAGES,
                "Read a page's forms from Meta",
                ("202", Some("Page"), "It is on the queue."),
            )
        },
    }
}

fn forms(op: LeadOp) -> Operation {
    match op {
        LeadOp::ListForms => get("listLeadForms", FORMS, "List forms of a page", FORM_LIST, "LeadFormList"),
        LeadOp::GetForm => get("getLeadForm", FORMS, "Get a form", TENANT, "LeadForm"),
        LeadOp::ChangeForm => Operation {
            description: "What it says counts in place of what the page says; null gives the page its say again.",
            ..change("changeLeadForm", FORMS, "Change a form's settings", "LeadFormChange", "LeadForm")
        },
        _ => Operation {
            description: "By day: leads that came by webhook and by looking through the form, and how many of those that \
                Meta listed at the last look are stored. 7 days where none are named.",
            ..get(
                "getCompleteness",
                FORMS,
                "See how complete a form's leads are",
                &["tenant_id", "completeness_from", "completeness_to"],
                "Completeness",
            )
        },
    }
}

const FORM_LIST: &[&str] = &["tenant_id", "page_id!", "limit", "cursor"];

fn finding(op: LeadOp) -> Operation {
    match op {
        LeadOp::ListLeads => Operation {
            description: "Newest first, without test leads unless they are asked for. A page may be short, even empty, \
                where much had to be looked through: there is more while there is a `next_cursor`.",
            ..get("listLeads", LEADS, "List leads", FILTERS, "LeadList")
        },
        LeadOp::SearchLeads => Operation {
            description: "Of one e-mail address, phone or name, exactly as it is: what is stored is a keyed hash. A POST, \
                as nothing that identifies a person belongs in a URL.",
            query: PAGE,
            request: Some(("LeadSearch", true)),
            ..act("searchLeads", LEADS, "Search leads", ("200", Some("LeadList"), "Those who were found."))
        },
        LeadOp::GetLead => {
            get("getLead", LEADS, "Get a lead with its answers and feedback", TENANT, "LeadDetail")
        }
        LeadOp::ListActivity => get(
            "listLeadActivity",
            LEADS,
            "List what happened to a lead, newest first",
            PAGE,
            "LeadActivityList",
        ),
        _ => get(
            "listMissingLeads",
            LEADS,
            "List leads that were announced and can't be read",
            PAGE,
            "MissingLeadList",
        ),
    }
}

fn working(op: LeadOp) -> Operation {
    match op {
        LeadOp::ChangeLead => Operation {
            description: "Legal steps: new → contacted → qualified → converted; any but converted → disqualified; any → \
                archived; disqualified and archived → contacted. Anything else is 409 `illegal_step`. Meta is told each \
                stage but `archived`.",
            ..change("changeLead", LEADS, "Change a lead's status or assignee", "LeadChange", "LeadDetail")
        },
        LeadOp::ConvertLead => Operation {
            description: "From `qualified` alone.",
            request: Some(("LeadConversion", false)),
            ..act(
                "convertLead",
                LEADS,
                "A lead became a customer",
                ("200", Some("LeadDetail"), "As it is now."),
            )
        },
        LeadOp::NoteLead => Operation {
            query: TENANT,
            ..create("noteLead", LEADS, "Add a note to a lead", "LeadNote", "LeadActivity")
        },
        LeadOp::SyncLeads => Operation {
            description: "Looks through the forms of one page, or of all that are enabled, for leads of the last days. \
                409 `no_pages`, `page_disabled`.",
            request: Some(("LeadSync", false)),
            ..act(
                "syncLeads",
                LEADS,
                "Look for leads that are missing",
                ("202", Some("Job"), "The job that does it."),
            )
        },
        _ => Operation {
            description: "A CSV file in UTF-8. Cells that a spreadsheet would take for a formula begin with an apostrophe. \
                With `form_id`, each question has a column.",
            request: Some(("LeadExport", false)),
            ..act(
                "exportLeads",
                LEADS,
                "Export leads for a spreadsheet",
                ("202", Some("Job"), "They are many, or `inline` is false: the job that writes the file."),
            )
        },
    }
}

fn webhook(op: LeadOp) -> Operation {
    match op {
        LeadOp::PutWebhook => Operation {
            description: "Each new lead is posted there, signed by Standard Webhooks. Where no secret is given, one is made \
                and shown this once; a webhook that is there keeps its own.",
            ..change("putLeadWebhook", WEBHOOK, "Be told of new leads", "NewLeadWebhook", "LeadWebhook")
        },
        LeadOp::GetWebhook => get("getLeadWebhook", WEBHOOK, "Get the webhook", TENANT, "LeadWebhook"),
        LeadOp::DeleteWebhook => remove("deleteLeadWebhook", WEBHOOK, "Be told of new leads no more"),
        LeadOp::ListDeliveries => get(
            "listLeadDeliveries",
            WEBHOOK,
            "List deliveries that did not succeed yet, or are dead",
            PAGE,
            "DeliveryList",
        ),
        _ => Operation {
            description: "Under the same `webhook-id`. 409 `delivery_retrying` while it is tried on its own.",
            ..act(
                "redeliver",
                WEBHOOK,
                "Try a delivery again",
                ("202", Some("Delivery"), "It is on the queue."),
            )
        },
    }
}

/// Answers besides the first one: status, schema and description.
pub(super) fn further(op: LeadOp) -> Option<(&'static str, &'static str, &'static str)> {
    (op == LeadOp::PutWebhook).then_some(("201", "LeadWebhook", "It is new."))
}

/// The file of an export that is answered at once.
pub(super) fn file() -> Value {
    json!({
        "description": "At most 1,000 leads match: the file. Or leads are not taken here.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": super::reference("Disabled")},
        },
    })
}

pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    super::responses::add::<PageView>(&mut schemas);
    super::responses::add::<DeletedPageView>(&mut schemas);
    super::responses::add::<FormView>(&mut schemas);
    super::responses::add::<CompletenessView>(&mut schemas);
    super::responses::add::<LeadView>(&mut schemas);
    super::responses::add::<LeadDetailView>(&mut schemas);
    super::responses::add::<ActivityView>(&mut schemas);
    super::responses::add::<MissingLeadView>(&mut schemas);
    super::responses::add::<WebhookView>(&mut schemas);
    super::responses::add::<DeliveryView>(&mut schemas);
    super::responses::add::<JobView>(&mut schemas);
    for item in ["Page", "LeadForm", "Lead", "LeadActivity", "MissingLead", "Delivery"] {
        schemas.insert(format!("{item}List"), super::responses::list(item));
    }
    schemas.extend(lead_requests::schemas());
    schemas
}
