//! What Meta tells of a lead.

use adrelay_core::ids::{AdObjectId, FormId, LeadId};
use adrelay_core::leads::{Answer, Disclaimer, LeadAds, Submission};
use serde_json::{Map, Value};

use super::rows::{id, name, seconds};
use crate::answer::{flag, text};

/// Every field that is kept (Meta: lead retrieval; its Python SDK's list).
pub(crate) const FIELDS: &str = "id,created_time,form_id,ad_id,ad_name,adset_id,adset_name,campaign_id,\
    campaign_name,platform,is_organic,field_data,custom_disclaimer_responses,home_listing,partner_name,post,\
    post_submission_check_result,retailer_item_id,vehicle";

/// Fields that are kept as they are.
const EXTRA: [&str; 6] =
    ["home_listing", "partner_name", "post", "post_submission_check_result", "retailer_item_id", "vehicle"];

/// Answers of a lead; values of an answer.
const MAX_ANSWERS: usize = 200;
const MAX_VALUES: usize = 100;

/// Boxes under a form.
const MAX_DISCLAIMERS: usize = 100;

/// The most bytes of all answers and boxes: what is larger is no lead, and would not fit where leads are kept.
const MAX_ANSWERS_BYTES: usize = 64 * 1_024;

/// The most bytes of a field of [`EXTRA`], as JSON; a larger one is left out.
const MAX_EXTRA_BYTES: usize = 4 * 1_024;

/// Reads a lead. Nothing where it has no id or time, or no answers at all, or more than a lead can have: an answer is
/// never cut or left out.
pub(crate) fn read(object: &Map<String, Value>) -> Option<Submission> {
    let field = |name: &str| object.get(name);
    let submission = Submission {
        id: LeadId::parse(&id(field("id"))?).ok()?,
        form: id(field("form_id")).and_then(|id| FormId::parse(&id).ok()),
        created_at_s: seconds(field("created_time")).filter(|&seconds| seconds > 0)?,
        ads: ads(object),
        platform: name(field("platform")),
        is_organic: field("is_organic").and_then(flag).unwrap_or(false),
        answers: answers(field("field_data")?)?,
        disclaimers: disclaimers(field("custom_disclaimer_responses"))?,
        extra: extra(object),
    };
    (bytes(&submission) <= MAX_ANSWERS_BYTES).then_some(submission)
}

fn ads(object: &Map<String, Value>) -> LeadAds {
    let ad_object = |name: &str| id(object.get(name)).and_then(|id| AdObjectId::parse(&id).ok());
    LeadAds {
        ad_id: ad_object("ad_id"),
        ad_name: name(object.get("ad_name")),
        adset_id: ad_object("adset_id"),
        adset_name: name(object.get("adset_name")),
        campaign_id: ad_object("campaign_id"),
        campaign_name: name(object.get("campaign_name")),
    }
}

/// `[{"name": "email", "values": ["a@b.c"]}]`
fn answers(field_data: &Value) -> Option<Vec<Answer>> {
    let rows = field_data.as_array().filter(|rows| rows.len() <= MAX_ANSWERS)?;
    rows.iter().map(answer).collect()
}

fn answer(row: &Value) -> Option<Answer> {
    let name = row.get("name")?.as_str()?.to_owned();
    let values = match row.get("values") {
        Some(Value::Array(values)) if values.len() <= MAX_VALUES => values.iter().map(text).collect(),
        Some(Value::Array(_)) => return None,
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![text(single)],
    };
    Some(Answer { name, values })
}

/// `[{"checkbox_key": "optional_1", "is_checked": "1"}]`; a box that is not ticked says `""`.
fn disclaimers(responses: Option<&Value>) -> Option<Vec<Disclaimer>> {
    let rows = match responses {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(responses) => responses.as_array().filter(|rows| rows.len() <= MAX_DISCLAIMERS)?,
    };
    let disclaimer = |row: &Value| {
        let key = row.get("checkbox_key")?.as_str()?.to_owned();
        let checked = row.get("is_checked").is_some_and(is_ticked);
        Some(Disclaimer { key, checked })
    };
    rows.iter().map(disclaimer).collect()
}

fn is_ticked(value: &Value) -> bool {
    value.as_str() == Some("1") || flag(value).unwrap_or(false)
}

fn extra(object: &Map<String, Value>) -> Map<String, Value> {
    let kept = |name: &&str| {
        let value = object.get(*name).filter(|value| !value.is_null())?;
        (value.to_string().len() <= MAX_EXTRA_BYTES).then(|| ((*name).to_owned(), value.clone()))
    };
    EXTRA.iter().filter_map(kept).collect()
}

fn bytes(submission: &Submission) -> usize {
    let answer = |answer: &Answer| answer.name.len() + answer.values.iter().map(String::len).sum::<usize>();
    let boxes = submission.disclaimers.iter().map(|disclaimer| disclaimer.key.len());
    submission.answers.iter().map(answer).chain(boxes).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn lead(changes: &Value) -> Option<Submission> {
        let mut lead = json!({"id": "7", "created_time": "2015-02-28T08:49:14+0000", "field_data": []});
        let object = lead.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            object.insert(name.clone(), value.clone());
        }
        read(object)
    }

    #[test]
    fn a_lead_without_id_time_or_answers_is_none() {
        assert!(lead(&json!({})).is_some());
        for name in ["id", "created_time", "field_data"] {
            for bad in [json!(null), json!({}), json!("x"), json!(-5)] {
                assert_eq!(lead(&json!({name: bad})), None, "{name}: {bad}");
            }
        }
    }

    #[test]
    fn every_value_of_every_answer_is_kept_whatever_it_is_made_of() {
        let field_data = json!([
            {"name": "email", "values": ["a@b.c"]},
            {"name": "colours", "values": ["red", "green, dark", ""]},
            {"name": "email", "values": ["second@b.c"]},
            {"name": "n", "values": [7, true]},
            {"name": "single", "values": "one"},
            {"name": "none"},
        ]);
        let answers = lead(&json!({"field_data": field_data})).unwrap().answers;
        let answers: Vec<_> = answers.iter().map(|a| (a.name.as_str(), a.values.join("|"))).collect();
        let expected = [
            ("email", "a@b.c"),
            ("colours", "red|green, dark|"),
            ("email", "second@b.c"),
            ("n", "7|true"),
            ("single", "one"),
            ("none", ""),
        ];
        assert_eq!(answers, expected.map(|(name, values)| (name, values.to_owned())));
    }

    #[test]
    fn answers_are_kept_whole_or_the_lead_is_refused() {
        let of = |answers: usize, values: usize, bytes: usize| {
            let values = vec!["x".repeat(bytes); values];
            lead(&json!({"field_data": vec![json!({"name": "", "values": values}); answers]}))
        };
        assert_eq!(of(1, 1, MAX_ANSWERS_BYTES).unwrap().answers[0].values[0].len(), MAX_ANSWERS_BYTES);
        assert_eq!(of(1, 1, MAX_ANSWERS_BYTES + 1), None);
        assert!(of(MAX_ANSWERS, 1, 1).is_some());
        assert_eq!(of(MAX_ANSWERS + 1, 1, 1), None);
        assert!(of(1, MAX_VALUES, 1).is_some());
        assert_eq!(of(1, MAX_VALUES + 1, 1), None);
    }

    #[test]
    fn flags_come_as_booleans_and_as_texts() {
        for organic in [json!(true), json!("true"), json!(1)] {
            assert!(lead(&json!({"is_organic": organic})).unwrap().is_organic, "{organic}");
        }
        for not in [json!(false), json!("false"), json!(null), json!("x")] {
            assert!(!lead(&json!({"is_organic": not})).unwrap().is_organic, "{not}");
        }
        let ticked = |value: Value| {
            let response = json!([{"checkbox_key": "optional_1", "is_checked": value}]);
            lead(&json!({"custom_disclaimer_responses": response})).unwrap().disclaimers[0].checked
        };
        assert!(ticked(json!("1")) && ticked(json!(true)));
        assert!(!ticked(json!("")) && !ticked(json!(false)) && !ticked(json!(null)));
    }

    #[test]
    fn what_else_meta_tells_is_kept_unless_it_is_huge() {
        let huge = "x".repeat(MAX_EXTRA_BYTES);
        let told = json!({"vehicle": {"make": "x"}, "partner_name": huge, "post": null, "unknown": 1});
        assert_eq!(Value::Object(lead(&told).unwrap().extra), json!({"vehicle": {"make": "x"}}));
    }

    #[test]
    fn ids_are_texts_or_numbers() {
        let told = json!({"id": 123_456_789_012_345_678_u64, "form_id": 5, "ad_id": "9", "adset_id": "x"});
        let submission = lead(&told).unwrap();
        assert_eq!(submission.id.as_str(), "123456789012345678");
        assert_eq!(submission.form.unwrap().as_str(), "5");
        assert_eq!(submission.ads.ad_id.unwrap().as_str(), "9");
        assert_eq!(submission.ads.adset_id, None);
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from),
        ];
        let keys = "id|created_time|field_data|name|values|checkbox_key|custom_disclaimer_responses|vehicle";
        leaf.prop_recursive(4, 32, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(keys, inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answers_are_kept_to_the_last_or_refused(field_data in json_value()) {
            if let Some(submission) = lead(&json!({"field_data": field_data})) {
                prop_assert_eq!(submission.answers.len(), field_data.as_array().unwrap().len());
            }
        }
    }
}
