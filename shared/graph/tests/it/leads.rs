//! Lead ads: what goes out, and what is read from what comes back.

use std::time::Duration;

use adrelay_core::ids::{FormId, LeadId, PageId};
use adrelay_core::ports::leads_api::LeadsApi as _;
use adrelay_core::ports::meta::Verdict;
use adrelay_graph::Graph;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use crate::server::{
    APP_SECRET, MAX_LIST_BYTES, MAX_RESPONSE_BYTES, Seen, TOKEN, credentials, graph, server,
};

const LEAD: &str = r#"{"id":"15000000000000001","created_time":"2015-02-28T08:49:14+0000","form_id":"12","ad_id":"3",
    "ad_name":"Ad","adset_id":"4","adset_name":"Set","campaign_id":"5","campaign_name":"Spring","platform":"ig",
    "is_organic":false,"unknown":{},"partner_name":"P",
    "field_data":[{"name":"email","values":["a@b.c"]},{"name":"size","values":["s","m"]}],
    "custom_disclaimer_responses":[{"checkbox_key":"optional_1","is_checked":"1"}]}"#;

fn lead_id() -> LeadId {
    LeadId::parse("15000000000000001").unwrap()
}

fn form_id() -> FormId {
    FormId::parse("12").unwrap()
}

fn page_id() -> PageId {
    PageId::parse("77").unwrap()
}

type Requests = std::sync::Arc<std::sync::Mutex<Vec<Seen>>>;

async fn answering<R: IntoResponse>(answer: impl Fn() -> R + Send + Sync + 'static) -> (Graph, Requests) {
    let (address, seen) = server(answer).await;
    (graph(address, Duration::from_secs(30)), seen)
}

/// The one request that was made: its method, path, parameters (decoded, without the proof) and body.
fn only(seen: &Requests) -> (String, String, Vec<(String, String)>, String) {
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 1, "{seen:?}");
    let request = &seen[0];
    assert_eq!(request.headers["authorization"], format!("Bearer {TOKEN}"));
    assert!(!request.uri.contains(TOKEN) && !request.body.contains(TOKEN), "{request:?}");
    assert!(!request.uri.contains(APP_SECRET) && !request.body.contains(APP_SECRET), "{request:?}");
    let url = reqwest::Url::parse("http://host").unwrap().join(&request.uri).unwrap();
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    let parameters = pairs.filter(|(name, _)| name != "appsecret_proof").collect();
    (request.method.clone(), url.path().to_owned(), parameters, request.body.clone())
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    let found = parameters.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

#[tokio::test]
async fn a_lead_is_asked_for_with_every_field_and_read_in_full() {
    let (graph, seen) = answering(|| LEAD).await;
    let lead = graph.lead(&credentials(true), &lead_id()).await.result.unwrap();
    assert_eq!((lead.id, lead.created_at_s, lead.form), (lead_id(), 1_425_113_354, Some(form_id())));
    assert_eq!(lead.ads.ad_id.unwrap().as_str(), "3");
    assert_eq!(lead.ads.campaign_name.as_deref(), Some("Spring"));
    assert_eq!((lead.platform.as_deref(), lead.is_organic), (Some("ig"), false));
    assert_eq!(lead.answers[1].values, ["s", "m"]);
    assert!(lead.disclaimers[0].checked);
    assert_eq!(lead.extra["partner_name"], "P");

    let (method, path, parameters, _) = only(&seen);
    assert_eq!((method.as_str(), path.as_str()), ("GET", "/v26.0/15000000000000001"));
    let fields: Vec<_> = parameter(&parameters, "fields").split(',').collect();
    assert_eq!(fields.len(), 19);
    for field in ["field_data", "custom_disclaimer_responses", "post_submission_check_result", "vehicle"] {
        assert!(fields.contains(&field), "{field}");
    }
}

#[tokio::test]
async fn an_answer_that_is_another_lead_or_none_leaves_the_outcome_unknown() {
    for body in [LEAD.replace("15000000000000001", "7"), r#"{"id":"15000000000000001"}"#.to_owned()] {
        let (graph, _) = answering(move || body.clone()).await;
        let failure = graph.lead(&credentials(false), &lead_id()).await.result.unwrap_err();
        assert_eq!(failure.verdict, Verdict::UnknownOutcome);
    }
}

#[tokio::test]
async fn a_lead_that_cannot_be_read_yet_is_told_from_a_limit_and_a_dead_token() {
    let cases = [
        (r#"{"error":{"code":100,"error_subcode":33}}"#, Verdict::Permission),
        (r#"{"error":{"code":80005}}"#, Verdict::Wait { ms: 60_000 }),
        (r#"{"error":{"code":190}}"#, Verdict::Token),
        (r#"{"error":{"code":200}}"#, Verdict::Permission),
        (r#"{"error":{"code":10}}"#, Verdict::Permission),
        (r#"{"error":{"code":2}}"#, Verdict::Retry),
    ];
    for (body, verdict) in cases {
        let (graph, _) = answering(move || (StatusCode::BAD_REQUEST, body)).await;
        let answered = graph.lead(&credentials(false), &lead_id()).await;
        assert_eq!(answered.result.unwrap_err().verdict, verdict, "{body}");
    }
}

#[tokio::test]
async fn usage_is_told_with_the_leads() {
    let usage = r#"{"77":[{"type":"leadgen","call_count":93,"estimated_time_to_regain_access":0}]}"#;
    let (graph, _) = answering(move || ([("x-business-use-case-usage", usage)], LEAD)).await;
    let answered = graph.lead(&credentials(false), &lead_id()).await;
    assert_eq!(answered.result.unwrap().id, lead_id());
    assert!((92.5..93.5).contains(&answered.usage.percent), "{:?}", answered.usage);
}

#[tokio::test]
async fn a_forms_leads_are_listed_from_an_instant_on_page_by_page() {
    let list = format!(
        r#"{{"data":[{LEAD},{{"id":"8"}}],
            "paging":{{"cursors":{{"before":"b","after":"QVFI-_="}},"next":"https://graph/?access_token={TOKEN}"}}}}"#
    );
    let (graph, seen) = answering(move || list.clone()).await;
    let rows = graph.form_leads(&credentials(true), &form_id(), 1_516_682_744, Some("Q+/=")).await;
    let rows = rows.result.unwrap();
    assert_eq!((rows.rows.len(), rows.unreadable, rows.after.as_deref()), (1, 1, Some("QVFI-_=")));

    let (method, path, parameters, _) = only(&seen);
    assert_eq!((method.as_str(), path.as_str()), ("GET", "/v26.0/12/leads"));
    let filtering = r#"[{"field":"time_created","operator":"GREATER_THAN","value":1516682744}]"#;
    assert_eq!(parameter(&parameters, "filtering"), filtering);
    assert_eq!((parameter(&parameters, "after"), parameter(&parameters, "limit")), ("Q+/=", "100"));
}

#[tokio::test]
async fn a_list_may_be_larger_than_an_object_but_has_a_limit_too() {
    let padded = |bytes: usize| {
        let list = r#"{"data":[]}"#;
        format!("{list}{}", " ".repeat(bytes - list.len()))
    };
    let (graph, _) = answering(move || padded(MAX_LIST_BYTES)).await;
    assert!(graph.forms(&credentials(false), &page_id(), None).await.result.is_ok());
    let (graph, _) = answering(move || padded(MAX_LIST_BYTES + 1)).await;
    let failure = graph.forms(&credentials(false), &page_id(), None).await.result.unwrap_err();
    assert_eq!(failure.verdict, Verdict::UnknownOutcome);
    let (graph, _) = answering(move || format!("{LEAD}{}", " ".repeat(MAX_RESPONSE_BYTES))).await;
    let failure = graph.lead(&credentials(false), &lead_id()).await.result.unwrap_err();
    assert_eq!(failure.verdict, Verdict::UnknownOutcome);
}

#[tokio::test]
async fn an_answer_that_is_no_list_is_no_empty_list() {
    for body in ["{}", r#"{"data":{}}"#, r#"{"data":[],"paging":{"next":"https://graph/"}}"#] {
        let (graph, _) = answering(move || body).await;
        let rows = graph.form_leads(&credentials(false), &form_id(), 0, None).await;
        assert_eq!(rows.result.unwrap_err().verdict, Verdict::UnknownOutcome, "{body}");
    }
}

#[tokio::test]
async fn forms_pages_and_test_leads_are_listed() {
    let (graph, seen) = answering(|| r#"{"data":[{"id":12,"name":"Spring","status":"ACTIVE"}]}"#).await;
    let forms = graph.forms(&credentials(false), &page_id(), None).await.result.unwrap();
    assert_eq!((&forms.rows[0].id, forms.after), (&form_id(), None));
    let (_, path, parameters, _) = only(&seen);
    assert_eq!(path, "/v26.0/77/leadgen_forms");
    assert!(
        parameter(&parameters, "fields").contains("questions") && parameter(&parameters, "after").is_empty()
    );

    let body = r#"{"data":[{"id":"77","name":"Acme","access_token":"page-token"},{"id":"78"}]}"#;
    let (graph, seen) = answering(move || body).await;
    let pages = graph.managed_pages(&credentials(false), None).await.result.unwrap();
    assert_eq!(
        (&pages.rows[0].id, pages.rows[0].token.as_ref().unwrap().expose()),
        (&page_id(), "page-token")
    );
    assert_eq!(pages.rows[1].token, None);
    assert!(!format!("{pages:?}").contains("page-token"));
    assert_eq!(only(&seen).1, "/v26.0/me/accounts");

    let (graph, seen) = answering(|| r#"{"data":[{"id":"15000000000000001"}]}"#).await;
    let test_leads = graph.test_leads(&credentials(false), &form_id()).await.result.unwrap();
    assert_eq!(test_leads, [lead_id()]);
    assert_eq!(only(&seen).1, "/v26.0/12/test_leads");
}

#[tokio::test]
async fn a_page_is_subscribed_where_our_app_is_told_of_leads() {
    let cases = [
        (r#"{"data":[]}"#, false, false),
        (r#"{"data":[{"id":"5","subscribed_fields":["feed","leadgen"]}]}"#, true, true),
        (r#"{"data":[{"id":5,"subscribed_fields":[{"name":"leadgen"}]}]}"#, true, true),
        (r#"{"data":[{"id":"6","subscribed_fields":["leadgen"]}]}"#, false, true),
        (r#"{"data":[{"id":"5","subscribed_fields":["feed"]}]}"#, false, false),
        (r#"{"data":[{"id":"5"}]}"#, false, false),
    ];
    for (body, ours, any) in cases {
        let (graph, _) = answering(move || body).await;
        let ask = async |app| graph.is_subscribed(&credentials(false), &page_id(), app).await.result;
        assert_eq!((ask(Some("5")).await, ask(None).await), (Ok(ours), Ok(any)), "{body}");
    }
}

#[tokio::test]
async fn subscribing_posts_a_form_and_takes_yes_in_either_shape() {
    for body in [r#"{"success":true}"#, r#"{"success":"true"}"#] {
        let (graph, seen) = answering(move || body).await;
        assert_eq!(graph.subscribe(&credentials(true), &page_id()).await.result, Ok(()));
        let (method, path, parameters, form) = only(&seen);
        assert_eq!(
            (method.as_str(), path.as_str(), parameters),
            ("POST", "/v26.0/77/subscribed_apps", vec![])
        );
        let proof = form.strip_prefix("subscribed_fields=leadgen&appsecret_proof=").unwrap();
        assert_eq!(proof.len(), 64);
        let content_type = &seen.lock().unwrap()[0].headers["content-type"];
        assert_eq!(content_type, "application/x-www-form-urlencoded");
    }
    for (body, verdict) in [
        ("{}", Verdict::UnknownOutcome),
        (r#"{"success":false}"#, Verdict::Retry),
        ("true", Verdict::UnknownOutcome),
    ] {
        let (graph, _) = answering(move || body).await;
        let refused = graph.subscribe(&credentials(false), &page_id()).await.result.unwrap_err();
        assert_eq!(refused.verdict, verdict, "{body}");
    }
    let (graph, seen) = answering(|| r#"{"success":true}"#).await;
    assert_eq!(graph.unsubscribe(&credentials(true), &page_id()).await.result, Ok(()));
    let (method, path, ..) = only(&seen);
    assert_eq!((method.as_str(), path.as_str()), ("DELETE", "/v26.0/77/subscribed_apps"));
}
