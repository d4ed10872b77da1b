//! `POST /api/v1/conversions`: from its JSON to a conversion, or to what is wrong with it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::note::{Code, Note};
use crate::config::Source;
use crate::event::limits::{MAX_AHEAD_S, MAX_URL_BYTES};
use crate::event::{ActionSource, is_test_event_code, max_age_s};
use crate::ids::{EventId, EventName, PersonId};
use crate::money::{Currency, Money};
use crate::normalize::{self, Country};
use crate::people::{Consent, Identity, Provider, Touch, Visit};
use crate::ports::clock::Entropy;
use crate::time::UnixMillis;

/// Bytes of a request's body.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Bytes of `metadata` as JSON.
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// Keys of `metadata`.
const MAX_METADATA_KEYS: usize = 64;

/// Levels of objects and arrays in `metadata`, itself included.
const MAX_METADATA_DEPTH: usize = 4;

/// Parameters of a URL that are looked at.
const MAX_PARAMETERS: usize = 64;

/// Bytes of a campaign's parameter.
const MAX_LABEL_BYTES: usize = 256;

/// What of a conversion is stored under seal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConversionBody {
    /// As posted. Rules read it; of itself none of it is sent.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// Browser and campaign.
    pub visit: Visit,
    /// The event's own consent; absent: unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// As posted, in major units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Number>,
    /// Of the value, or alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Meta's word, where the caller gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_source: Option<String>,
    /// Shows what is sent in Meta's *Test events* view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_event_code: Option<String>,
}

/// A conversion as it was posted, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// Its name.
    pub event_name: EventName,
    /// Its id, the caller's or derived.
    pub event_id: EventId,
    /// When it happened, unix seconds.
    pub at_s: i64,
    /// Whom it is about, where the caller knows.
    pub person: Option<PersonId>,
    /// What it says of them.
    pub identity: Identity,
    /// What it was worth.
    pub money: Option<Money>,
    /// Everything else.
    pub body: ConversionBody,
}

/// What a conversion is checked against.
#[derive(Debug, Clone, Copy)]
pub struct RequestContext<'a> {
    /// Who posts it.
    pub source: &'a Source,
    /// The present.
    pub now: UnixMillis,
    /// The request's `Idempotency-Key`.
    pub idempotency: Option<&'a str>,
}

/// A checked request, with what its caller should know.
pub type Checked<T> = Result<(T, Vec<Note>), Vec<Note>>;

/// Checks a conversion.
///
/// # Errors
/// Everything that is wrong with it, ≥ 1.
pub fn conversion(
    object: &Map<String, Value>,
    context: &RequestContext<'_>,
    entropy: &impl Entropy,
) -> Checked<Conversion> {
    let mut reader = Reader { object, errors: Vec::new(), warnings: Vec::new() };
    reader.unknown_fields(&[
        "event_name",
        "event_id",
        "event_time",
        "person_id",
        "identity",
        "product",
        "value",
        "currency",
        "metadata",
        "context",
        "consent",
        "action_source",
        "test_event_code",
    ]);
    reader.product(context.source);
    let event_name = reader.event_name();
    let (person, identity) = reader.whom(context.source);
    let (value, money, currency) = reader.worth();
    let action_source = reader.action_source();
    let at_s = reader.event_time(context.now.secs(), action_source.as_deref() == Some("physical_store"));
    let body = ConversionBody {
        metadata: reader.metadata(),
        visit: reader.visit(at_s.unwrap_or_default().saturating_mul(1000)),
        consent: reader.consent(),
        value,
        currency,
        action_source,
        test_event_code: reader.test_event_code(),
    };
    let event_id = reader.event_id(context, event_name.as_ref(), entropy);
    match (event_name, event_id, at_s) {
        (Some(event_name), Some(event_id), Some(at_s)) if reader.errors.is_empty() => {
            let conversion = Conversion { event_name, event_id, at_s, person, identity, money, body };
            Ok((conversion, reader.warnings))
        }
        _ => Err(reader.errors),
    }
}

/// Who is meant, and what else a call about a person says: `/api/v1/identify`, `/api/v1/consent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Whom it is about, where the caller knows.
    pub person: Option<PersonId>,
    /// What it says of them.
    pub identity: Identity,
    /// Browser and campaign.
    pub visit: Visit,
    /// Consent.
    pub consent: Option<Consent>,
}

/// Checks a call about a person. `consent` says whether it must state one.
///
/// # Errors
/// Everything that is wrong with it, ≥ 1.
pub fn call(object: &Map<String, Value>, context: &RequestContext<'_>, consent: bool) -> Checked<Call> {
    let source = context.source;
    let mut reader = Reader { object, errors: Vec::new(), warnings: Vec::new() };
    reader.unknown_fields(&["person_id", "identity", "product", "context", "consent"]);
    reader.product(source);
    let (person, identity) = reader.whom(source);
    let visit = reader.visit(context.now.0);
    let call = Call { person, identity, visit, consent: reader.consent() };
    if consent && call.consent.is_none() && reader.errors.is_empty() {
        reader.refuse("consent", Code::ConsentInvalid);
    }
    if reader.errors.is_empty() { Ok((call, reader.warnings)) } else { Err(reader.errors) }
}

/// The provider of a product's own ids: the product's name.
#[must_use]
pub fn home_provider(source: &Source) -> Option<Provider> {
    Provider::parse(source.id.as_str())
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    errors: Vec<Note>,
    warnings: Vec<Note>,
}

impl<'a> Reader<'a> {
    fn refuse(&mut self, field: &str, code: Code) {
        self.errors.push(Note::new(field, code));
    }

    fn warn(&mut self, field: &str, code: Code) {
        self.warnings.push(Note::new(field, code));
    }

    fn get(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    fn text(&mut self, field: &str) -> Option<&'a str> {
        let text = self.get(field)?.as_str();
        if text.is_none() {
            self.refuse(field, Code::NotAText);
        }
        text
    }

    fn unknown_fields(&mut self, known: &[&str]) {
        let unknown = self.object.keys().filter(|key| !known.contains(&key.as_str())).take(8);
        for key in unknown.cloned().collect::<Vec<_>>() {
            // A value that was posted as a key must not get into answers and logs.
            let plain = key.len() <= 40 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            self.warn(if plain { &key } else { "" }, Code::UnknownField);
        }
    }

    fn product(&mut self, source: &Source) {
        if self.text("product").is_some_and(|product| product != source.id.as_str()) {
            self.refuse("product", Code::ProductMismatch);
        }
    }

    fn event_name(&mut self) -> Option<EventName> {
        if self.get("event_name").is_none() {
            self.refuse("event_name", Code::EventNameMissing);
        }
        let name = EventName::parse(self.text("event_name")?).ok();
        if name.is_none() {
            self.refuse("event_name", Code::EventNameInvalid);
        }
        name
    }

    fn whom(&mut self, source: &Source) -> (Option<PersonId>, Identity) {
        let person = self.text("person_id").map(PersonId::parse);
        if matches!(person, Some(Err(_))) {
            self.refuse("person_id", Code::PersonIdInvalid);
        }
        let Some(identity) = self.get("identity") else {
            if self.get("person_id").is_none() {
                self.refuse("identity", Code::PersonMissing);
            }
            return (person.and_then(Result::ok), Identity::default());
        };
        let (Some(object), Some(home)) = (identity.as_object(), home_provider(source)) else {
            self.refuse("identity", Code::NotAnObject);
            return (None, Identity::default());
        };
        let country = source.default_country.as_deref().and_then(|code| Country::parse(code).ok());
        let (identity, problems) = Identity::read(object, &home, country);
        self.warnings.extend(problems.into_iter().map(|problem| Note {
            field: problem.field,
            code: problem.code,
            message: "can't be read as part of an identity; left out",
        }));
        if !identity.suffices() && self.get("person_id").is_none() {
            self.refuse("identity", Code::IdentityInsufficient);
        }
        (person.and_then(Result::ok), identity)
    }

    fn worth(&mut self) -> (Option<Number>, Option<Money>, Option<Currency>) {
        let currency = self.text("currency").map(Currency::parse);
        if currency == Some(None) {
            self.refuse("currency", Code::CurrencyUnknown);
        }
        let currency = currency.flatten();
        let Some(value) = self.get("value") else { return (None, None, currency) };
        let Value::Number(number) = value else {
            self.refuse("value", Code::ValueInvalid);
            return (None, None, currency);
        };
        let Some(known) = currency else {
            self.refuse("currency", Code::CurrencyMissing);
            return (None, None, None);
        };
        let money = Money::parse(&number.to_string(), known);
        if money.is_none() {
            self.refuse("value", Code::ValueInvalid);
        }
        (Some(number.clone()), money, currency)
    }

    fn event_time(&mut self, now_s: i64, physical_store: bool) -> Option<i64> {
        let Some(value) = self.get("event_time") else { return Some(now_s) };
        // Seconds of eleven digits would be in the year 5138: what is meant are milliseconds.
        let Some(at_s) = value.as_i64().filter(|at_s| *at_s < 100_000_000_000) else {
            self.refuse("event_time", Code::EventTimeInvalid);
            return None;
        };
        if now_s.saturating_sub(at_s) > max_age_s(physical_store) {
            self.refuse("event_time", Code::EventTimeTooOld);
        } else if at_s > now_s + MAX_AHEAD_S {
            self.refuse("event_time", Code::EventTimeInFuture);
        }
        Some(at_s.min(now_s))
    }

    fn action_source(&mut self) -> Option<String> {
        let text = self.text("action_source")?;
        if ActionSource::parse(text).is_none() {
            self.refuse("action_source", Code::ActionSourceUnknown);
        }
        Some(text.to_owned())
    }

    fn test_event_code(&mut self) -> Option<String> {
        let code = self.text("test_event_code")?;
        if !is_test_event_code(code) {
            self.refuse("test_event_code", Code::TestEventCodeInvalid);
        }
        Some(code.to_owned())
    }

    fn consent(&mut self) -> Option<Consent> {
        match self.get("consent")? {
            Value::Bool(true) => Some(Consent::Granted),
            Value::Bool(false) => Some(Consent::Denied),
            Value::String(text) if text == "granted" => Some(Consent::Granted),
            Value::String(text) if text == "denied" => Some(Consent::Denied),
            Value::String(text) if text == "unknown" => None,
            _ => {
                self.refuse("consent", Code::ConsentInvalid);
                None
            }
        }
    }

    fn metadata(&mut self) -> Map<String, Value> {
        let Some(value) = self.get("metadata") else { return Map::new() };
        let Some(object) = value.as_object() else {
            self.refuse("metadata", Code::NotAnObject);
            return Map::new();
        };
        let bytes = serde_json::to_string(object).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_METADATA_BYTES
            || object.len() > MAX_METADATA_KEYS
            || deeper_than(value, MAX_METADATA_DEPTH)
        {
            self.refuse("metadata", Code::TooLarge);
        }
        object.clone()
    }

    fn visit(&mut self, observed_ms: i64) -> Visit {
        let Some(value) = self.get("context") else { return Visit::default() };
        let Some(context) = value.as_object() else {
            self.refuse("context", Code::NotAnObject);
            return Visit::default();
        };
        let mut visit = Visit::default();
        let mut clicked = None;
        for (key, value) in context {
            let Some(text) = value.as_str().map(str::trim) else {
                if !value.is_null() {
                    self.warn(&context_field(key), Code::LeftOut);
                }
                continue;
            };
            if text.is_empty() {
                continue;
            }
            let read = match key.as_str() {
                "ip" | "client_ip_address" => {
                    keep(&mut visit.ip, normalize::ip_address(text).ok().map(|ip| ip.to_string()))
                }
                "agent" | "user_agent" | "client_user_agent" => {
                    keep(&mut visit.agent, normalize::user_agent(text).ok())
                }
                "fbp" => keep(&mut visit.fbp, normalize::fbp(text).ok()),
                "fbc" => keep(&mut visit.fbc, normalize::fbc(text).ok()),
                "fbclid" => keep(&mut clicked, normalize::fbclid(text).ok()),
                "url" | "event_source_url" => keep(&mut visit.url, Some(text).filter(|url| is_url(url))),
                _ => campaign_label(&mut visit.touch, key, text),
            };
            if !read {
                self.warn(&context_field(key), Code::LeftOut);
            }
        }
        visit.follow_url(clicked.as_deref(), observed_ms);
        visit
    }

    fn event_id(
        &mut self,
        context: &RequestContext<'_>,
        name: Option<&EventName>,
        entropy: &impl Entropy,
    ) -> Option<EventId> {
        let given = match self.get("event_id") {
            None => return self.derived_id(context, name, entropy),
            Some(Value::String(text)) => EventId::parse(text).ok(),
            Some(Value::Number(number)) => EventId::parse(&number.to_string()).ok(),
            Some(_) => None,
        };
        if given.is_none() {
            self.refuse("event_id", Code::EventIdInvalid);
        }
        given
    }

    /// In this order: the `Idempotency-Key`, the body where it carries its own time, else a random one.
    fn derived_id(
        &self,
        context: &RequestContext<'_>,
        name: Option<&EventName>,
        entropy: &impl Entropy,
    ) -> Option<EventId> {
        let mut hash = Sha256::new();
        let body = self.get("event_time").and_then(|_| serde_json::to_string(self.object).ok());
        let (kind, origin) = match (context.idempotency, &body) {
            (Some(key), _) => ("idempotency key", key),
            (None, Some(body)) => ("body", body.as_str()),
            (None, None) => return EventId::parse(&hex::encode(entropy.array::<16>())).ok(),
        };
        let source = context.source;
        for part in [
            "adrelay conversion id 1",
            source.tenant_id.as_str(),
            source.id.as_str(),
            name?.as_str(),
            kind,
            origin,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        EventId::parse(hex::encode(hash.finalize()).get(..32)?).ok()
    }
}

fn context_field(key: &str) -> String {
    let plain = key.len() <= 40 && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if plain { format!("context.{key}") } else { "context".to_owned() }
}

fn keep<T: Into<String>>(place: &mut Option<String>, value: Option<T>) -> bool {
    let good = value.is_some();
    if let Some(value) = value {
        *place = Some(value.into());
    }
    good
}

impl Visit {
    /// Takes in what the page's own address tells where nothing else did: the click id, and the campaign.
    fn follow_url(&mut self, clicked: Option<&str>, observed_ms: i64) {
        let url = self.url.clone().unwrap_or_default();
        let in_url = normalize::fbclid_in_url(&url).and_then(|id| normalize::fbclid(id).ok());
        self.fbc = normalize::click(self.fbc.as_deref(), clicked.or(in_url), observed_ms);
        let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        for (key, text) in form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
            let good = (1..=MAX_LABEL_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
            if let Some(place) = campaign(&mut self.touch, &key)
                && place.is_none()
                && good
            {
                *place = Some(text.into_owned());
            }
        }
    }
}

fn campaign<'t>(touch: &'t mut Touch, key: &str) -> Option<&'t mut Option<String>> {
    Some(match key {
        "utm_source" => &mut touch.source,
        "utm_medium" => &mut touch.medium,
        "utm_campaign" => &mut touch.campaign,
        "utm_content" => &mut touch.content,
        "utm_term" => &mut touch.term,
        "lead_form" => &mut touch.lead_form,
        _ => return None,
    })
}

fn campaign_label(touch: &mut Touch, key: &str, text: &str) -> bool {
    let good = text.len() <= MAX_LABEL_BYTES && !text.chars().any(char::is_control);
    campaign(touch, key).is_some_and(|place| keep(place, Some(text).filter(|_| good)))
}

fn is_url(text: &str) -> bool {
    text.len() <= MAX_URL_BYTES && (text.starts_with("https://") || text.starts_with("http://"))
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(entries) => levels == 0 || entries.values().any(|value| deeper_than(value, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::{SourceId, TenantId};

    struct Seven;

    impl Entropy for Seven {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    const NOW_S: i64 = 1_790_000_000;

    fn source() -> Source {
        let (tenant, id) = (TenantId::parse("acme").unwrap(), SourceId::parse("shop").unwrap());
        Source::new(tenant, id, "Shop".to_owned(), UnixMillis(0))
    }

    fn read(body: &Value) -> Checked<Conversion> {
        let source = source();
        let context =
            RequestContext { source: &source, now: UnixMillis::from_secs(NOW_S), idempotency: None };
        conversion(body.as_object().unwrap(), &context, &Seven)
    }

    fn codes(body: &Value) -> Vec<(String, &'static str)> {
        read(body).unwrap_err().into_iter().map(|note| (note.field, note.code)).collect()
    }

    #[test]
    fn a_conversion_keeps_what_it_says() {
        let (conversion, warnings) = read(&json!({"event_name": "subscription_purchased", "event_id": 7, "product": "shop",
            "identity": {"email": "jane@example.com"}, "value": 29.9, "currency": "usd", "metadata": {"plan_price": 29.9},
            "context": {"ip": "2001:db8::1", "agent": "Safari", "fbp": "fb.1.1.2",
                "url": "https://shop.example.com/?utm_source=meta&utm_campaign=spring%20sale&fbclid=AbC"}}))
        .unwrap();
        assert_eq!(warnings, []);
        assert_eq!(conversion.event_id.as_str(), "7");
        assert_eq!(conversion.at_s, NOW_S);
        assert_eq!(conversion.money.map(|money| money.minor), Some(2_990));
        let visit = conversion.body.visit;
        assert_eq!(visit.touch.campaign.as_deref(), Some("spring sale"));
        assert_eq!(visit.fbc, Some(format!("fb.1.{NOW_S}000.AbC")));
        assert_eq!(visit.ip.as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let refused = codes(
            &json!({"event_name": " ", "event_id": {}, "event_time": "now", "product": "blog", "value": -1,
            "currency": "USD", "metadata": [], "context": 1, "consent": "maybe", "action_source": "moon",
            "test_event_code": "a b", "person_id": "#"}),
        );
        assert_eq!(
            refused.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            [
                "product_mismatch",
                "event_name_invalid",
                "person_id_invalid",
                "value_invalid",
                "action_source_unknown",
                "event_time_invalid",
                "not_an_object",
                "not_an_object",
                "consent_invalid",
                "test_event_code_invalid",
                "event_id_invalid",
            ]
        );
        for (body, code) in [
            (json!({"event_name": "x"}), "person_missing"),
            (json!({"event_name": "x", "identity": {"first_name": "Jane"}}), "identity_insufficient"),
            (json!({"event_name": "x", "person_id": "p", "value": 1}), "currency_missing"),
            (
                json!({"event_name": "x", "person_id": "p", "event_time": NOW_S - 7 * 86_400}),
                "event_time_too_old",
            ),
            (json!({"event_name": "x", "person_id": "p", "event_time": NOW_S + 61}), "event_time_in_future"),
            (json!({"event_name": "x", "person_id": "p", "metadata": {"a": [[[[1]]]]}}), "too_large"),
        ] {
            assert_eq!(codes(&body).iter().map(|(_, code)| *code).collect::<Vec<_>>(), [code], "{body}");
        }
    }

    #[test]
    fn a_body_with_its_time_has_one_id_however_often_it_comes() {
        let id = |body: &Value| read(body).unwrap().0.event_id;
        let timed = json!({"event_name": "x", "person_id": "p", "event_time": NOW_S - 5});
        assert_eq!(id(&timed), id(&timed));
        assert_ne!(id(&timed), id(&json!({"event_name": "x", "person_id": "p", "event_time": NOW_S - 6})));
        assert_eq!(id(&json!({"event_name": "x", "person_id": "p"})).as_str(), "07".repeat(16));
    }

    #[test]
    fn what_is_odd_is_left_out_with_a_warning_that_quotes_nothing() {
        let (conversion, warnings) =
            read(&json!({"event_name": "x", "identity": {"email": ["a@b.co", "nobody"]},
            "jane@example.com": 1, "context": {"ip": "nowhere", "fbp": "x", "jane@example.com": "y"}}))
            .unwrap();
        assert_eq!(conversion.body.visit, Visit::default());
        let mut told: Vec<(String, &str)> =
            warnings.into_iter().map(|note| (note.field, note.code)).collect();
        told.sort();
        let expected = [
            ("", "unknown_field"),
            ("context", "left_out"),
            ("context.fbp", "left_out"),
            ("context.ip", "left_out"),
            ("identity.email", "not_an_email"),
        ];
        assert_eq!(told, expected.map(|(field, code)| (field.to_owned(), code)));
    }
}
