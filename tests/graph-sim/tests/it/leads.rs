//! Pages, forms and leads as Graph tells them.

use graph_sim::Part;
use serde_json::{Value, json};

use crate::bench::{Bench, NOW_S, Reply, TOKEN};

const PAGE: &str = "800000000000001";
const PAGE_TOKEN: &str = "EAAB-page-token";
const OTHER_PAGE: &str = "800000000000002";
const OTHER_TOKEN: &str = "EAAB-other-page-token";
const FORM: &str = "810000000000001";

/// A bench with two pages that `TOKEN` manages, and a form of the first.
async fn pages() -> Bench {
    let bench = Bench::new();
    for (page, token) in [(PAGE, PAGE_TOKEN), (OTHER_PAGE, OTHER_TOKEN)] {
        let body = json!({"page_id": page, "name": format!("Page {page}"), "token": token, "app_id": "77",
                          "system_user_tokens": [TOKEN]});
        assert_eq!(bench.control("/_sim/pages", &body).await.status, 200);
    }
    let form = json!({"form_id": FORM, "page_id": PAGE, "name": "Größe", "locale": "de_DE",
        "questions": [{"key": "email", "type": "EMAIL", "label": "E-Mail"},
                      {"key": "size", "type": "CUSTOM", "options": [{"key": "l", "value": "L"}, {"key": "m", "value": "M"}]}],
        "privacy_policy_url": "https://shop.example/privacy", "thank_you_page": {"title": "Thanks"}});
    assert_eq!(bench.control("/_sim/forms", &form).await.status, 200);
    bench
}

async fn call(bench: &Bench, method: &str, path: &str, token: &str) -> Reply {
    let method = method.parse().unwrap();
    let request = bench.http.request(method, bench.url(&format!("/v26.0{path}"))).bearer_auth(token);
    Reply::of(request.send().await.unwrap()).await
}

async fn get(bench: &Bench, path: &str) -> Reply {
    call(bench, "GET", path, PAGE_TOKEN).await
}

async fn submit(bench: &Bench, body: Value) -> Vec<String> {
    let reply = bench.control("/_sim/leads", &body).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    serde_json::from_value(reply.body["ids"].clone()).unwrap()
}

fn ids(reply: &Reply) -> Vec<String> {
    let rows = reply.body["data"].as_array().unwrap_or_else(|| panic!("{reply:?}"));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn accounts_show_a_manager_its_pages_with_their_tokens() {
    let bench = pages().await;
    let first =
        call(&bench, "GET", "/me/accounts?fields=id,name,access_token,tasks&limit=1", TOKEN).await.body;
    let page = &first["data"][0];
    assert_eq!((&page["id"], &page["access_token"]), (&json!(PAGE), &json!(PAGE_TOKEN)));
    assert!(page["tasks"].as_array().unwrap().contains(&json!("ADVERTISE")));
    let next = first["paging"]["next"].as_str().unwrap();
    assert!(next.contains(&format!("access_token={TOKEN}")), "Meta's next links carry the token");
    let second = Reply::of(bench.http.get(next).send().await.unwrap()).await.body;
    assert_eq!(second["data"][0]["id"], OTHER_PAGE);
    assert_eq!(second["paging"].get("next"), None);
    let past = format!("/me/accounts?after={}", second["paging"]["cursors"]["after"].as_str().unwrap());
    assert_eq!(call(&bench, "GET", &past, TOKEN).await.body, json!({"data": []}));
    assert_eq!(get(&bench, "/me/accounts").await.error(), (400, Some(100), None), "a page has no accounts");
    assert_eq!(get(&bench, "/me").await.body, json!({"id": PAGE, "name": format!("Page {PAGE}")}));
    let described = get(&bench, &format!("/debug_token?input_token={PAGE_TOKEN}")).await.body;
    assert_eq!(
        (&described["data"]["type"], &described["data"]["profile_id"]),
        (&json!("PAGE"), &json!(PAGE))
    );
}

#[tokio::test]
async fn subscribing_needs_the_pages_own_token_and_its_fields() {
    let bench = pages().await;
    let path = format!("/{PAGE}/subscribed_apps");
    let with_fields = format!("{path}?subscribed_fields=leadgen,feed");
    assert_eq!(call(&bench, "POST", &with_fields, TOKEN).await.error(), (403, Some(210), None));
    assert_eq!(call(&bench, "POST", &with_fields, OTHER_TOKEN).await.error(), (400, Some(100), Some(33)));
    assert_eq!(call(&bench, "POST", &path, PAGE_TOKEN).await.error(), (400, Some(100), None));
    let nonsense = format!("{path}?subscribed_fields=nonsense");
    assert_eq!(call(&bench, "POST", &nonsense, PAGE_TOKEN).await.error(), (400, Some(100), None));
    assert_eq!(get(&bench, &path).await.body, json!({"data": []}));
    let form = bench.http.post(bench.url(&format!("/v26.0{path}"))).bearer_auth(PAGE_TOKEN);
    let reply = Reply::of(form.form(&[("subscribed_fields", "[\"leadgen\"]")]).send().await.unwrap()).await;
    assert_eq!(reply.body, json!({"success": true}));
    assert_eq!(call(&bench, "POST", &with_fields, PAGE_TOKEN).await.body, json!({"success": true}));
    let listed = get(&bench, &path).await.body;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed["data"][0]["id"], &listed["data"][0]["subscribed_fields"]),
        (&json!("77"), &json!(["feed", "leadgen"]))
    );
    let inspected = bench.get("/_sim/pages").await.body;
    assert_eq!(inspected["pages"][0]["subscriptions"], json!({"77": ["feed", "leadgen"]}));
    assert!(!inspected.to_string().contains(PAGE_TOKEN));
    bench.control("/_sim/switches", &json!({"success_as_text": true})).await;
    assert_eq!(call(&bench, "DELETE", &path, PAGE_TOKEN).await.body, json!({"success": "true"}));
    assert_eq!(get(&bench, &path).await.body, json!({"data": []}));
}

#[tokio::test]
async fn forms_are_listed_with_the_fields_asked_for() {
    let bench = pages().await;
    submit(&bench, json!({"form_id": FORM, "leads": [{"ad_id": "1"}, {}, {"test": true}]})).await;
    let path = format!("/{PAGE}/leadgen_forms");
    let plain = get(&bench, &path).await.body;
    assert_eq!(plain["data"], json!([{"id": FORM, "name": "Größe", "status": "ACTIVE", "locale": "de_DE"}]));
    let fields = "fields=leads_count,organic_leads_count,questions%7Bkey,type%7D,privacy_policy_url,thank_you_page,created_time,page";
    let form = get(&bench, &format!("{path}?{fields}")).await.body["data"][0].clone();
    assert_eq!((&form["leads_count"], &form["organic_leads_count"]), (&json!(2), &json!(1)));
    assert_eq!(form["questions"][1]["options"][0], json!({"key": "l", "value": "L"}));
    assert_eq!(form["thank_you_page"], json!({"title": "Thanks"}));
    assert_eq!(
        (&form["created_time"], &form["page"]["id"]),
        (&json!("2026-11-21T00:00:00+0000"), &json!(PAGE))
    );
    assert_eq!(form.get("name"), None);
    assert_eq!(get(&bench, &format!("{path}?fields=nonsense")).await.error(), (400, Some(100), None));
    assert_eq!(call(&bench, "GET", &path, TOKEN).await.error(), (400, Some(190), None));
    assert_eq!(call(&bench, "GET", &path, OTHER_TOKEN).await.error(), (400, Some(100), Some(33)));
    assert_eq!(
        get(&bench, &format!("/{FORM}?fields=status")).await.body,
        json!({"id": FORM, "status": "ACTIVE"})
    );
}

#[tokio::test]
async fn a_lead_is_told_with_what_was_submitted_and_nothing_else() {
    let bench = pages().await;
    let answers =
        json!([{"name": "email", "values": ["ä@example.com"]}, {"name": "size", "values": ["l", "m"]}]);
    let boxes =
        json!([{"checkbox_key": "news", "is_checked": "1"}, {"checkbox_key": "more", "is_checked": ""}]);
    let lead = json!({"field_data": answers, "custom_disclaimer_responses": boxes, "ad_id": "120210000000000001",
        "campaign_id": "120210000000000003", "campaign_name": "Größe", "platform": "ig", "created_time": 1_425_113_354,
        "extra": {"partner_name": "Partner"}});
    let ids = submit(&bench, json!({"form_id": FORM, "leads": [lead, {"id": "123123123123"}]})).await;
    assert_eq!((ids[0].len(), ids[1].as_str()), (17, "123123123123"));
    let plain = get(&bench, &format!("/{}", ids[0])).await.body;
    assert_eq!(
        plain,
        json!({"id": ids[0], "created_time": "2015-02-28T08:49:14+0000", "field_data": answers})
    );
    let all = "ad_id,ad_name,adset_id,campaign_id,campaign_name,custom_disclaimer_responses,form_id,home_listing,\
               is_organic,partner_name,platform,post,post_submission_check_result,retailer_item_id,vehicle";
    let full = get(&bench, &format!("/{}?fields={all}", ids[0])).await.body;
    assert_eq!(
        full,
        json!({"id": ids[0], "form_id": FORM, "ad_id": "120210000000000001", "campaign_id": "120210000000000003",
               "campaign_name": "Größe", "custom_disclaimer_responses": boxes, "is_organic": false, "platform": "ig",
               "partner_name": "Partner"})
    );
    let organic = get(&bench, &format!("/{}?fields=ad_id,is_organic", ids[1])).await.body;
    assert_eq!(organic, json!({"id": ids[1], "is_organic": true}), "an organic lead has no ad");
    assert_eq!(get(&bench, &format!("/{}?fields=email", ids[0])).await.error(), (400, Some(100), None));
    for (token, wanted) in [(OTHER_TOKEN, (400, Some(100), Some(33))), (TOKEN, (400, Some(190), None))] {
        assert_eq!(call(&bench, "GET", &format!("/{}", ids[0]), token).await.error(), wanted);
        assert_eq!(call(&bench, "GET", &format!("/{FORM}/leads"), token).await.error(), wanted);
    }
    let truth = bench.get(&format!("/_sim/leads?form_id={FORM}")).await.body;
    assert_eq!((&truth["total"], &truth["leads"][1]["field_data"]), (&json!(2), &answers));
    assert_eq!((&truth["leads"][1]["reads"], &truth["leads"][0]["id"]), (&json!(2), &json!(ids[1])));
}

#[tokio::test]
async fn a_lead_can_be_read_only_after_a_while() {
    let bench = pages().await;
    let ids = submit(&bench, json!({"form_id": FORM, "leads": [{}], "readable_after_ms": 5_000})).await;
    let (lead, list) = (format!("/{}", ids[0]), format!("/{FORM}/leads"));
    assert_eq!(get(&bench, &lead).await.error(), (400, Some(100), Some(33)));
    assert_eq!(get(&bench, &list).await.body, json!({"data": []}));
    bench.sim.advance_ms(5_000);
    assert_eq!(get(&bench, &lead).await.status, 200);
    assert_eq!(self::ids(&get(&bench, &list).await), ids);
}

#[tokio::test]
async fn leads_are_listed_newest_first_filtered_and_paged() {
    let bench = pages().await;
    let leads: Vec<Value> = (0..7).map(|n| json!({"created_time": NOW_S - 100 + n})).collect();
    let mut newest_first = submit(&bench, json!({"form_id": FORM, "leads": leads})).await;
    newest_first.reverse();
    let path = format!("/{FORM}/leads?fields=id&limit=3");
    let (mut listed, mut after) = (Vec::new(), String::new());
    let mut pages = 0;
    loop {
        let page = get(&bench, &format!("{path}{after}")).await;
        listed.extend(ids(&page));
        pages += 1;
        if pages == 1 {
            // Rows that come meanwhile don't move those that follow.
            submit(&bench, json!({"form_id": FORM, "leads": [{}]})).await;
        }
        match page.body["paging"]["next"].as_str() {
            Some(_) => {
                after = format!("&after={}", page.body["paging"]["cursors"]["after"].as_str().unwrap());
            }
            None => break,
        }
    }
    assert_eq!((listed, pages), (newest_first.clone(), 3));
    let filtered = async |operator: &str, value: &str| {
        let filtering =
            format!("[{{\"field\":\"time_created\",\"operator\":\"{operator}\",\"value\":{value}}}]");
        let request = bench.http.get(bench.url(&format!("/v26.0/{FORM}/leads"))).bearer_auth(PAGE_TOKEN);
        Reply::of(request.query(&[("filtering", filtering)]).send().await.unwrap()).await
    };
    let bound = (NOW_S - 97).to_string();
    assert_eq!(ids(&filtered("GREATER_THAN", &bound).await)[1..], newest_first[..3]);
    assert_eq!(ids(&filtered("GREATER_THAN_OR_EQUAL", &bound).await).len(), 5);
    assert_eq!(ids(&filtered("LESS_THAN", &format!("\"{bound}\"")).await), newest_first[4..]);
    assert_eq!(filtered("NEAR", &bound).await.error(), (400, Some(100), None));
    for wrong in ["limit=0", "limit=x", "after=zz", "filtering=x", "before=1"] {
        let reply = get(&bench, &format!("/{FORM}/leads?{wrong}")).await;
        assert_eq!(reply.error(), (400, Some(100), None), "{wrong}");
    }
}

#[tokio::test]
async fn thin_pages_have_fewer_rows_than_asked_for_or_none_and_lose_nothing() {
    let bench = pages().await;
    let submitted = submit(&bench, json!({"form_id": FORM, "count": 10, "seed": 1})).await;
    bench.control("/_sim/switches", &json!({"thin_pages": true})).await;
    let (mut listed, mut sizes, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = get(&bench, &format!("/{FORM}/leads?limit=8{after}")).await;
        sizes.push(ids(&page).len());
        listed.extend(ids(&page));
        match page.body["paging"]["next"].as_str() {
            Some(_) => {
                after = format!("&after={}", page.body["paging"]["cursors"]["after"].as_str().unwrap());
            }
            None => break,
        }
    }
    assert_eq!(sizes, [4, 0, 4, 0, 2]);
    listed.sort_unstable();
    assert_eq!(listed, submitted);
}

#[tokio::test]
async fn a_form_has_one_test_lead_at_a_time_and_leads_can_be_deleted() {
    let bench = pages().await;
    let path = format!("/{FORM}/test_leads");
    let made = call(&bench, "POST", &path, PAGE_TOKEN).await;
    let id = made.body["id"].as_str().unwrap_or_else(|| panic!("{made:?}")).to_owned();
    assert_eq!(call(&bench, "POST", &path, PAGE_TOKEN).await.error(), (400, Some(100), None));
    let real = submit(&bench, json!({"form_id": FORM, "leads": [{"created_time": NOW_S - 1}]})).await;
    let lead = get(&bench, &format!("/{id}?fields=field_data,ad_id")).await.body;
    assert_eq!(
        lead["field_data"][0],
        json!({"name": "email", "values": ["<test lead: dummy data for email>"]})
    );
    assert_eq!(lead.get("ad_id"), None);
    assert_eq!(ids(&get(&bench, &path).await), std::slice::from_ref(&id));
    assert_eq!(ids(&get(&bench, &format!("/{FORM}/leads")).await), [id.clone(), real[0].clone()]);
    bench.control("/_sim/switches", &json!({"list_test_leads": false})).await;
    assert_eq!(ids(&get(&bench, &format!("/{FORM}/leads")).await), real);
    assert_eq!(
        call(&bench, "DELETE", &format!("/{id}"), OTHER_TOKEN).await.error(),
        (400, Some(100), Some(33))
    );
    assert_eq!(call(&bench, "DELETE", &format!("/{id}"), PAGE_TOKEN).await.body, json!({"success": true}));
    assert_eq!(get(&bench, &format!("/{id}")).await.error(), (400, Some(100), Some(33)));
    let own = json!({"field_data": [{"name": "email", "values": ["own@example.com"]}]});
    let post = bench.http.post(bench.url(&format!("/v26.0{path}"))).bearer_auth(PAGE_TOKEN);
    let again = Reply::of(post.json(&own).send().await.unwrap()).await;
    assert_eq!(again.status, 200);
    assert_ne!(again.body["id"], id.as_str(), "an id is never given twice");
    let unreadable = bench.http.post(bench.url(&format!("/v26.0{path}"))).bearer_auth(PAGE_TOKEN);
    let unreadable = unreadable.header("content-type", "application/json").body("{");
    assert_eq!(Reply::of(unreadable.send().await.unwrap()).await.error(), (400, Some(100), None));
}

#[tokio::test]
async fn leads_past_the_retention_are_gone_where_the_switch_says_so() {
    let bench = pages().await;
    let old = json!({"created_time": NOW_S - 91 * 86_400});
    let ids = submit(&bench, json!({"form_id": FORM, "leads": [old]})).await;
    assert_eq!(get(&bench, &format!("/{}", ids[0])).await.status, 200);
    bench.control("/_sim/switches", &json!({"lead_retention_days": 90})).await;
    assert_eq!(get(&bench, &format!("/{}", ids[0])).await.error(), (400, Some(100), Some(33)));
    assert_eq!(get(&bench, &format!("/{FORM}/leads")).await.body, json!({"data": []}));
}

#[tokio::test]
async fn a_fault_can_hit_one_pages_leads_alone() {
    let bench = pages().await;
    let ids = submit(&bench, json!({"form_id": FORM, "leads": [{}]})).await;
    let fault = json!({"match": {"page_id": PAGE, "object": "lead"}, "code": 80_005, "wait_minutes": 3});
    assert_eq!(bench.control("/_sim/faults", &fault).await.status, 200);
    let reply = get(&bench, &format!("/{}", ids[0])).await;
    assert_eq!(reply.error(), (400, Some(80_005), None));
    let usage = reply.header("x-business-use-case-usage").unwrap();
    assert_eq!(usage[PAGE][0]["type"], "leadgen");
    assert_eq!(usage[PAGE][0]["estimated_time_to_regain_access"], 3);
    assert_eq!(get(&bench, &format!("/{FORM}/leads")).await.status, 200);
    let log = bench.sim.requests();
    let places: Vec<_> =
        log.iter().map(|entry| (entry.page_id.as_deref(), entry.object.as_deref())).collect();
    assert_eq!(places, [(Some(PAGE), Some("lead")), (Some(PAGE), Some("form"))]);
}

#[tokio::test]
async fn versions_and_resets_hold_for_pages_too() {
    let bench = pages().await;
    submit(&bench, json!({"form_id": FORM, "count": 2})).await;
    let old = bench.http.get(bench.url(&format!("/v20.0/{PAGE}"))).bearer_auth(PAGE_TOKEN);
    assert_eq!(Reply::of(old.send().await.unwrap()).await.error(), (400, Some(2635), None));
    bench.sim.reset(&[Part::Leads]);
    assert_eq!(bench.get("/_sim/leads").await.body["total"], 0);
    assert_eq!(get(&bench, &format!("/{FORM}")).await.status, 200);
    bench.sim.reset(&[Part::Pages]);
    assert_eq!(get(&bench, &format!("/{FORM}")).await.error(), (400, Some(100), Some(33)));
    assert_eq!(bench.get("/_sim/pages").await.body, json!({"pages": []}));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let bench = pages().await;
    for (path, body) in [
        ("/_sim/pages", json!({"page_id": "x", "token": "t"})),
        ("/_sim/pages", json!({"page_id": "1", "token": ""})),
        ("/_sim/pages", json!({"page_id": "1", "token": PAGE_TOKEN})),
        ("/_sim/forms", json!({"form_id": "1", "page_id": "1"})),
        ("/_sim/forms", json!({"form_id": FORM, "page_id": OTHER_PAGE})),
        ("/_sim/forms", json!({"form_id": "1", "page_id": PAGE, "status": "active"})),
        ("/_sim/leads", json!({"form_id": "1", "count": 1})),
        ("/_sim/leads", json!({"count": 1})),
        ("/_sim/leads", json!({"form_id": FORM})),
        ("/_sim/leads", json!({"form_id": FORM, "count": 1, "leads": [{}]})),
        ("/_sim/leads", json!({"form_id": FORM, "count": 20_001})),
        ("/_sim/leads", json!({"form_id": FORM, "count": 1, "readable_after_ms": [2, 1]})),
        ("/_sim/leads", json!({"form_id": FORM, "leads": [{"id": "1"}, {"id": "1"}]})),
        ("/_sim/leads", json!({"form_id": FORM, "leads": [{"emial": "x"}]})),
        ("/_sim/leads", json!({"form_id": FORM, "count": 1, "webhook": {"url": "https://a.example/"}})),
        (
            "/_sim/leads",
            json!({"form_id": FORM, "count": 1, "webhook": {"url": "http://a/", "batch_max": 0}}),
        ),
        ("/_sim/receivers", json!({"name": "a b"})),
        ("/_sim/receivers", json!({"name": "a", "answer": {"status": 99}})),
    ] {
        assert_eq!(bench.control(path, &body).await.status, 400, "{body}");
    }
    assert_eq!(
        bench.get("/_sim/leads").await.body["total"],
        0,
        "a submission is stored as a whole or not at all"
    );
    assert_eq!(bench.delete("/_sim/pages").await.status, 405);
}
