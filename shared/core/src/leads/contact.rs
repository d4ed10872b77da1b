//! Who answered: the usual questions, found by their type or by their key.
//!
//! Source: Meta's lead ads questions. Keys can be renamed by whoever makes a form, types can't; but a lead may come before
//! its form was synced, and then the keys of Meta's own questions are what there is.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::form::Question;
use super::lead::{Answer, Contact};
use crate::ids::{LeadId, TenantId};
use crate::normalize::{Country, Email, PhoneE164};
use crate::people::{Identity, LinkHash, LookupKey, Provider};

/// The provider of lead ids, where one has to stand for a person.
const PROVIDER: &str = "meta_lead";

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Email,
    WorkEmail,
    Phone,
    WorkPhone,
    FullName,
    FirstName,
    LastName,
    City,
    State,
    Zip,
    Country,
    DateOfBirth,
    Gender,
}

/// Meta's types of questions.
const TYPES: &[(&str, Asked)] = &[
    ("EMAIL", Asked::Email),
    ("WORK_EMAIL", Asked::WorkEmail),
    ("PHONE", Asked::Phone),
    ("PHONE_OTP", Asked::Phone),
    ("USER_PROVIDED_PHONE_NUMBER", Asked::Phone),
    ("WHATSAPP_NUMBER", Asked::WorkPhone),
    ("WORK_PHONE_NUMBER", Asked::WorkPhone),
    ("FULL_NAME", Asked::FullName),
    ("FIRST_NAME", Asked::FirstName),
    ("LAST_NAME", Asked::LastName),
    ("CITY", Asked::City),
    ("STATE", Asked::State),
    ("PROVINCE", Asked::State),
    ("ZIP", Asked::Zip),
    ("POST_CODE", Asked::Zip),
    ("COUNTRY", Asked::Country),
    ("DOB", Asked::DateOfBirth),
    ("GENDER", Asked::Gender),
];

/// The keys that such questions have where nobody renamed them.
const KEYS: &[(&str, Asked)] = &[
    ("email", Asked::Email),
    ("email_address", Asked::Email),
    ("work_email", Asked::WorkEmail),
    ("phone", Asked::Phone),
    ("phone_number", Asked::Phone),
    ("whatsapp_number", Asked::WorkPhone),
    ("work_phone_number", Asked::WorkPhone),
    ("full_name", Asked::FullName),
    ("first_name", Asked::FirstName),
    ("last_name", Asked::LastName),
    ("city", Asked::City),
    ("state", Asked::State),
    ("province", Asked::State),
    ("zip", Asked::Zip),
    ("zip_code", Asked::Zip),
    ("post_code", Asked::Zip),
    ("country", Asked::Country),
    ("date_of_birth", Asked::DateOfBirth),
    ("gender", Asked::Gender),
];

fn asked(key: &str, questions: &[Question]) -> Option<Asked> {
    let kind = questions.iter().find(|question| question.key == key).map(|question| question.kind.as_str());
    let by_type = kind.and_then(|kind| TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)));
    let by_key = || KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key.trim()));
    by_type.or_else(by_key).map(|(_, asked)| *asked)
}

impl Contact {
    /// Who gave these answers to these questions; none where the form is not known yet. A private address or number goes
    /// before one of work; of several values the first counts.
    #[must_use]
    pub fn of(answers: &[Answer], questions: &[Question]) -> Self {
        let mut contact = Self::default();
        let (mut work_email, mut work_phone) = (None, None);
        for Answer { name, values } in answers {
            let value = values.iter().map(|value| value.trim()).find(|value| !value.is_empty());
            let (Some(asked), Some(value)) = (asked(name, questions), value) else { continue };
            let place = match asked {
                Asked::Email => &mut contact.email,
                Asked::WorkEmail => &mut work_email,
                Asked::Phone => &mut contact.phone,
                Asked::WorkPhone => &mut work_phone,
                Asked::FullName => &mut contact.full_name,
                Asked::FirstName => &mut contact.first_name,
                Asked::LastName => &mut contact.last_name,
                Asked::City => &mut contact.city,
                Asked::State => &mut contact.state,
                Asked::Zip => &mut contact.zip,
                Asked::Country => &mut contact.country,
                Asked::DateOfBirth => &mut contact.date_of_birth,
                Asked::Gender => &mut contact.gender,
            };
            place.get_or_insert_with(|| value.to_owned());
        }
        contact.email = contact.email.or(work_email);
        contact.phone = contact.phone.or(work_phone);
        contact.complete_names();
        contact
    }

    /// Splits a full name at its first space, and joins one of its parts.
    fn complete_names(&mut self) {
        if self.first_name.is_none()
            && self.last_name.is_none()
            && let Some(full) = &self.full_name
        {
            let (first, rest) = full.split_once(char::is_whitespace).unwrap_or((full, ""));
            self.first_name = Some(first.to_owned());
            self.last_name = Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty());
        } else if self.full_name.is_none()
            && let (Some(first), Some(last)) = (&self.first_name, &self.last_name)
        {
            self.full_name = Some(format!("{first} {last}"));
        }
    }

    /// The same as event `user_data` and people's `identity` name it, without the full name.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let fields = [
            ("email", &self.email),
            ("phone", &self.phone),
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
            ("city", &self.city),
            ("state", &self.state),
            ("zip", &self.zip),
            ("country", &self.country),
            ("date_of_birth", &self.date_of_birth),
            ("gender", &self.gender),
        ];
        let known = fields.into_iter().filter_map(|(field, value)| Some((field, value.clone()?)));
        known.map(|(field, value)| (field.to_owned(), Value::String(value))).collect()
    }

    /// Whom the answers are about. Without an address or a number that can be read it is whoever this lead's id points to,
    /// so that every lead has a person.
    pub(super) fn identity(&self, lead: &LeadId, default_country: Option<Country>) -> Option<Identity> {
        let home = Provider::parse(PROVIDER)?;
        let mut fields = self.fields();
        let (identity, _) = Identity::read(&fields, &home, default_country);
        if identity.suffices() {
            return Some(identity);
        }
        fields.insert("external_id".to_owned(), Value::String(lead.to_string()));
        Some(Identity::read(&fields, &home, default_country).0)
    }

    /// By which texts lists find the lead: address, number and names, as [`lookup_text`] writes them.
    pub(super) fn texts(
        &self,
        key: &LookupKey,
        tenant: &TenantId,
        default_country: Option<Country>,
    ) -> BTreeSet<LinkHash> {
        let country = self.country.as_deref().and_then(|text| Country::parse(text).ok()).or(default_country);
        let texts = [&self.email, &self.phone, &self.full_name, &self.first_name, &self.last_name];
        let texts = texts.into_iter().flatten();
        let forms = texts.flat_map(|text| [lookup_text(text, country), lookup_text(text, None)]);
        forms.map(|text| key.text(tenant, &text)).collect()
    }
}

/// The form in which a text finds a lead: a normalised e-mail address, a number as E.164 (`+16505551212`), or the text
/// itself. Who looks for a number without its country's code finds it where it was answered without one.
#[must_use]
pub fn lookup_text(text: &str, country: Option<Country>) -> String {
    if let Ok(email) = Email::parse(text) {
        return email.as_str().to_owned();
    }
    match PhoneE164::parse(text, country) {
        Ok(phone) => format!("+{}", phone.as_str()),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(pairs: &[(&str, &[&str])]) -> Vec<Answer> {
        let answer = |(name, values): &(&str, &[&str])| Answer {
            name: (*name).to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        pairs.iter().map(answer).collect()
    }

    fn question(key: &str, kind: &str) -> Question {
        Question { id: None, key: key.to_owned(), label: None, kind: kind.to_owned(), options: Vec::new() }
    }

    #[test]
    fn the_usual_questions_are_found_by_their_keys() {
        let contact = Contact::of(
            &answers(&[
                ("work_email", &["jane@work.example.com"]),
                ("email", &["", " jane@example.com "]),
                ("work_phone_number", &["+16505550000"]),
                ("full_name", &["Jane van  Doe"]),
                ("post_code", &["12345"]),
                ("province", &["Ontario"]),
                ("favourite_colour", &["blue", "red"]),
            ]),
            &[],
        );
        assert_eq!(contact.email.as_deref(), Some("jane@example.com"));
        assert_eq!(contact.phone.as_deref(), Some("+16505550000"));
        assert_eq!(contact.full_name.as_deref(), Some("Jane van  Doe"));
        assert_eq!(contact.first_name.as_deref(), Some("Jane"));
        assert_eq!(contact.last_name.as_deref(), Some("van  Doe"));
        assert_eq!((contact.zip.as_deref(), contact.state.as_deref()), (Some("12345"), Some("Ontario")));
    }

    #[test]
    fn a_renamed_question_is_found_by_its_type() {
        let questions =
            [question("wie_heissen_sie", "FULL_NAME"), question("kontakt", "EMAIL"), question("x", "CUSTOM")];
        let contact = Contact::of(
            &answers(&[
                ("wie_heissen_sie", &["Cher"]),
                ("kontakt", &["c@example.com"]),
                ("x", &["+16505551212"]),
            ]),
            &questions,
        );
        assert_eq!(contact.email.as_deref(), Some("c@example.com"));
        assert_eq!((contact.first_name.as_deref(), contact.last_name), (Some("Cher"), None));
        assert_eq!(contact.phone, None);
    }

    #[test]
    fn two_names_make_a_full_one() {
        let contact = Contact::of(&answers(&[("first_name", &["Jane"]), ("last_name", &["Doe"])]), &[]);
        assert_eq!(contact.full_name.as_deref(), Some("Jane Doe"));
    }

    #[test]
    fn the_leads_id_stands_for_a_person_only_where_nothing_better_does() {
        let lead = LeadId::parse("1234567890123456").unwrap();
        let kinds = |pairs: &[(&str, &[&str])]| {
            let identity = Contact::of(&answers(pairs), &[]).identity(&lead, None).unwrap();
            identity.identifiers.iter().map(crate::people::Identifier::kind).collect::<Vec<_>>()
        };
        assert_eq!(
            kinds(&[("email", &["jane@example.com"]), ("phone_number", &["+16505551212"])]),
            ["email", "phone"]
        );
        assert_eq!(kinds(&[("email", &["nobody"]), ("phone_number", &["none"])]), ["external_id"]);
        assert_eq!(kinds(&[]), ["external_id"]);
    }

    #[test]
    fn a_number_is_found_in_the_form_of_its_country_and_as_it_was_answered() {
        let us = Country::parse("US").ok();
        assert_eq!(lookup_text("(650) 555-1212", us), "+16505551212");
        assert_eq!(lookup_text("+1 650 555 1212", None), "+16505551212");
        assert_eq!(lookup_text(" Jane@Example.com", None), "jane@example.com");
        assert_eq!(lookup_text("Jane Doe", us), "Jane Doe");
    }
}
