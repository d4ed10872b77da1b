//! What stands in the leads table: shapes, ends, look-ups; and erasing while others write.

use std::collections::{BTreeMap, HashMap};

use adrelay_aws::leads::DynamoLeads;
use adrelay_core::leads::{Activity, ActivityKind, DayCheck, OutboxTopic};
use adrelay_core::ports::leads::{
    FormStore as _, LeadEraser as _, LeadOutbox as _, LeadStore as _, LeadWrite, SyncStore as _,
};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use serde_json::json;

use crate::leads_data::{
    activity, contact, create, entry, form_id, lead, lead_id, meta_form, missing, page_id, person_id, stored,
};
use crate::support::{NOON, TABLE, dynamodb_by_time, item, partition, tenant};

async fn rig() -> (Client, DynamoLeads) {
    let client = dynamodb_by_time().await;
    (client.clone(), DynamoLeads::new(client, TABLE.to_owned()))
}

/// A key with what differs from item to item left out.
fn shape(text: &str) -> String {
    let parts = text.split('#').map(|part| match part {
        part if part.len() == 16 && part.starts_with("900719") => "<lead>",
        part if part.len() == 15 && part.starts_with("00179") => "<due>",
        "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" => "<n>",
        other => other,
    });
    parts.collect::<Vec<_>>().join("#")
}

#[tokio::test]
async fn every_item_has_the_attributes_of_its_kind_and_no_more() {
    let (client, leads) = rig().await;
    let mut first = lead(1);
    first.doc.assignee = Some("Bob".to_owned());
    create(&leads, &first).await;
    contact(&leads, &stored(&leads, 1).await, Some("sealed note")).await.unwrap();
    leads.note_missing(&missing(2)).await.unwrap();
    leads.put_form(&tenant(), &page_id(1), &meta_form(1, "x"), NOON).await.unwrap();
    let check = DayCheck { at_meta: 1, stored: 1, checked_at: NOON };
    leads.check_day(&tenant(), &form_id(1), "2026-09-21", &check).await.unwrap();
    leads.save_sync_state(&tenant(), &form_id(1), 0, &json!({})).await.unwrap();
    leads.block(&tenant(), &page_id(1), NOON).await.unwrap();
    leads.turn("reconcile", NOON, 1_000).await.unwrap();

    let items = client.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    let mut kinds: BTreeMap<(String, String), String> = BTreeMap::new();
    for item in &items {
        let mut names: Vec<&str> =
            item.keys().map(String::as_str).filter(|name| !["pk", "sk", "v"].contains(name)).collect();
        names.sort_unstable();
        assert_eq!(item["v"], AttributeValue::N("1".to_owned()));
        let place = (shape(item["pk"].as_s().unwrap()), shape(item["sk"].as_s().unwrap()));
        kinds.insert(place, names.join(" "));
    }
    let expected = [
        ("OUTBOX#<n>", "<due>#acme#<lead>#C", ""),
        ("OUTBOX#<n>", "<due>#acme#<lead>#F1", ""),
        ("OUTBOX#<n>", "<due>#acme#<lead>#F2", ""),
        ("T#acme#F#71", "DAY#2026-09-21#<n>", "by_webhook expires_at"),
        ("T#acme#F#71", "DAY#2026-09-21#CHECK", "doc expires_at"),
        ("T#acme#F#71", "PAGE", "page"),
        ("T#acme#F#71", "SYNC", "doc rev"),
        ("T#acme#G#51", "BLOCKED", "blocked_until expires_at"),
        ("T#acme#G#51", "FORM#71", "meta synced_at"),
        ("T#acme#L#<lead>", "A#0000000001", "doc"),
        ("T#acme#L#<lead>", "A#0000000002", "doc note"),
        ("T#acme#L#<lead>", "FB#0000000001", "doc state"),
        ("T#acme#L#<lead>", "FB#0000000002", "doc state"),
        (
            "T#acme#L#<lead>",
            "LEAD",
            "ad assignee campaign doc form list_pk list_sk page rev sealed source status texts",
        ),
        ("T#acme#MISSING", "<lead>", "doc expires_at"),
        ("T#acme#P#per_ann", "<lead>", ""),
        ("TURN", "reconcile", "last_at"),
    ];
    let found: Vec<(&str, &str, &str)> =
        kinds.iter().map(|((pk, sk), names)| (pk.as_str(), sk.as_str(), names.as_str())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_index_shows_ids_and_hashes_alone() {
    let (client, leads) = rig().await;
    create(&leads, &lead(1)).await;
    let scan = client.scan().table_name(TABLE).index_name(adrelay_aws::leads::BY_TIME);
    let items = scan.send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 1, "leads alone are listed");
    let mut names: Vec<&str> = items[0].keys().map(String::as_str).collect();
    names.sort_unstable();
    let shown = "ad campaign form list_pk list_sk page pk sk source status texts";
    assert_eq!(names.join(" "), shown);
    assert_eq!(items[0]["list_pk"], AttributeValue::S("T#acme".to_owned()));
    assert_eq!(items[0]["list_sk"], AttributeValue::S(format!("001790000000#{}", lead_id(1))));
}

#[tokio::test]
async fn what_ends_by_itself_says_when() {
    let (client, leads) = rig().await;
    create(&leads, &lead(1)).await;
    leads.note_missing(&missing(2)).await.unwrap();
    let ends = async |pk: &str, sk: &str| {
        item(&client, pk, sk)
            .await
            .unwrap()
            .get("expires_at")
            .map(|at| at.as_n().unwrap().parse::<i64>().unwrap())
    };
    let day = &partition(&client, "T#acme#F#71").await[0];
    let sk = day["sk"].as_s().unwrap();
    assert_eq!(ends("T#acme#F#71", sk).await, Some(NOON.secs() + 400 * 86_400));
    assert_eq!(ends("T#acme#MISSING", lead_id(2).as_str()).await, Some(NOON.secs() + 90 * 86_400));
    assert_eq!(ends(&format!("T#acme#L#{}", lead_id(1)), "LEAD").await, None, "leads stay");
    let check = DayCheck { at_meta: 1, stored: 1, checked_at: NOON };
    leads.check_day(&tenant(), &form_id(1), "2026-09-20", &check).await.unwrap();
    assert_eq!(ends("T#acme#F#71", "DAY#2026-09-20#CHECK").await, Some(NOON.secs() + 400 * 86_400));
    leads.block(&tenant(), &page_id(1), NOON.plus_ms(60_000)).await.unwrap();
    assert_eq!(ends("T#acme#G#51", "BLOCKED").await, Some(NOON.secs() + 60 + 86_400));
}

/// More lines than one read takes.
#[tokio::test]
async fn notes_beyond_the_first_thousand_lines_are_erased_too() {
    let (client, leads) = rig().await;
    create(&leads, &lead(1)).await;
    let pk = format!("T#acme#L#{}", lead_id(1));
    let line = |nth: usize| {
        let mut item = partition_key(&pk, &format!("A#{nth:010}"));
        item.insert("note".to_owned(), AttributeValue::S("sealed note".to_owned()));
        let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    };
    let lines: Vec<WriteRequest> = (2..=2_003).map(line).collect();
    for part in lines.chunks(25) {
        client.batch_write_item().request_items(TABLE, part.to_vec()).send().await.unwrap();
    }
    leads.erase_lead(&tenant(), &lead_id(1), NOON).await.unwrap();
    let scan = client.scan().table_name(TABLE).filter_expression("attribute_exists(note)").send().await;
    assert_eq!(scan.unwrap().count, 0);
    assert!(stored(&leads, 1).await.doc.erased_at.is_some());
}

fn partition_key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

#[tokio::test]
async fn leads_are_spread_over_all_parts_of_a_day_and_of_the_outbox() {
    let (client, leads) = rig().await;
    for nth in 0..60 {
        create(&leads, &lead(nth)).await;
    }
    let days = partition(&client, "T#acme#F#71").await;
    assert_eq!(days.len(), 8);
    for shard in 0..4 {
        assert!(!partition(&client, &format!("OUTBOX#{shard}")).await.is_empty(), "{shard}");
    }
    assert_eq!(partition(&client, "OUTBOX#4").await, []);
}

#[tokio::test]
async fn an_unreadable_entry_of_the_outbox_stops_no_other() {
    let (client, leads) = rig().await;
    create(&leads, &lead(1)).await;
    for shard in 0..4 {
        let put =
            client.put_item().table_name(TABLE).item("pk", AttributeValue::S(format!("OUTBOX#{shard}")));
        put.item("sk", AttributeValue::S("000000000000001#of a later version".to_owned()))
            .send()
            .await
            .unwrap();
    }
    let due = NOON.plus_ms(60_000);
    let expected =
        [entry(&lead(1), due, OutboxTopic::Created), entry(&lead(1), due, OutboxTopic::Feedback(1))];
    assert_eq!(leads.due(due, 10).await.unwrap(), expected);
}

/// A crash between the notes and the lead: the person still names the lead, so that erasing is begun anew.
#[tokio::test]
async fn an_erasure_that_was_cut_off_is_finished_by_the_next() {
    let (client, leads) = rig().await;
    create(&leads, &lead(1)).await;
    let before = stored(&leads, 1).await;
    let noted =
        Activity { sealed_note: Some("sealed note".to_owned()), ..activity(&before, ActivityKind::Note) };
    leads.change(LeadWrite { lead: &before, activity: &noted, feedback: None, outbox: &[] }).await.unwrap();
    let pk = format!("T#acme#L#{}", lead_id(1));
    let strip = client.update_item().table_name(TABLE).key("pk", AttributeValue::S(pk.clone()));
    let strip =
        strip.key("sk", AttributeValue::S("A#0000000002".to_owned())).update_expression("REMOVE note");
    strip.send().await.unwrap();
    assert_eq!(leads.leads_of(&tenant(), &person_id("ann"), 10).await.unwrap(), [lead_id(1)]);

    leads.erase_lead(&tenant(), &lead_id(1), NOON).await.unwrap();
    assert_eq!(leads.leads_of(&tenant(), &person_id("ann"), 10).await.unwrap(), []);
    for item in partition(&client, &pk).await {
        for name in ["note", "sealed", "texts"] {
            assert!(!item.contains_key(name), "{name} of {:?}", item["sk"]);
        }
        assert!(!format!("{item:?}").contains("per_ann"), "{:?}", item["sk"]);
    }
}

#[tokio::test]
async fn a_lead_that_is_erased_while_others_note_something_keeps_no_note() {
    let (_, leads) = rig().await;
    create(&leads, &lead(1)).await;
    let writers = async {
        // Fewer than the eraser's tries: it finds the lead changed by each of them at most once.
        for _ in 0..3 {
            let now = stored(&leads, 1).await;
            if now.doc.erased_at.is_some() {
                break;
            }
            let _ = contact(&leads, &now, Some("sealed note")).await;
        }
    };
    let (tenant, id) = (tenant(), lead_id(1));
    let (erased, ()) = tokio::join!(leads.erase_lead(&tenant, &id, NOON), writers);
    erased.unwrap();
    let lines = leads.activities(&tenant, &id, 100, None).await.unwrap().items;
    assert!(lines.iter().all(|line| line.sealed_note.is_none()));
    assert_eq!(lines[0].what, ActivityKind::Erased);
}
