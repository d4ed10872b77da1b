//! Lead ads against the simulator, which was written from Meta's documentation and apart from this client.

use std::collections::BTreeMap;
use std::time::Duration;

use adrelay_core::ids::{AdObjectId, FormId, LeadId, PageId};
use adrelay_core::leads::Submission;
use adrelay_core::ports::leads_api::{Answered, LeadsApi as _};
use adrelay_core::ports::meta::{Credentials, Failure, Verdict};
use adrelay_core::seal::Secret;
use adrelay_graph::{Graph, GraphConfig};
use graph_sim::{Form, FormIds, Page, Sim, SimConfig, Span, Submission as Submitting, Switches, Token};

const PAGE: &str = "800000000000001";
const PAGE_TOKEN: &str = "EAAB-page-token";
const SYSTEM_TOKEN: &str = "EAAB-system-token";
const FORM: &str = "810000000000001";
const APP: &str = "77";
const SECRET: &str = "shhh-app-secret";

/// A simulator with a page of one form, and a client of it.
fn meta() -> (Sim, Graph) {
    let switches = Switches { require_proof: true, thin_pages: true, ..Switches::default() };
    let sim =
        Sim::start(SimConfig { now_ms: Some(1_795_219_200_000), switches, ..SimConfig::default() }).unwrap();
    let app = (Some(APP.to_owned()), Some(SECRET.to_owned()));
    let token = Token {
        token: SYSTEM_TOKEN.to_owned(),
        app_id: app.0.clone(),
        app_secret: app.1.clone(),
        ..Token::default()
    };
    sim.add_token(token).unwrap();
    let page = Page {
        page_id: PAGE.to_owned(),
        name: Some("Shop".to_owned()),
        token: PAGE_TOKEN.to_owned(),
        system_user_tokens: [SYSTEM_TOKEN.to_owned()].into(),
        app_id: app.0,
        app_secret: app.1,
    };
    sim.add_page(page).unwrap();
    let form = Form {
        form_id: FORM.to_owned(),
        page_id: PAGE.to_owned(),
        disclaimers: vec!["news".to_owned()],
        ..Form::default()
    };
    sim.add_form(form).unwrap();
    let config = GraphConfig {
        base_url: sim.base_url().to_owned(),
        total_timeout: Duration::from_secs(30),
        ..GraphConfig::default()
    };
    (sim, Graph::new(&config).unwrap())
}

fn with(token: &str) -> Credentials {
    Credentials { token: Secret::new(token.to_owned()), app_secret: Some(Secret::new(SECRET.to_owned())) }
}

fn page_id() -> PageId {
    PageId::parse(PAGE).unwrap()
}

fn submit(sim: &Sim, how: Submitting) -> Vec<String> {
    sim.submit(&Submitting { form_id: FormIds::One(FORM.to_owned()), ..how }).unwrap().ids
}

fn refusal<T: std::fmt::Debug>(answered: Answered<T>) -> (Verdict, i64, Option<i64>) {
    let Failure { verdict, error } = answered.result.unwrap_err();
    (verdict, error.code, error.subcode)
}

#[tokio::test]
async fn a_page_is_found_subscribed_to_and_left() {
    let (_sim, graph) = meta();
    let managed = graph.managed_pages(&with(SYSTEM_TOKEN), None).await.result.unwrap();
    assert_eq!((managed.rows.len(), managed.unreadable), (1, 0));
    assert_eq!((managed.rows[0].id.as_str(), managed.rows[0].name.as_deref()), (PAGE, Some("Shop")));
    assert_eq!(managed.rows[0].token.as_ref().map(Secret::expose), Some(PAGE_TOKEN));
    let (page, own) = (page_id(), with(PAGE_TOKEN));
    assert!(!graph.is_subscribed(&own, &page, Some(APP)).await.result.unwrap());
    graph.subscribe(&own, &page).await.result.unwrap();
    graph.subscribe(&own, &page).await.result.unwrap();
    assert!(graph.is_subscribed(&own, &page, Some(APP)).await.result.unwrap());
    assert!(!graph.is_subscribed(&own, &page, Some("78")).await.result.unwrap());
    assert_eq!(refusal(graph.subscribe(&with(SYSTEM_TOKEN), &page).await), (Verdict::Permission, 210, None));
    assert!(graph.is_subscribed(&own, &page, Some(APP)).await.result.unwrap(), "as it was");
    graph.unsubscribe(&own, &page).await.result.unwrap();
    assert!(!graph.is_subscribed(&own, &page, None).await.result.unwrap());
}

#[tokio::test]
async fn every_lead_of_a_form_is_read_as_it_was_submitted() {
    let (sim, graph) = meta();
    let created = Some(Span::Between(1_795_000_000, 1_795_219_200));
    let ids = submit(&sim, Submitting { count: Some(250), seed: 3, created, ..Submitting::default() });
    let forms = graph.forms(&with(PAGE_TOKEN), &page_id(), None).await.result.unwrap();
    assert_eq!((forms.rows[0].id.as_str(), forms.rows[0].leads_count), (FORM, Some(250)));
    assert_eq!(forms.rows[0].questions.len(), 3);
    let form = FormId::parse(FORM).unwrap();
    let (mut listed, mut after) = (BTreeMap::<String, Submission>::new(), None);
    for nth in 0.. {
        assert!(nth < 100, "pages without an end");
        let since_s = 1_794_999_999;
        let page =
            graph.form_leads(&with(PAGE_TOKEN), &form, since_s, after.as_deref()).await.result.unwrap();
        assert_eq!(page.unreadable, 0);
        listed.extend(page.rows.into_iter().map(|lead| (lead.id.to_string(), lead)));
        match page.after {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert!(listed.keys().eq(ids.iter()), "pages with fewer rows than asked for, or none, are no end");
    for submitted in sim.leads(FORM) {
        let read = &listed[&submitted.id];
        assert_eq!(read.created_at_s, submitted.created_time);
        let answers: Vec<_> = read.answers.iter().map(|one| (&one.name, &one.values)).collect();
        let told: Vec<_> = submitted.field_data.iter().map(|one| (&one.name, &one.values)).collect();
        assert_eq!(answers, told);
        assert_eq!(read.ads.ad_id.as_ref().map(AdObjectId::as_str), submitted.ad_id.as_deref());
        assert_eq!(read.ads.campaign_name, submitted.campaign_name);
        assert_eq!((read.is_organic, &read.platform), (submitted.is_organic, &submitted.platform));
        let ticked = submitted.custom_disclaimer_responses[0].is_checked == "1";
        assert_eq!(read.disclaimers.iter().map(|one| one.checked).collect::<Vec<_>>(), [ticked]);
    }
    let one = graph.lead(&with(PAGE_TOKEN), &LeadId::parse(&ids[7]).unwrap()).await.result.unwrap();
    assert_eq!(one, listed[&ids[7]]);
}

#[tokio::test]
async fn what_cannot_be_read_is_told_by_its_code() {
    let (sim, graph) = meta();
    let late =
        Submitting { count: Some(1), readable_after_ms: Span::Exactly(1_000), ..Submitting::default() };
    let lead = LeadId::parse(&submit(&sim, late)[0]).unwrap();
    assert_eq!(refusal(graph.lead(&with(PAGE_TOKEN), &lead).await), (Verdict::Permission, 100, Some(33)));
    sim.advance_ms(1_000);
    assert_eq!(graph.lead(&with(PAGE_TOKEN), &lead).await.result.unwrap().id, lead);
    assert_eq!(refusal(graph.lead(&with(SYSTEM_TOKEN), &lead).await), (Verdict::Token, 190, None));
    let test = submit(&sim, Submitting { count: Some(1), test: true, ..Submitting::default() });
    let form = FormId::parse(FORM).unwrap();
    let tests = graph.test_leads(&with(PAGE_TOKEN), &form).await.result.unwrap();
    assert_eq!(tests.iter().map(LeadId::as_str).collect::<Vec<_>>(), [test[0].as_str()]);
    let limit = serde_json::json!({"match": {"page_id": PAGE}, "code": 80_005, "wait_minutes": 2});
    sim.add_fault(serde_json::from_value(limit).unwrap()).unwrap();
    let limited = graph.lead(&with(PAGE_TOKEN), &lead).await.result.unwrap_err();
    assert_eq!(limited.verdict, Verdict::Wait { ms: 120_000 }, "{limited:?}");
}
