//! What the document says of people.

use serde_json::{Map, Value, json};

use super::operations::{Operation, PAGE, TENANT, act, change, create, get};
use super::reference;
use super::requests::{object, tenant_id, text};
use crate::people::{ConversionView, ErasureView, FeaturesView, MergeView, PersonView};
use crate::route::Op;

const TAG: &str = "people";

/// What the document says of a route.
pub(super) fn describe(op: Op) -> Operation {
    match op {
        Op::CreatePerson => Operation {
            description: "Identifiers of one call that point to two persons merge them where they complement each \
                other; otherwise a conflict is noted on both.",
            ..create(
                "createPerson",
                TAG,
                "Find a person by its identifiers, or create it",
                "NewPerson",
                "Person",
            )
        },
        Op::SearchPeople => Operation {
            description: "Everybody whom one of the identifiers points to, 20 at most. A POST, as nothing that identifies \
                a person belongs in a URL.",
            request: Some(("PeopleSearch", true)),
            ..act("searchPeople", TAG, "Search people", ("200", Some("PersonList"), "Those who were found."))
        },
        Op::ChangePerson => Operation {
            description: "Adds identifiers; 409 `identifier_taken` where one belongs to somebody else. A consent makes \
                what is held for it due at once.",
            ..change("changePerson", TAG, "Change a person", "PersonChange", "Person")
        },
        Op::ErasePerson => Operation {
            description: "Removes the person with all parts, their conversions and what is held; events that are still \
                queued end as `erased`. After that it answers the same receipt.",
            ..act("erasePerson", TAG, "Erase a person", ("200", Some("Erasure"), "Nothing is left."))
        },
        Op::MergePerson => Operation {
            description: "The other person becomes part of this one. 409 `same_person`, `too_many_parts`.",
            request: Some(("OtherPerson", true)),
            ..act(
                "mergePerson",
                TAG,
                "Merge another person into this one",
                ("200", Some("Person"), "As it is now."),
            )
        },
        Op::UnmergePerson => Operation {
            description: "Both are what they were before they were merged, with what came by their own identifiers since, \
                and are not merged on their own again. 409 `not_merged`.",
            request: Some(("OtherPerson", true)),
            ..act("unmergePerson", TAG, "Undo a merge", ("200", Some("PersonList"), "Both, as they are now."))
        },
        _ => reading(op),
    }
}

fn reading(op: Op) -> Operation {
    match op {
        Op::GetErasure => Operation {
            description: "Kept for 3 years. 404 `erasure_unknown`.",
            ..get("getErasure", TAG, "Get the receipt of an erasure", TENANT, "Erasure")
        },
        Op::GetFeatures => get(
            "getPersonFeatures",
            TAG,
            "Get counts and totals of a person's conversions",
            TENANT,
            "Features",
        ),
        Op::ListPersonEvents => Operation {
            description: "Of the last 90 days, newest first.",
            ..get("listPersonEvents", TAG, "List a person's conversions", PAGE, "PersonEventList")
        },
        Op::ListMerges => get(
            "listMerges",
            TAG,
            "List what was merged into a person and taken out of it",
            TENANT,
            "MergeList",
        ),
        _ => Operation {
            description: "The id of somebody who was merged into another answers the whole person.",
            ..get("getPerson", TAG, "Get a person", TENANT, "Person")
        },
    }
}

/// Answers besides the first one: status, schema and description.
pub(super) fn further(op: Op) -> Option<(&'static str, &'static str, &'static str)> {
    match op {
        Op::CreatePerson => Some(("200", "Person", "It was there, and is now as said.")),
        Op::ErasePerson => Some((
            "202",
            "Erasure",
            "Something is left: the same call goes on. Nobody finds the person any more.",
        )),
        _ => None,
    }
}

/// What stands beside an answer's own schema while its gate is closed.
pub(super) fn or_disabled(schema: &str) -> Value {
    json!({"anyOf": [reference(schema), reference("Disabled")]})
}

pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    super::responses::add::<PersonView>(&mut schemas);
    super::responses::add::<FeaturesView>(&mut schemas);
    super::responses::add::<ConversionView>(&mut schemas);
    super::responses::add::<MergeView>(&mut schemas);
    super::responses::add::<ErasureView>(&mut schemas);
    for item in ["Person", "PersonEvent", "Merge"] {
        schemas.insert(format!("{item}List"), super::responses::list(item));
    }
    let disabled = json!({"type": "object", "required": ["disabled"], "properties": {"disabled": {"const": true}},
        "description": "It is switched off here; nothing was done."});
    schemas.insert("Disabled".to_owned(), disabled);
    for (name, schema) in [
        ("Identity", identity()),
        ("NewPerson", new_person()),
        ("PeopleSearch", search()),
        ("PersonChange", person_change()),
        ("OtherPerson", object(&json!({"person_id": person_id("Its id.")}), &["person_id"])),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn person_id(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": description})
}

fn identity() -> Value {
    let several = |description: &str| json!({"type": ["string", "array"], "items": {"type": "string"}, "maxItems": 8, "description": description});
    let plain = || json!({"type": "string", "maxLength": 256});
    object(
        &json!({
            "email": several("Addresses, in clear or as SHA-256."),
            "phone": several("Phones, in clear or as SHA-256; national ones where the country is known."),
            "external_id": several("Ids in `provider`'s system."),
            "provider": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$",
                "description": "Whose id `external_id` is; where absent, the product that the key or the body names."},
            "external_ids": {"type": "object", "additionalProperties": several("Ids in this system."),
                "description": "Ids by provider, such as `stripe`."},
            "first_name": plain(), "last_name": plain(), "city": plain(), "state": plain(), "zip": plain(),
            "country": plain(), "date_of_birth": plain(), "gender": plain(),
        }),
        &[],
    )
}

fn some_identity() -> Value {
    json!({"type": "object", "allOf": [reference("Identity")]})
}

fn properties(description: &str) -> Value {
    json!({"type": "object", "maxProperties": 64, "description": description})
}

fn consent() -> Value {
    json!({"type": "string", "enum": ["granted", "denied"]})
}

fn new_person() -> Value {
    let fields = json!({
        "tenant_id": tenant_id(),
        "identity": some_identity(),
        "properties": properties("Free; set name by name. At most 16 KiB of JSON and 4 levels."),
        "source_product": text(64, "The product that met the person; the key's own where absent."),
        "consent": consent(),
    });
    object(&fields, &["identity"])
}

fn search() -> Value {
    let fields = json!({"identity": some_identity(), "person_id": person_id("Instead of an identity.")});
    object(&fields, &[])
}

fn person_change() -> Value {
    let fields = json!({
        "identity": some_identity(),
        "properties": properties("Set name by name; null removes one. At most 16 KiB of JSON and 4 levels in all."),
        "consent": consent(),
        "lifecycle_stage": {"type": "string", "enum": ["lead", "activated", "customer", "churned"],
            "description": "Something spoke for this stage now. Which one the person is in follows from all that did."},
    });
    object(&fields, &[])
}
