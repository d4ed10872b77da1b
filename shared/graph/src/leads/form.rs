//! What Meta tells of a lead form.

use adrelay_core::ids::FormId;
use adrelay_core::leads::{MetaForm, Question, QuestionOption};
use serde_json::Value;

use super::rows::{id, name, seconds};
use crate::answer::integer;

/// Every field that is kept (Meta: lead forms; its Python SDK's list).
pub(crate) const FIELDS: &str = "id,name,status,locale,questions,leads_count,expired_leads_count,\
    organic_leads_count,privacy_policy_url,thank_you_page,created_time";

/// Questions of a form; choices of a question. Forms have a few: what goes beyond is left out.
const MAX_QUESTIONS: usize = 200;
const MAX_OPTIONS: usize = 200;

/// The most bytes of all questions, as JSON: beyond it their choices are left out, for a form is one stored item.
const MAX_QUESTIONS_BYTES: usize = 128 * 1_024;

/// The most characters of a question's key, label or choice.
const MAX_QUESTION_CHARS: usize = 200;

/// The most bytes of the thank-you page, as JSON; a larger one is left out.
const MAX_THANK_YOU_BYTES: usize = 8 * 1_024;

/// The most bytes of a URL; a longer one is left out.
const MAX_URL_BYTES: usize = 2_048;

/// The status of a form that comes without one: its leads are looked for.
const UNKNOWN_STATUS: &str = "UNKNOWN";

/// Reads a row of `leadgen_forms`. Nothing where it has no id.
pub(crate) fn read(row: &Value) -> Option<MetaForm> {
    let field = |name: &str| row.get(name);
    let count = |name: &str| field(name).and_then(integer).and_then(|count| u64::try_from(count).ok());
    let url = |name: &str| {
        field(name).and_then(Value::as_str).filter(|url| (1..=MAX_URL_BYTES).contains(&url.len()))
    };
    let thank_you = field("thank_you_page").filter(|page| !page.is_null());
    Some(MetaForm {
        id: FormId::parse(&id(field("id"))?).ok()?,
        name: name(field("name")),
        status: name(field("status")).unwrap_or_else(|| UNKNOWN_STATUS.to_owned()),
        locale: name(field("locale")),
        questions: questions(field("questions")),
        leads_count: count("leads_count"),
        expired_leads_count: count("expired_leads_count"),
        organic_leads_count: count("organic_leads_count"),
        privacy_policy_url: url("privacy_policy_url").map(str::to_owned),
        thank_you_page: thank_you.filter(|page| page.to_string().len() <= MAX_THANK_YOU_BYTES).cloned(),
        created_at_s: seconds(field("created_time")),
    })
}

fn questions(value: Option<&Value>) -> Vec<Question> {
    let rows = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut questions: Vec<_> = rows.iter().filter_map(question).take(MAX_QUESTIONS).collect();
    let bytes = serde_json::to_vec(&questions).map_or(0, |json| json.len());
    if bytes > MAX_QUESTIONS_BYTES {
        for question in &mut questions {
            question.options.clear();
        }
    }
    questions
}

fn question(row: &Value) -> Option<Question> {
    let options = row.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let option = |row: &Value| {
        Some(QuestionOption {
            key: short(row.get("key"))?,
            value: short(row.get("value")).unwrap_or_default(),
        })
    };
    Some(Question {
        id: id(row.get("id")).filter(|id| id.len() <= MAX_QUESTION_CHARS),
        key: short(row.get("key"))?,
        label: short(row.get("label")),
        kind: short(row.get("type")).unwrap_or_default(),
        options: options.iter().filter_map(option).take(MAX_OPTIONS).collect(),
    })
}

fn short(value: Option<&Value>) -> Option<String> {
    let text = name(value)?;
    Some(text.chars().take(MAX_QUESTION_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_read_in_full() {
        let form = read(&json!({
            "id": "12", "name": "Spring", "status": "ACTIVE", "locale": "en_US",
            "questions": [
                {"id": "1", "key": "email", "label": "E-mail", "type": "EMAIL"},
                {"id": 2, "key": "size", "type": "CUSTOM", "options": [{"key": "s", "value": "Small"}]},
            ],
            "leads_count": 3, "expired_leads_count": "1", "organic_leads_count": 0,
            "privacy_policy_url": "https://example.com/p", "thank_you_page": {"title": "Thanks"},
            "created_time": "2015-02-28T08:49:14+0000",
        }))
        .unwrap();
        assert_eq!(
            (form.id.as_str(), form.name.as_deref(), form.status.as_str()),
            ("12", Some("Spring"), "ACTIVE")
        );
        let keys: Vec<_> = form.questions.iter().map(|q| (q.key.as_str(), q.kind.as_str())).collect();
        assert_eq!(keys, [("email", "EMAIL"), ("size", "CUSTOM")]);
        assert_eq!(form.questions[1].id.as_deref(), Some("2"));
        assert_eq!(form.questions[1].options[0].value, "Small");
        let counts = [form.leads_count, form.expired_leads_count, form.organic_leads_count];
        assert_eq!(counts, [Some(3), Some(1), Some(0)]);
        assert_eq!(form.privacy_policy_url.as_deref(), Some("https://example.com/p"));
        assert_eq!(form.thank_you_page, Some(json!({"title": "Thanks"})));
        assert_eq!((form.locale.as_deref(), form.created_at_s), (Some("en_US"), Some(1_425_113_354)));
    }

    #[test]
    fn a_form_needs_nothing_but_an_id() {
        let form = read(&json!({"id": 5})).unwrap();
        assert_eq!((form.id.as_str(), form.status.as_str()), ("5", "UNKNOWN"));
        assert_eq!(read(&json!({"name": "x"})), None);
        assert_eq!(read(&json!("5")), None);
    }

    #[test]
    fn a_form_of_any_size_stays_small_enough_to_be_stored() {
        let option = json!({"key": "k".repeat(900), "value": "v".repeat(900)});
        let question =
            json!({"key": "q", "label": "l".repeat(9_000), "type": "CUSTOM", "options": vec![option; 300]});
        let form =
            read(&json!({"id": "1", "questions": vec![question; 300], "thank_you_page": "x".repeat(9_000)}));
        let form = form.unwrap();
        assert_eq!(form.questions.len(), MAX_QUESTIONS);
        assert!(serde_json::to_vec(&form).unwrap().len() <= 300 * 1_024);
    }
}
