//! `POST /api/v1/conversions`: from its JSON to a conversion, or to what is wrong with it.

mod context;
mod reader;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use self::reader::Reader;
use super::note::{Code, Note};
use crate::config::Source;
use crate::ids::{EventId, EventName, LeadId, PersonId};
use crate::money::{Currency, Money};
use crate::people::{Consent, Identity, Provider, Visit};
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
    /// The lead that it came of; only lead-worker says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_id: Option<LeadId>,
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
        lead_id: None,
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
