//! Lists of leads show what their query means, each lead once, newest first.

use adrelay_core::ids::{FormId, LeadId, SourceId, TenantId};
use adrelay_core::leads::{Lead, LeadQuery, Status};
use adrelay_core::ports::StoreError;
use adrelay_core::ports::leads::LeadStore;
use fakes::MemoryLeads;
use proptest::prelude::*;

use crate::contract::contract;
use crate::leads_data::{
    Leads, ad_id, contact, create, form_id, in_the_table, lead, page_id, stored, text_hash,
};
use crate::support::{NOON, tenant};

contract!(adrelay_aws::leads::DynamoLeads::new, crate::support::dynamodb_by_time, fakes::MemoryLeads::default;
    leads_are_listed_newest_first_and_by_id_within_a_second,
    a_list_sees_one_tenant,
    a_list_shows_a_lead_as_it_is_now,
    a_cursor_of_another_list_is_refused,
    a_list_between_no_two_instants_is_empty,
);

/// All pages of a list, each with at most `limit` leads. A page may be short, but time must come to an end.
async fn walk(leads: &impl LeadStore, query: &LeadQuery) -> Vec<Lead> {
    let (mut query, mut seen) = (query.clone(), Vec::new());
    for _ in 0..100 {
        let page = leads.list(&query).await.unwrap();
        assert!(page.items.len() <= query.limit);
        seen.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return seen;
        }
    }
    panic!("a list without an end");
}

fn ids(leads: &[Lead]) -> Vec<LeadId> {
    leads.iter().map(|lead| lead.id.clone()).collect()
}

async fn leads_are_listed_newest_first_and_by_id_within_a_second(leads: &impl Leads) {
    for (nth, age_s) in [(1, 30), (2, 10), (3, 10), (4, 20), (5, 0)] {
        let mut lead = lead(nth);
        lead.doc.created_at_s -= age_s;
        create(leads, &lead).await;
    }
    for limit in 1..=6 {
        let found = walk(leads, &LeadQuery::all(tenant(), limit)).await;
        let expected: Vec<LeadId> = [5, 3, 2, 4, 1].map(|nth| lead(nth).id).into();
        assert_eq!(ids(&found), expected, "in pages of {limit}");
    }
}

async fn a_list_sees_one_tenant(leads: &impl Leads) {
    for name in ["acme", "acme2", "other"] {
        let tenant = TenantId::parse(name).unwrap();
        create(leads, &Lead { tenant, ..lead(1) }).await;
    }
    let found = walk(leads, &LeadQuery::all(tenant(), 10)).await;
    assert_eq!(found, [Lead { rev: 1, ..lead(1) }]);
}

async fn a_list_shows_a_lead_as_it_is_now(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    contact(leads, &stored(leads, 1).await, None).await.unwrap();
    let of = |status| LeadQuery { status: Some(status), ..LeadQuery::all(tenant(), 10) };
    assert_eq!(walk(leads, &of(Status::New)).await, []);
    assert_eq!(walk(leads, &of(Status::Contacted)).await, [stored(leads, 1).await]);
}

async fn a_cursor_of_another_list_is_refused(leads: &impl Leads) {
    let other = TenantId::parse("other").unwrap();
    for nth in 0..3 {
        create(leads, &lead(nth)).await;
        create(leads, &Lead { tenant: other.clone(), ..lead(nth) }).await;
    }
    let cursor = leads.list(&LeadQuery::all(other, 1)).await.unwrap().next_cursor;
    assert!(cursor.is_some());
    let ours = LeadQuery::all(tenant(), 1);
    for bad in [cursor, Some(String::new()), Some("!".to_owned()), Some("e30".to_owned())] {
        let query = LeadQuery { cursor: bad.clone(), ..ours.clone() };
        assert_eq!(leads.list(&query).await, Err(StoreError::Conflict), "{bad:?}");
    }
    let good = leads.list(&ours).await.unwrap().next_cursor;
    let tests = LeadQuery { test: true, cursor: good, ..ours };
    assert_eq!(leads.list(&tests).await, Err(StoreError::Conflict));
}

async fn a_list_between_no_two_instants_is_empty(leads: &impl Leads) {
    create(leads, &lead(1)).await;
    let noon = NOON.secs();
    let count = async |from_s, until_s| {
        walk(leads, &LeadQuery { from_s, until_s, ..LeadQuery::all(tenant(), 10) }).await.len()
    };
    assert_eq!(count(Some(noon), Some(noon + 1)).await, 1);
    assert_eq!(count(Some(noon), None).await, 1);
    assert_eq!(count(Some(noon + 1), None).await, 0);
    assert_eq!(count(None, Some(noon)).await, 0);
    assert_eq!(count(Some(noon), Some(noon)).await, 0);
    assert_eq!(count(Some(noon + 5), Some(noon - 5)).await, 0);
    assert_eq!(count(Some(i64::MIN), Some(i64::MAX)).await, 1);
    assert_eq!(count(Some(-5), Some(-3)).await, 0);
}

const STATUSES: [Status; 3] = [Status::New, Status::Qualified, Status::Archived];

fn source_id(nth: u64) -> SourceId {
    SourceId::parse(&format!("source{nth}")).unwrap()
}

/// Leads that have few things to tell them apart, so that filters find several of them.
fn some_lead(nth: u64) -> impl Strategy<Value = Lead> {
    let ids = (0..2_u64, 0..2_u64, 0..2_u64, 0..3_u64, 0..3_u64);
    let facts = (0..3_usize, any::<bool>(), 0..5_i64, 0..3_u8, 0..3_usize);
    (ids, facts).prop_map(move |((page, form, source, ad, campaign), (status, test, at_s, who, text))| {
        let mut lead = lead(nth);
        lead.doc.page = page_id(page);
        lead.doc.form = form_id(form);
        lead.doc.source = source_id(source);
        // The third is none.
        lead.doc.ads.ad_id = (ad < 2).then(|| ad_id(ad));
        lead.doc.ads.campaign_id = (campaign < 2).then(|| ad_id(campaign));
        lead.doc.assignee = (who < 2).then(|| format!("person {who}"));
        lead.doc.status = STATUSES[status];
        lead.doc.test = test;
        lead.doc.created_at_s += at_s;
        lead.texts = ["ann", "bob"].iter().take(text).map(|name| text_hash(name)).collect();
        lead
    })
}

fn some_leads() -> impl Strategy<Value = Vec<Lead>> {
    (0..25_usize).prop_flat_map(|count| (0..count as u64).map(some_lead).collect::<Vec<_>>())
}

fn some_query() -> impl Strategy<Value = LeadQuery> {
    let one_of_two = || proptest::option::weighted(0.3, 0..2_u64);
    let ids = (one_of_two(), one_of_two(), one_of_two(), one_of_two(), one_of_two());
    let facts = (
        proptest::option::weighted(0.3, 0..3_usize),
        any::<bool>(),
        one_of_two(),
        proptest::option::weighted(0.3, prop_oneof![Just("ann"), Just("bob")]),
    );
    let bounds = (proptest::option::of(-1..6_i64), proptest::option::of(-1..6_i64), 1..8_usize);
    (ids, facts, bounds).prop_map(
        |((page, form, source, ad, campaign), (status, test, who, text), (from, until, limit))| LeadQuery {
            test,
            status: status.map(|status| STATUSES[status]),
            page: page.map(page_id),
            form: form.map(form_id),
            source: source.map(source_id),
            ad: ad.map(ad_id),
            campaign: campaign.map(ad_id),
            assignee: who.map(|who| format!("person {who}")),
            text: text.map(text_hash),
            from_s: from.map(|s| NOON.secs() + s),
            until_s: until.map(|s| NOON.secs() + s),
            ..LeadQuery::all(tenant(), limit)
        },
    )
}

/// What a query means, said once more and plainly.
fn naive(leads: &[Lead], query: &LeadQuery) -> Vec<LeadId> {
    let mut found: Vec<&Lead> = leads.iter().collect();
    found.retain(|lead| lead.doc.test == query.test);
    if let Some(status) = query.status {
        found.retain(|lead| lead.doc.status == status);
    }
    if let Some(page) = &query.page {
        found.retain(|lead| lead.doc.page == *page);
    }
    if let Some(form) = &query.form {
        let same = |other: &FormId| other == form;
        found.retain(|lead| same(&lead.doc.form));
    }
    if let Some(source) = &query.source {
        found.retain(|lead| lead.doc.source == *source);
    }
    if query.ad.is_some() {
        found.retain(|lead| lead.doc.ads.ad_id == query.ad);
    }
    if query.campaign.is_some() {
        found.retain(|lead| lead.doc.ads.campaign_id == query.campaign);
    }
    if query.assignee.is_some() {
        found.retain(|lead| lead.doc.assignee == query.assignee);
    }
    if let Some(text) = &query.text {
        found.retain(|lead| lead.texts.contains(text));
    }
    found.retain(|lead| lead.doc.created_at_s >= query.from_s.unwrap_or(i64::MIN));
    found.retain(|lead| lead.doc.created_at_s < query.until_s.unwrap_or(i64::MAX));
    found.sort_by_key(|lead| std::cmp::Reverse((lead.doc.created_at_s, lead.id.clone())));
    found.into_iter().map(|lead| lead.id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn any_list_equals_a_naive_filter_and_its_pages_show_each_lead_once(
        stored in some_leads(),
        queries in proptest::collection::vec(some_query(), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (table, memory) = (in_the_table().await, MemoryLeads::default());
            for lead in &stored {
                create(&table, lead).await;
                create(&memory, lead).await;
            }
            for query in &queries {
                let expected = naive(&stored, query);
                prop_assert_eq!(ids(&walk(&table, query).await), expected.clone(), "{:?}", query);
                prop_assert_eq!(ids(&walk(&memory, query).await), expected, "{:?}", query);
            }
            Ok(())
        })?;
    }
}
