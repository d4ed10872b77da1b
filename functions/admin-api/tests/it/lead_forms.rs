//! Lead forms, and how complete they are.

use adrelay_core::ids::{FormId, PageId, TenantId};
use adrelay_core::leads::{LeadWork, MetaForm, Question};
use adrelay_core::ports::leads::FormStore as _;
use serde_json::{Value, json};

use crate::leads::submit;
use crate::pages::{PAGE, page};
use crate::rig::{PIXEL, Rig, Shop};

pub(crate) const FORM: &str = "8800";

/// A form of the shop's page, as lead-worker stores it.
pub(crate) async fn form(rig: &Rig, shop: &Shop, id: &str) {
    let (tenant, page): (TenantId, PageId) = (shop.tenant.parse().unwrap(), PAGE.parse().unwrap());
    let question = Question {
        id: None,
        key: "budget".to_owned(),
        label: Some("Your budget?".to_owned()),
        kind: "CUSTOM".to_owned(),
        options: Vec::new(),
    };
    let form = MetaForm {
        id: id.parse().unwrap(),
        name: Some("Spring".to_owned()),
        status: "ACTIVE".to_owned(),
        locale: Some("en_US".to_owned()),
        questions: vec![question],
        leads_count: Some(3),
        expired_leads_count: None,
        organic_leads_count: None,
        privacy_policy_url: Some("https://example.com/privacy".to_owned()),
        thank_you_page: Some(json!({"title": "Thanks"})),
        created_at_s: Some(1_790_000_000),
    };
    rig.leads.put_form(&tenant, &page, &form, fakes::NOON).await.unwrap();
}

#[tokio::test]
async fn forms_are_shown_and_say_where_their_leads_go() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    page(&rig, &shop, PAGE).await;
    form(&rig, &shop, FORM).await;
    let path = format!("/api/v1/lead-forms/{FORM}");
    let shown = rig.get(&path, &shop.admin).await;
    assert_eq!((shown.status, &shown.body["page_id"]), (200, &json!(PAGE)));
    let question = json!({"key": "budget", "label": "Your budget?", "type": "CUSTOM", "options": []});
    assert_eq!(shown.body["questions"], json!([question]));
    assert_eq!(shown.body["thank_you_page"], json!({"title": "Thanks"}));
    let list = rig.get(&format!("/api/v1/lead-forms?page_id={PAGE}"), &shop.admin).await;
    assert_eq!(list.body["items"], json!([shown.body]));
    assert_eq!(rig.get("/api/v1/lead-forms", &shop.admin).await.refusal(), (422, "required"));
    let cursor = format!("/api/v1/lead-forms?page_id={PAGE}&cursor=x");
    assert_eq!(rig.get(&cursor, &shop.admin).await.refusal(), (422, "invalid"));

    let change = json!({"feedback_pixel_id": PIXEL, "source_id": "shop"});
    let changed = rig.patch(&path, &shop.admin, change).await;
    assert_eq!(
        (&changed.body["feedback_pixel_id"], &changed.body["source_id"]),
        (&json!(PIXEL), &json!("shop"))
    );
    form(&rig, &shop, FORM).await;
    assert_eq!(rig.get(&path, &shop.admin).await.body["source_id"], "shop", "a sync leaves what was said");
    let back = rig.patch(&path, &shop.admin, json!({"source_id": null})).await;
    assert_eq!((&back.body["feedback_pixel_id"], &back.body["source_id"]), (&json!(PIXEL), &Value::Null));
    let unknown = rig.patch(&path, &shop.admin, json!({"feedback_pixel_id": "404"})).await;
    assert_eq!(unknown.refusal(), (422, "pixel_unknown"));

    let other = Shop::open(&rig, "5").await;
    assert_eq!(rig.get(&path, &other.admin).await.refusal(), (404, "form_unknown"));
    assert_eq!(rig.patch(&path, &other.admin, json!({})).await.refusal(), (404, "form_unknown"));
}

#[tokio::test]
async fn a_sync_of_forms_is_work_for_lead_worker() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    page(&rig, &shop, PAGE).await;
    let path = format!("/api/v1/pages/{PAGE}/forms/sync");
    assert_eq!(rig.call("POST", &path, &shop.admin, None).await.status, 202);
    let work = LeadWork::parse(&rig.leads_queue.bodies().concat()).unwrap();
    let LeadWork::Page { tenant, page, days: None, job: None, attempt: 0, .. } = work else {
        panic!("{work:?}")
    };
    assert_eq!((tenant.as_str(), page.as_str()), (shop.tenant.as_str(), PAGE));
    rig.leads_queue.set_refusing(true);
    assert_eq!(rig.call("POST", &path, &shop.admin, None).await.refusal(), (503, "unavailable"));
}

#[tokio::test]
async fn completeness_is_told_by_day_and_as_a_whole() {
    use adrelay_core::leads::DayCheck;
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    page(&rig, &shop, PAGE).await;
    form(&rig, &shop, FORM).await;
    for id in ["1", "2", "3"] {
        submit(&rig, &shop, id, |_, _| {}).await;
    }
    let (tenant, form): (TenantId, FormId) = (shop.tenant.parse().unwrap(), FORM.parse().unwrap());
    let check = DayCheck { at_meta: 4, stored: 3, checked_at: fakes::NOON };
    let day = fakes::NOON.utc_day();
    rig.leads.check_day(&tenant, &form, &day, &check).await.unwrap();
    let shown = rig.get(&format!("/api/v1/lead-forms/{FORM}/completeness"), &shop.admin).await;
    let figures = json!({"by_webhook": 3, "by_poll": 0, "at_meta": 4, "stored": 3, "completeness": 0.75,
        "webhook_share": 1.0});
    let mut of_day = figures.clone();
    of_day["day"] = json!(day);
    of_day["checked_at"] = json!(fakes::NOON.rfc3339());
    let expected =
        json!({"form_id": FORM, "from": "2026-09-15", "to": day, "days": [of_day], "totals": figures});
    assert_eq!(shown.body, expected);
    let path = format!("/api/v1/lead-forms/{FORM}/completeness?from=2026-01-01&to=2026-09-21");
    assert_eq!(rig.get(&path, &shop.admin).await.refusal(), (422, "invalid"));
}
