use proptest::prelude::*;

use super::*;
use crate::ids::{FormId, LeadId, PageId, SourceId, TenantId};
use crate::leads::{Answer, Arrival, Contact, Disclaimer, LeadAds, LeadDoc, MetaForm, Status};
use crate::money::{Currency, Money};
use crate::time::UnixMillis;

fn lead() -> Lead {
    let doc = LeadDoc {
        page: PageId::parse("1").unwrap(),
        form: FormId::parse("2").unwrap(),
        source: SourceId::parse("shop").unwrap(),
        created_at_s: 1_706_745_600,
        stored_at: UnixMillis(1_706_745_601_000),
        arrival: Arrival::Webhook,
        test: false,
        ads: LeadAds { campaign_name: Some("=Spring".to_owned()), ..LeadAds::default() },
        platform: Some("ig".to_owned()),
        is_organic: false,
        person: None,
        status: Status::Converted,
        assignee: None,
        contacted_at: Some(UnixMillis(1_706_745_700_000)),
        converted_at: None,
        worth: Some(Money { currency: Currency::parse("EUR").unwrap(), minor: 2_905 }),
        last_event_s: None,
        updated_at: UnixMillis(1_706_745_700_000),
        erased_at: None,
    };
    Lead {
        tenant: TenantId::parse("acme").unwrap(),
        id: LeadId::parse("12345678901234567").unwrap(),
        rev: 1,
        doc,
        texts: std::collections::BTreeSet::new(),
        sealed: None,
    }
}

fn answer(name: &str, values: &[&str]) -> Answer {
    Answer { name: name.to_owned(), values: values.iter().map(|&value| value.to_owned()).collect() }
}

fn pii() -> LeadPii {
    LeadPii {
        answers: vec![
            answer("email", &["jane@example.com"]),
            answer("budget", &["=1+1", "more"]),
            answer("why?", &["\"so\"\nsaid, I;"]),
        ],
        disclaimers: vec![Disclaimer { key: "news".to_owned(), checked: true }],
        contact: Contact { phone: Some("+491711234567".to_owned()), ..Contact::default() },
        extra: serde_json::Map::new(),
    }
}

fn form(keys: &[&str]) -> MetaForm {
    let questions: Vec<_> =
        keys.iter().map(|key| serde_json::json!({"key": key, "type": "CUSTOM"})).collect();
    let form = serde_json::json!({"id": "2", "status": "ACTIVE", "questions": questions});
    serde_json::from_value(form).unwrap()
}

/// The file's rows by column, as a reader gives them that skips the byte order mark.
fn read(columns: &Columns, rows: &[(Lead, LeadPii)]) -> Vec<std::collections::HashMap<String, String>> {
    let mut file = Rows::with_header(columns).unwrap();
    for (lead, pii) in rows {
        file.push(lead, pii).unwrap();
    }
    let length = file.bytes_len();
    let bytes = file.into_bytes().unwrap();
    assert_eq!(bytes.len(), length);
    let text = std::str::from_utf8(&bytes).unwrap().strip_prefix('\u{feff}').expect("a byte order mark");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_lead_of_any_form_has_its_answers_in_one_column() {
    let rows = read(&Columns::of_any_form(), &[(lead(), pii())]);
    let row = &rows[0];
    assert_eq!(row["lead_id"], "12345678901234567");
    assert_eq!(row["created_at"], "2024-02-01T00:00:00Z");
    assert_eq!(row["status"], "converted");
    assert_eq!(row["phone"], "'+491711234567");
    assert_eq!(row["campaign_name"], "'=Spring");
    assert_eq!(row["worth"], "29.05");
    assert_eq!(row["worth_currency"], "EUR");
    assert_eq!(row["disclaimers"], "news=true");
    assert_eq!(row["converted_at"], "");
    let answers: serde_json::Value = serde_json::from_str(&row["answers"]).unwrap();
    assert_eq!(
        answers,
        serde_json::json!({"email": ["jane@example.com"], "budget": ["=1+1", "more"], "why?": ["\"so\"\nsaid, I;"]})
    );
}

#[test]
fn a_forms_questions_have_columns_of_their_own() {
    let columns = Columns::of_form(&form(&["email", "budget", "budget", "unanswered"]));
    let rows = read(&columns, &[(lead(), pii())]);
    let row = &rows[0];
    assert_eq!(row["email"], "", "the contact's, not the question's");
    assert_eq!(row["answer.email"], "jane@example.com");
    assert_eq!(row["answer.budget"], "'=1+1; more");
    assert_eq!(row["answer.unanswered"], "");
    assert_eq!(row["answers"], r#"{"why?":["\"so\"\nsaid, I;"]}"#);
}

#[test]
fn pieces_put_together_are_the_file() {
    let columns = Columns::of_any_form();
    let mut whole = Rows::with_header(&columns).unwrap();
    whole.push(&lead(), &pii()).unwrap();
    whole.push(&lead(), &LeadPii::default()).unwrap();
    let mut first = Rows::with_header(&columns).unwrap();
    first.push(&lead(), &pii()).unwrap();
    let mut second = Rows::following(&columns);
    second.push(&lead(), &LeadPii::default()).unwrap();
    assert_eq!(second.count(), 1);
    let pieces = [first.into_bytes().unwrap(), second.into_bytes().unwrap()].concat();
    assert_eq!(pieces, whole.into_bytes().unwrap());
}

#[test]
fn a_lead_that_does_not_open_says_so() {
    let columns = Columns::of_any_form();
    let mut rows = Rows::following(&columns);
    rows.push_unreadable(&lead()).unwrap();
    assert_eq!(rows.count(), 1);
    assert!(rows.into_bytes().unwrap().ends_with(b",\"unreadable\"\r\n"));
}

#[test]
fn currencies_without_decimals_have_none() {
    let mut lead = lead();
    lead.doc.worth = Some(Money { currency: Currency::parse("JPY").unwrap(), minor: 1_200 });
    assert_eq!(read(&Columns::of_any_form(), &[(lead, pii())])[0]["worth"], "1200");
}

proptest! {
    #[test]
    fn any_answer_is_read_back_as_it_was_and_none_begins_as_a_formula(value in "(.|[=+@\\-\t\r\n\",;'])*") {
        let columns = Columns::of_form(&form(&["q"]));
        let pii = LeadPii { answers: vec![answer("q", &[&value])], ..LeadPii::default() };
        let rows = read(&columns, &[(lead(), pii)]);
        let cell = &rows[0]["answer.q"];
        prop_assert_eq!(original(cell), value.as_str());
        prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell:?}");
    }
}
