//! Ids, forms and leads.

use adrelay_core::ids::{AdObjectId, FormId, LeadId, PageId, SourceId, TenantId};
use adrelay_core::leads::{Answer, LeadAds, MetaForm, Submission};
use serde_json::Map;

pub(crate) fn tenant() -> TenantId {
    TenantId::parse("acme").unwrap()
}

pub(crate) fn source() -> SourceId {
    SourceId::parse("shop").unwrap()
}

pub(crate) fn page(id: &str) -> PageId {
    PageId::parse(id).unwrap()
}

pub(crate) fn form(id: &str) -> FormId {
    FormId::parse(id).unwrap()
}

pub(crate) fn meta_form(id: &str) -> MetaForm {
    MetaForm {
        id: form(id),
        name: Some(format!("Form {id}")),
        status: "ACTIVE".to_owned(),
        locale: None,
        questions: Vec::new(),
        leads_count: None,
        expired_leads_count: None,
        organic_leads_count: None,
        privacy_policy_url: None,
        thank_you_page: None,
        created_at_s: None,
    }
}

pub(crate) fn submission(form: &str, id: u64, created_at_s: i64) -> Submission {
    let answer = |name: &str, value: String| Answer { name: name.to_owned(), values: vec![value] };
    Submission {
        id: LeadId::parse(&id.to_string()).unwrap(),
        form: Some(self::form(form)),
        created_at_s,
        ads: LeadAds { ad_id: Some(AdObjectId::parse("31").unwrap()), ..LeadAds::default() },
        platform: Some("fb".to_owned()),
        is_organic: false,
        answers: vec![answer("email", format!("p{id}@example.com"))],
        disclaimers: Vec::new(),
        extra: Map::new(),
    }
}
