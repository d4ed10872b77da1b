//! The person of a lead, and what rules make of it.

use adrelay_core::config::{ConsentPolicy, Source};
use adrelay_core::ids::SourceId;
use adrelay_core::leads::FormSettings;
use adrelay_core::ports::leads::FormStore as _;
use serde_json::json;

use crate::leads::world::{World, form, lead_id, page, source, submission, tenant};

async fn captured(world: &World, nth: u64) {
    world.announce(&[nth]);
    assert_eq!(world.settle().await.stored, 1);
}

#[tokio::test]
async fn a_lead_makes_a_person_whose_first_touch_is_the_campaign_and_fires_its_rule() {
    let world = World::new();
    world.submit(1, &[("email", &["jane@example.com"]), ("full_name", &["Jane Doe"])]);
    captured(&world, 1).await;
    let people = world.parts.people.everybody();
    assert_eq!(people.len(), 1);
    assert_eq!(world.lead(1).await.unwrap().doc.person.as_ref(), Some(&people[0].id));
    let touch = people[0].doc.first_touch.as_ref().unwrap();
    assert_eq!((touch.source.as_deref(), touch.medium.as_deref()), (Some("meta"), Some("paid")));
    assert_eq!(touch.campaign.as_deref(), Some("Spring sale"));
    assert_eq!((touch.content.as_deref(), touch.lead_form.as_deref()), (Some("Ad one"), Some("601")));
    let fired: Vec<_> =
        world.events("lead-").into_iter().filter(|event| event["event_name"] == "Lead").collect();
    assert_eq!(fired.len(), 1);
    assert_eq!(fired[0]["event_id"], format!("lead-{}", lead_id(1)));
    assert_eq!(fired[0]["user_data"]["lead_id"], lead_id(1).as_str());
    assert!(fired[0]["user_data"]["em"].is_array(), "{}", fired[0]);
}

#[tokio::test]
async fn two_leads_of_one_address_are_one_person_and_two_leads() {
    let world = World::new();
    world.submit(1, &[("email", &["jane@example.com"])]);
    world.submit(2, &[("email", &["JANE@example.com "]), ("phone_number", &["+16505551212"])]);
    captured(&world, 1).await;
    captured(&world, 2).await;
    assert_eq!(world.parts.people.roots().len(), 1);
    assert_eq!(world.parts.leads.all().len(), 2);
}

#[tokio::test]
async fn a_lead_without_a_usable_address_has_a_person_of_its_own() {
    let world = World::new();
    world.submit(1, &[("colours", &["blue"])]);
    world.submit(2, &[("email", &["nobody"]), ("full_name", &["Jane Doe"])]);
    captured(&world, 1).await;
    captured(&world, 2).await;
    assert_eq!(world.parts.people.roots().len(), 2);
}

#[tokio::test]
async fn without_people_a_lead_is_stored_and_its_event_sent_with_what_it_says_itself() {
    let world = World::with(|settings| settings.people = false);
    world.submit_plain(1);
    captured(&world, 1).await;
    assert_eq!(world.lead(1).await.unwrap().doc.person, None);
    assert_eq!(world.parts.people.roots().len(), 0);
    assert_eq!(world.events(&format!("lead-{}", lead_id(1))).len(), 2, "Lead and New");
}

#[tokio::test]
async fn a_form_may_give_its_leads_to_another_source() {
    let world = World::new();
    let academy = SourceId::parse("academy").unwrap();
    world.parts.config.add_source(Source { id: academy.clone(), ..source() });
    let meta = adrelay_core::leads::MetaForm {
        id: form(),
        name: Some("Course".to_owned()),
        status: "ACTIVE".to_owned(),
        locale: None,
        questions: Vec::new(),
        leads_count: None,
        expired_leads_count: None,
        organic_leads_count: None,
        privacy_policy_url: None,
        thank_you_page: None,
        created_at_s: None,
    };
    world.parts.leads.put_form(&tenant(), &page(), &meta, world.now()).await.unwrap();
    let settings = FormSettings { feedback_pixel_id: None, source_id: Some(academy.clone()) };
    world.parts.leads.set_form(&tenant(), &page(), &form(), &settings).await.unwrap();
    world.submit_plain(1);
    captured(&world, 1).await;
    assert_eq!(world.lead(1).await.unwrap().doc.source, academy);
    assert!(world.messages().iter().all(|message| message.source == academy));
}

#[tokio::test]
async fn where_consent_is_required_and_unknown_the_lead_is_stored_and_the_event_held() {
    let world = World::new();
    world.parts.config.add_source(Source { consent_policy: ConsentPolicy::Require, ..source() });
    world.submit_plain(1);
    captured(&world, 1).await;
    assert_eq!(world.parts.people.held().len(), 1);
    let messages = world.messages();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].skip.is_some(), "the stage has a receipt that says why it was not sent");
    let body = json!(messages[0].events[0]).to_string();
    assert!(!body.contains("user_data"), "{body}");
}

#[tokio::test]
async fn an_old_lead_has_a_person_and_no_event() {
    let world = World::new();
    let old = submission(1, world.now().secs() - 30 * 86_400, &[("email", &["jane@example.com"])]);
    world.parts.meta.add_lead(&form(), old, world.now());
    captured(&world, 1).await;
    assert_eq!(world.parts.people.roots().len(), 1);
    assert_eq!(world.messages().len(), 0);
    let stages = world.parts.leads.stages(&tenant(), &lead_id(1));
    assert_eq!(stages[0].state, adrelay_core::leads::FeedbackState::Skipped { reason: "too_old".to_owned() });
}

#[tokio::test]
async fn an_organic_lead_is_no_paid_touch() {
    let world = World::new();
    let mut organic = submission(1, world.now().secs(), &[("email", &["jane@example.com"])]);
    organic.ads = adrelay_core::leads::LeadAds::default();
    organic.is_organic = true;
    world.parts.meta.add_lead(&form(), organic, world.now());
    captured(&world, 1).await;
    let touch = world.parts.people.everybody()[0].doc.first_touch.clone().unwrap();
    assert_eq!((touch.medium.as_deref(), touch.campaign), (Some("organic"), None));
    assert!(!world.lead(1).await.unwrap().doc.test);
}
