//! Merging people, and undoing it.

use serde_json::{Value, json};

use crate::people::{person, search};
use crate::rig::{PIXEL, Reply, Rig, Shop};

async fn act(rig: &Rig, key: &str, id: &str, what: &str, other: &str) -> Reply {
    rig.post(&format!("/api/v1/people/{id}/{what}"), key, json!({"person_id": other})).await
}

/// Without what any change changes.
fn timeless(person: &Value) -> Value {
    let mut person = person.clone();
    person["updated_at"] = Value::Null;
    person
}

#[tokio::test]
async fn a_merge_shows_one_person_and_its_undoing_two_again() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let key = shop.key(&rig, "people").await;
    let jane = person(&rig, &key, json!({"email": "jane@example.com", "first_name": "Jane"})).await;
    let joan = person(&rig, &key, json!({"phone": "+16505551212", "city": "Graz"})).await;
    let (jane_path, joan_path) = (format!("/api/v1/people/{jane}"), format!("/api/v1/people/{joan}"));
    let before = [rig.get(&jane_path, &key).await.body, rig.get(&joan_path, &key).await.body];

    let merged = act(&rig, &key, &jane, "merge", &joan).await;
    assert_eq!((merged.status, merged.body["id"].as_str()), (200, Some(jane.as_str())));
    assert_eq!(merged.body["merged_ids"], json!([joan]));
    assert_eq!(merged.body["parts"][1]["merged_into"], jane.as_str());
    assert_eq!(merged.body["identity"]["phones"], json!(["+16505551212"]));
    assert_eq!(merged.body["identity"]["city"], "Graz");
    assert_eq!(rig.get(&joan_path, &key).await.body, merged.body, "each id answers the whole");
    let by_phone = json!({"identity": {"phone": "+16505551212"}});
    assert_eq!(search(&rig, &key, by_phone.clone()).await, [jane.as_str()]);
    assert_eq!(act(&rig, &key, &joan, "merge", &jane).await.refusal(), (409, "same_person"));

    rig.clock.advance_ms(60_000);
    let apart = act(&rig, &key, &jane, "unmerge", &joan).await;
    assert_eq!(apart.status, 200, "{}", apart.text);
    for (shown, before) in apart.body["items"].as_array().unwrap().iter().zip(&before) {
        assert_eq!(timeless(shown), timeless(before));
    }
    assert_eq!(search(&rig, &key, by_phone).await, [joan.as_str()]);

    let history = rig.get(&format!("{jane_path}/merges"), &key).await.body;
    let line = |action: &str, at: &str| json!({"action": action, "winner_id": jane, "loser_id": joan, "by": "people key", "at": at});
    let lines = [line("merged", "2026-09-21T14:13:20Z"), line("unmerged", "2026-09-21T14:14:20Z")];
    assert_eq!(history, json!({"items": lines, "next_cursor": null}));
    assert_eq!(rig.get(&format!("{joan_path}/merges"), &key).await.body, history);
}

#[tokio::test]
async fn what_cannot_be_merged_or_separated_is_named() {
    let rig = Rig::empty().await;
    let shop = Shop::open(&rig, PIXEL).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(person(&rig, &shop.admin, json!({"email": format!("{name}@example.com")})).await);
    }
    let [a, b, c, d] = [&ids[0], &ids[1], &ids[2], &ids[3]];
    act(&rig, &shop.admin, a, "merge", b).await;
    act(&rig, &shop.admin, c, "merge", d).await;
    for (id, what, other, expected) in [
        (a, "merge", a.as_str(), (409, "same_person")),
        (a, "merge", "per_ghost", (404, "person_unknown")),
        (a, "unmerge", "per_ghost", (404, "person_unknown")),
        (a, "unmerge", d.as_str(), (409, "not_merged")),
        (a, "unmerge", a.as_str(), (409, "not_merged")),
        (a, "merge", "no id", (422, "invalid")),
    ] {
        let reply = act(&rig, &shop.admin, id, what, other).await;
        assert_eq!(reply.refusal(), expected, "{what} {other}");
    }
    let ghost = rig.get("/api/v1/people/per_ghost/merges", &shop.admin).await;
    assert_eq!(ghost.refusal(), (404, "person_unknown"));
}
