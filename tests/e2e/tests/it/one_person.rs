//! Three products know one human under different ids; to Meta and to us it is one person.

use anyhow::{Context as _, ensure};
use e2e::Shop;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use stack::Stack;

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn holds(values: &Value, plain: &str) -> bool {
    values.as_array().is_some_and(|values| values.contains(&json!(sha256(plain))))
}

#[tokio::test]
async fn three_products_make_one_person_whose_every_event_carries_all_that_is_known() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let mut keys = Vec::new();
    for product in ["books", "snaps", "letters"] {
        keys.push(shop.add_source(product, &json!({})).await?);
    }
    // The first two share an address; the third knows a phone alone, until the second one tells both.
    let known = [
        json!({"email": "Jane.Doe@Example.com", "external_id": "reader-1", "first_name": "Jane"}),
        json!({"phone": "(650) 555-1212", "external_id": "snapper-1", "last_name": "Doe"}),
        json!({"phone": "+1 650 555 1212", "email": "jane.doe@example.com", "external_ids": {"stripe": "cus_1"}}),
    ];
    let mut people = Vec::new();
    for (nth, (key, identity)) in keys.iter().zip(&known).enumerate() {
        let body = json!({"event_name": "visited", "event_id": format!("first-{nth}"), "identity": identity});
        people.push(shop.convert(key, &body).await?["person_id"].clone());
    }
    ensure!(people[0] != people[1], "nothing joins the first two yet: {people:?}");
    // From here on each product says its own id and nothing else.
    let own = [
        json!({"external_id": "reader-1"}),
        json!({"external_id": "snapper-1"}),
        json!({"provider": "stripe", "external_id": "cus_1"}),
    ];
    let mut last = Vec::new();
    for (nth, (key, identity)) in keys.iter().zip(&own).enumerate() {
        let body = json!({"event_name": "bought", "event_id": format!("second-{nth}"), "identity": identity,
            "value": 9.5, "currency": "EUR"});
        let answer = shop.convert(key, &body).await?;
        ensure!(answer["forwarded"] == true && answer["created"] == false, "{answer}");
        last.push(answer["person_id"].clone());
    }
    ensure!(last.iter().all(|person| *person == last[0]), "one person results: {last:?}");
    let person = shop.of_tenant(&format!("/api/v1/people/{}", text(&last[0])?)).await?;
    ensure!(person["identity"]["emails"] == json!(["jane.doe@example.com"]), "{person}");
    ensure!(person["identity"]["external_ids"].as_array().map(Vec::len) == Some(3), "{person}");

    shop.meta_holds(6, 120).await?;
    for held in shop.sim.events(&shop.pixel).await? {
        let event = &held["event"];
        if event["event_name"] != "bought" {
            continue;
        }
        let user = &event["user_data"];
        for (key, plain) in
            [("em", "jane.doe@example.com"), ("ph", "16505551212"), ("fn", "jane"), ("ln", "doe")]
        {
            ensure!(holds(&user[key], plain), "{key} of {}: {user}", event["event_id"]);
        }
        for id in ["reader-1", "snapper-1", "cus_1", text(&last[0])?] {
            ensure!(holds(&user["external_id"], id), "{id} of {}: {user}", event["event_id"]);
        }
        ensure!(event["custom_data"]["value"] == 9.5 && event["custom_data"]["currency"] == "EUR");
    }
    Ok(())
}

#[tokio::test]
async fn identifiers_of_two_people_in_one_post_are_kept_apart_until_a_person_decides() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let convert = async |id: &str, identity: Value| -> anyhow::Result<String> {
        let body = json!({"event_name": "visited", "event_id": id, "identity": identity});
        Ok(text(&shop.convert(&shop.key, &body).await?["person_id"])?.to_owned())
    };
    let jane = convert("j", json!({"email": "jane@example.com"})).await?;
    let john = convert("h", json!({"email": "john@example.com", "phone": "+16505551212"})).await?;
    ensure!(jane != john);
    // The family's phone: the address ranks first.
    ensure!(convert("f", json!({"email": "jane@example.com", "phone": "+16505551212"})).await? == jane);
    let seen = shop.of_tenant(&format!("/api/v1/people/{jane}")).await?;
    ensure!(seen["conflicts"][0]["person_id"] == john.as_str(), "{seen}");
    ensure!(seen["conflicts"][0]["identifier"] == "phone", "{seen}");
    // Somebody who knows better merges them, and undoes it.
    let people = shop.new_key("people").await?;
    let merge = json!({"person_id": john});
    let merged = shop.api.post(&format!("/api/v1/people/{jane}/merge"), &people, &merge, 200).await?;
    ensure!(merged["id"] == jane.as_str(), "{merged}");
    ensure!(convert("after", json!({"email": "john@example.com"})).await? == jane);
    shop.api.post(&format!("/api/v1/people/{jane}/unmerge"), &people, &merge, 200).await?;
    ensure!(convert("again", json!({"email": "john@example.com"})).await? == john);
    ensure!(convert("still", json!({"email": "jane@example.com", "phone": "+16505551212"})).await? == jane);
    Ok(())
}

#[tokio::test]
async fn an_erased_persons_queued_events_never_reach_meta() -> anyhow::Result<()> {
    let stack = Stack::shared().await?;
    let shop = Shop::open(&stack).await?;
    let people = shop.new_key("people").await?;
    // No process has asked yet who of this tenant was erased, so none remembers an answer.
    e2e::without_dispatch(&stack, async {
        let body =
            json!({"event_name": "visited", "event_id": "gone", "identity": {"email": "gone@example.com"}});
        let person = text(&shop.convert(&shop.key, &body).await?["person_id"])?.to_owned();
        let path = format!("/api/v1/people/{person}");
        e2e::within(60, "the erasure is done", || async {
            let answer = shop.api.call("DELETE", &path, Some(&people), None).await?;
            ensure!(matches!(answer.status, 200 | 202), "{answer:?}");
            Ok((answer.body["state"] == "done").then_some(()))
        })
        .await?;
        let gone = shop.api.call("GET", &path, Some(&people), None).await?;
        ensure!(gone.status == 404, "{gone:?}");
        Ok(())
    })
    .await?;
    shop.receipt("gone", "erased").await?;
    ensure!(shop.sim.total(&shop.pixel).await? == 0);
    Ok(())
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("a text: {value}"))
}
