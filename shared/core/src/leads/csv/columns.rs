//! Which columns a file has, and what a lead's cells are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{AdObjectId, PersonId};
use crate::leads::form::MetaForm;
use crate::leads::lead::{Answer, Arrival, Lead, LeadDoc, LeadPii};
use crate::money::Money;
use crate::time::UnixMillis;

/// Questions that get a column of their own; a spreadsheet has a limit too.
pub const MAX_QUESTION_COLUMNS: usize = 200;

/// What a question's column begins with, so that a question named `email` is not the column `email`.
const QUESTION_PREFIX: &str = "answer.";

/// Between the values of one answer.
const BETWEEN_VALUES: &str = "; ";

type Cell = fn(&Lead, &LeadPii) -> String;

/// The columns that every file has, in this order; those of questions follow, and `answers` is the last.
const FIXED: &[(&str, Cell)] = &[
    ("lead_id", |lead, _| lead.id.as_str().to_owned()),
    ("created_at", |lead, _| UnixMillis::from_secs(lead.doc.created_at_s).rfc3339()),
    ("status", |lead, _| lead.doc.status.as_str().to_owned()),
    ("email", |_, pii| text(pii.contact.email.as_deref())),
    ("phone", |_, pii| text(pii.contact.phone.as_deref())),
    ("full_name", |_, pii| text(pii.contact.full_name.as_deref())),
    ("first_name", |_, pii| text(pii.contact.first_name.as_deref())),
    ("last_name", |_, pii| text(pii.contact.last_name.as_deref())),
    ("city", |_, pii| text(pii.contact.city.as_deref())),
    ("state", |_, pii| text(pii.contact.state.as_deref())),
    ("zip", |_, pii| text(pii.contact.zip.as_deref())),
    ("country", |_, pii| text(pii.contact.country.as_deref())),
    ("date_of_birth", |_, pii| text(pii.contact.date_of_birth.as_deref())),
    ("gender", |_, pii| text(pii.contact.gender.as_deref())),
    ("page_id", |lead, _| lead.doc.page.as_str().to_owned()),
    ("form_id", |lead, _| lead.doc.form.as_str().to_owned()),
    ("campaign_id", |lead, _| text(lead.doc.ads.campaign_id.as_ref().map(AdObjectId::as_str))),
    ("campaign_name", |lead, _| text(lead.doc.ads.campaign_name.as_deref())),
    ("adset_id", |lead, _| text(lead.doc.ads.adset_id.as_ref().map(AdObjectId::as_str))),
    ("adset_name", |lead, _| text(lead.doc.ads.adset_name.as_deref())),
    ("ad_id", |lead, _| text(lead.doc.ads.ad_id.as_ref().map(AdObjectId::as_str))),
    ("ad_name", |lead, _| text(lead.doc.ads.ad_name.as_deref())),
    ("platform", |lead, _| text(lead.doc.platform.as_deref())),
    ("is_organic", |lead, _| lead.doc.is_organic.to_string()),
    ("arrival", |lead, _| arrival(&lead.doc).to_owned()),
    ("test", |lead, _| lead.doc.test.to_string()),
    ("source_id", |lead, _| lead.doc.source.as_str().to_owned()),
    ("person_id", |lead, _| text(lead.doc.person.as_ref().map(PersonId::as_str))),
    ("assignee", |lead, _| text(lead.doc.assignee.as_deref())),
    ("contacted_at", |lead, _| instant(lead.doc.contacted_at)),
    ("converted_at", |lead, _| instant(lead.doc.converted_at)),
    ("worth", |lead, _| lead.doc.worth.map(decimal).unwrap_or_default()),
    ("worth_currency", |lead, _| text(lead.doc.worth.map(|worth| worth.currency.as_str()))),
    ("updated_at", |lead, _| lead.doc.updated_at.rfc3339()),
    ("erased_at", |lead, _| instant(lead.doc.erased_at)),
    ("disclaimers", |_, pii| disclaimers(pii)),
];

/// The columns of a file. They are kept with an export that is under way: its last row has those of its first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    #[serde(default)]
    questions: Vec<String>,
}

impl Columns {
    /// For leads of any form: all answers stand in the column `answers`.
    #[must_use]
    pub fn of_any_form() -> Self {
        Self::default()
    }

    /// For leads of one form: each of its questions has a column, ≤ [`MAX_QUESTION_COLUMNS`]; other answers stand in
    /// the column `answers`.
    #[must_use]
    pub fn of_form(form: &MetaForm) -> Self {
        let mut seen = BTreeSet::new();
        let keys = form.questions.iter().map(|question| question.key.clone());
        let questions = keys.filter(|key| seen.insert(key.clone())).take(MAX_QUESTION_COLUMNS).collect();
        Self { questions }
    }

    pub(super) fn names(&self) -> Vec<String> {
        let fixed = FIXED.iter().map(|(name, _)| (*name).to_owned());
        let questions = self.questions.iter().map(|key| format!("{QUESTION_PREFIX}{key}"));
        fixed.chain(questions).chain(["answers".to_owned()]).collect()
    }

    pub(super) fn cells(&self, lead: &Lead, pii: &LeadPii) -> Vec<String> {
        let fixed = FIXED.iter().map(|(_, cell)| cell(lead, pii));
        let questions = self.questions.iter().map(|key| values(&pii.answers, key).join(BETWEEN_VALUES));
        fixed.chain(questions).chain([self.others(&pii.answers)]).collect()
    }

    /// Answers without a column, `{"<question>":["<value>",…]}`; nothing where there are none.
    fn others(&self, answers: &[Answer]) -> String {
        let mut others = Map::new();
        for answer in answers.iter().filter(|answer| !self.questions.contains(&answer.name)) {
            others.entry(answer.name.clone()).or_insert_with(|| Value::from(values(answers, &answer.name)));
        }
        if others.is_empty() { String::new() } else { Value::Object(others).to_string() }
    }
}

fn values<'a>(answers: &'a [Answer], key: &str) -> Vec<&'a str> {
    let of_key = answers.iter().filter(|answer| answer.name == key);
    of_key.flat_map(|answer| answer.values.iter().map(String::as_str)).collect()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn instant(at: Option<UnixMillis>) -> String {
    at.map(UnixMillis::rfc3339).unwrap_or_default()
}

const fn arrival(doc: &LeadDoc) -> &'static str {
    match doc.arrival {
        Arrival::Webhook => "webhook",
        Arrival::Poll => "poll",
    }
}

fn disclaimers(pii: &LeadPii) -> String {
    let boxes = pii.disclaimers.iter().map(|one| format!("{}={}", one.key, one.checked));
    boxes.collect::<Vec<_>>().join(BETWEEN_VALUES)
}

/// In major units, with all the currency's decimals: what a spreadsheet adds up.
fn decimal(money: Money) -> String {
    let decimals = money.currency.decimals();
    let unit = 10_u64.pow(decimals);
    let (whole, part) = (money.minor.unsigned_abs() / unit, money.minor.unsigned_abs() % unit);
    let sign = if money.minor < 0 { "-" } else { "" };
    match usize::try_from(decimals) {
        Ok(width) if width > 0 => format!("{sign}{whole}.{part:0width$}"),
        _ => format!("{sign}{whole}"),
    }
}
