//! Leads made up from a form's questions: varied, and the same for the same seed.

use super::form::{Form, Question};
use super::lead::{Disclaimer, FieldData, NewLead};
use super::write::dummy;
use crate::random::Dice;

const FIRST_NAMES: [&str; 12] = [
    "Zoë",
    "Jürgen",
    "Łukasz",
    "María José",
    "Nguyễn",
    "李娜",
    "Мария",
    "Σοφία",
    "Anne-Marie",
    "José",
    "محمد",
    "Mary",
];
const LAST_NAMES: [&str; 10] = [
    "Müller",
    "O’Brien",
    "García Márquez",
    "Østergård",
    "Kowalski",
    "王",
    "Иванова",
    "van der Berg",
    "Smith",
    "Ñuñoz",
];
const CITIES: [&str; 6] = ["München", "São Paulo", "Kraków", "東京", "Sankt Pölten", "Menlo Park"];
/// What people write into free fields, and what breaks those who trust it.
const REMARKS: [&str; 9] = [
    "Please call after 5 pm 😀",
    "=HYPERLINK(\"https://evil.example\",\"x\")",
    "+1 more, -2 less, @all",
    "first line\nsecond line",
    "\"quoted\", with commas; and semicolons",
    "50 % / <b>bold</b> \\ back",
    "  spaces around  ",
    "",
    "e\u{301}\u{200b} decomposed, and invisible",
];
const PRODUCTS: [&str; 3] = ["Größe L – Sommer", "Herbst/Winter 50 %", "Retargeting #1"];

/// What every generated lead has in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Seed of everything; also a part of e-mail addresses and phone numbers.
    pub(crate) seed: u64,
    /// Share of leads that no ad brought.
    pub(crate) organic_percent: u8,
    /// Test leads.
    pub(crate) test: bool,
}

/// The `nth` lead of a submission.
pub(crate) fn lead(form: &Form, recipe: Recipe, nth: usize, dice: &mut Dice) -> NewLead {
    let field_data = if recipe.test {
        form.questions.iter().map(dummy).collect()
    } else {
        let person = Person::new(recipe.seed, nth, dice);
        form.questions.iter().map(|question| person.answer(question, dice)).collect()
    };
    let boxes = form.disclaimers.iter().map(|key| Disclaimer {
        checkbox_key: key.clone(),
        is_checked: if dice.hits(0.7) { "1".to_owned() } else { String::new() },
    });
    let lead = NewLead {
        form_id: Some(form.form_id.clone()),
        test: recipe.test,
        field_data,
        custom_disclaimer_responses: boxes.collect(),
        ..NewLead::default()
    };
    if recipe.test || dice.hits(f64::from(recipe.organic_percent) / 100.0) {
        NewLead { is_organic: Some(true), platform: (!recipe.test).then(|| "fb".to_owned()), ..lead }
    } else {
        brought_by_an_ad(lead, dice)
    }
}

/// Twelve ads in six ad sets in three campaigns.
fn brought_by_an_ad(lead: NewLead, dice: &mut Dice) -> NewLead {
    let ad = pick(12, dice);
    let (adset, campaign) = (ad / 2, ad / 4);
    let id = |kind: usize, nth: usize| {
        Some((120_210_000_000_000_001 + kind * 1_000_000 + nth * 7_919).to_string())
    };
    let product = PRODUCTS[campaign];
    NewLead {
        ad_id: id(3, ad),
        ad_name: Some(format!("Anzeige {ad}: {product}")),
        adset_id: id(2, adset),
        adset_name: Some(format!("Zielgruppe {adset} & more")),
        campaign_id: id(1, campaign),
        campaign_name: Some(product.to_owned()),
        is_organic: Some(false),
        platform: Some(if dice.hits(0.4) { "ig" } else { "fb" }.to_owned()),
        ..lead
    }
}

/// Who fills a form.
struct Person {
    first: &'static str,
    last: &'static str,
    email: String,
    phone: String,
}

impl Person {
    /// Address and number are nobody else's of the same seed.
    fn new(seed: u64, nth: usize, dice: &mut Dice) -> Self {
        let mark = seed % 100_000;
        let email = match nth % 3 {
            0 => format!("Lead.{nth}.{mark}@Example.com"),
            1 => format!("lead+{nth}-{mark}@mail.example.org"),
            _ => format!("lead_{nth}_{mark}@example.net"),
        };
        Self {
            first: FIRST_NAMES[pick(FIRST_NAMES.len(), dice)],
            last: LAST_NAMES[pick(LAST_NAMES.len(), dice)],
            email,
            phone: format!("+49151{:03}{:05}", mark % 1_000, nth % 100_000),
        }
    }

    fn answer(&self, question: &Question, dice: &mut Dice) -> FieldData {
        let one = |value: &str| vec![value.to_owned()];
        let values = match question.kind.as_str() {
            _ if !question.options.is_empty() => choices(question, dice),
            "EMAIL" | "WORK_EMAIL" => one(&self.email),
            "PHONE" | "PHONE_NUMBER" | "WORK_PHONE_NUMBER" => one(&self.phone),
            "FULL_NAME" => vec![format!("{} {}", self.first, self.last)],
            "FIRST_NAME" => one(self.first),
            "LAST_NAME" => one(self.last),
            "CITY" => one(CITIES[pick(CITIES.len(), dice)]),
            "STATE" | "PROVINCE" => one(["CA", "Bayern", "NRW"][pick(3, dice)]),
            "COUNTRY" => one(["DE", "US", "FR"][pick(3, dice)]),
            "ZIP" | "ZIP_CODE" | "POST_CODE" => vec![format!("{:05}", 10_000 + pick(80_000, dice))],
            "DOB" | "DATE_OF_BIRTH" => {
                vec![format!("{:02}/{:02}/{}", 1 + pick(12, dice), 1 + pick(28, dice), 1950 + pick(50, dice))]
            }
            "GENDER" => one(["female", "male"][pick(2, dice)]),
            _ => one(REMARKS[pick(REMARKS.len(), dice)]),
        };
        FieldData { name: question.key.clone(), values }
    }
}

/// One choice or several, in the question's order.
fn choices(question: &Question, dice: &mut Dice) -> Vec<String> {
    let first = pick(question.options.len(), dice);
    let chosen = question.options.iter().enumerate().filter(|(nth, _)| *nth == first || dice.hits(0.3));
    chosen.map(|(_, option)| option.key.clone()).collect()
}

/// A number below `n`; 0 where there is none.
fn pick(n: usize, dice: &mut Dice) -> usize {
    let n = u64::try_from(n).unwrap_or(u64::MAX).max(1);
    usize::try_from(dice.next() % n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Form, NewLead, Question, Recipe, lead};
    use crate::leads::QuestionOption;
    use crate::random::Dice;

    const RECIPE: Recipe = Recipe { seed: 7, organic_percent: 20, test: false };

    fn form() -> Form {
        let option = |key: &str| QuestionOption { key: key.to_owned(), value: key.to_uppercase() };
        let mut form = Form { disclaimers: vec!["news".to_owned()], ..Form::default() };
        form.questions.push(Question {
            key: "interests".to_owned(),
            kind: "CUSTOM".to_owned(),
            options: ["a", "b", "c"].map(option).to_vec(),
            ..Question::default()
        });
        form
    }

    fn leads(recipe: Recipe) -> Vec<NewLead> {
        let mut dice = Dice::new(recipe.seed);
        (0..500).map(|nth| lead(&form(), recipe, nth, &mut dice)).collect()
    }

    #[test]
    fn the_same_seed_makes_the_same_leads() {
        assert_eq!(leads(RECIPE), leads(RECIPE));
        assert_ne!(leads(RECIPE), leads(Recipe { seed: 8, ..RECIPE }));
    }

    #[test]
    fn leads_are_varied() {
        let leads = leads(RECIPE);
        let addresses: HashSet<&str> =
            leads.iter().map(|lead| lead.field_data[1].values[0].as_str()).collect();
        assert_eq!(addresses.len(), 500, "everybody has an address of their own");
        assert!(leads.iter().any(|lead| lead.field_data[3].values.len() > 1), "several choices");
        assert!(leads.iter().all(|lead| !lead.field_data[3].values.is_empty()));
        assert!(leads.iter().any(|lead| !lead.field_data[0].values[0].is_ascii()));
        let organic = leads.iter().filter(|lead| lead.is_organic == Some(true)).count();
        assert!((60..140).contains(&organic), "{organic}");
        assert!(leads.iter().all(|lead| lead.is_organic == Some(lead.ad_id.is_none())));
        let ads: HashSet<_> = leads.iter().map(|lead| &lead.ad_id).collect();
        assert_eq!(ads.len(), 13);
        let ticked =
            leads.iter().filter(|lead| lead.custom_disclaimer_responses[0].is_checked == "1").count();
        assert!((250..450).contains(&ticked), "{ticked}");
    }

    #[test]
    fn a_test_lead_has_metas_dummy_texts_and_no_ad() {
        let leads = leads(Recipe { test: true, ..RECIPE });
        assert!(leads.iter().all(|lead| lead.test && lead.ad_id.is_none()));
        assert_eq!(leads[0].field_data[1].values, ["<test lead: dummy data for email>"]);
    }
}
