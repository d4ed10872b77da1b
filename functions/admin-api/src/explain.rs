//! What rules would make of a sample event. Nothing is sent, stored or counted.

use std::collections::BTreeMap;

use adrelay_core::config::Source;
use adrelay_core::conversion::{ConversionBody, plain_custom_data};
use adrelay_core::event::preview_custom_data;
use adrelay_core::ids::{EventId, EventName, RuleId, SourceId};
use adrelay_core::money::Currency;
use adrelay_core::people::{Day, Features, Stage};
use adrelay_core::ports::admin::Revised;
use adrelay_core::rules::{Considered, Decision, Fired, Once, PersonView, RuleSet, Trigger, event_ids};
use adrelay_lambda::problem::Problem;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::answer::{Answer, ok};
use crate::api::{AdminApi, Call};
use crate::fields::{Fields, Wrong, vouched};
use crate::ports::Ports;
use crate::rule_sets::{any, rules_of};
use crate::{rules, sources};

/// The id of a sample that has none.
const SAMPLE_ID: &str = "sample";

/// Names that a sample person's history may have.
const MAX_TIMES: usize = 50;

/// What rules would make of an event.
#[derive(Debug, Serialize)]
struct Explanation {
    /// Absent for a draft, and where the tenant has no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    would_send: Vec<Sent>,
    would_not_send: Vec<Unsent>,
    stage: Option<Stage>,
    considered: Vec<Considered>,
}

#[derive(Debug, Serialize)]
struct Sent {
    #[serde(flatten)]
    event: Named,
    custom_data: Value,
    pixels: Vec<String>,
    /// It would not, where this person or period has had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    once: Option<Once>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Unsent {
    #[serde(flatten)]
    event: Named,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Named {
    event_name: EventName,
    event_id: EventId,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<RuleId>,
}

#[derive(Debug, Serialize)]
struct Reason {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    code: &'static str,
}

/// An event as somebody might post it.
struct Sample {
    event_name: EventName,
    event_id: EventId,
    value: Option<Number>,
    currency: Option<Currency>,
    /// What rules read.
    fields: Map<String, Value>,
    /// What goes out with the event itself.
    own: OwnData,
}

enum OwnData {
    /// A conversion's worth and product.
    OfConversion,
    /// Its custom_data.
    AsPosted,
}

impl Sample {
    fn take(fields: &mut Fields) -> Option<Self> {
        let event_name = fields.required("event_name", rules::id::<EventName>);
        let event_id = fields.optional("event_id", rules::id::<EventId>);
        let value = fields.optional("value", number);
        let currency = fields.optional("currency", currency);
        let metadata = fields.optional("metadata", map);
        let custom_data = fields.optional("custom_data", map);
        if metadata.is_some() && custom_data.is_some() {
            fields.wrong(
                "custom_data",
                Wrong::new("invalid", "an event has custom_data, a conversion metadata"),
            );
        }
        let own = if custom_data.is_some() { OwnData::AsPosted } else { OwnData::OfConversion };
        let mut data = custom_data.or(metadata).unwrap_or_default();
        let posted = |name| data.get(name).filter(|_| matches!(own, OwnData::AsPosted)).cloned();
        let value = value.or_else(|| posted("value")?.as_number().cloned());
        let currency = currency.or_else(|| Currency::parse(posted("currency")?.as_str()?));
        if matches!(own, OwnData::AsPosted) {
            data.extend(value.clone().map(|value| ("value".to_owned(), Value::Number(value))));
            data.extend(currency.map(|code| ("currency".to_owned(), Value::from(code.as_str()))));
        }
        let event_id = event_id.or_else(|| EventId::parse(SAMPLE_ID).ok());
        Some(Self { event_name: event_name?, event_id: event_id?, value, currency, fields: data, own })
    }

    fn own_data(&self, source: &Source) -> Map<String, Value> {
        match self.own {
            OwnData::AsPosted => self.fields.clone(),
            OwnData::OfConversion => {
                let body = ConversionBody {
                    value: self.value.clone(),
                    currency: self.currency,
                    ..ConversionBody::default()
                };
                plain_custom_data(&body, source.id.as_str())
            }
        }
    }
}

/// A person as somebody might be.
struct SamplePerson {
    stage: Option<Stage>,
    times: BTreeMap<String, u64>,
}

impl SamplePerson {
    fn take(fields: &mut Fields) -> Self {
        let stage = fields.optional("stage", stage);
        Self { stage, times: fields.optional("times", times).unwrap_or_default() }
    }
}

fn number(value: &Value) -> Result<Number, Wrong> {
    value.as_number().cloned().ok_or_else(|| Wrong::new("wrong_type", "must be a number"))
}

fn currency(value: &Value) -> Result<Currency, Wrong> {
    let text = value.as_str().ok_or_else(|| Wrong::new("wrong_type", "must be a string"))?;
    Currency::parse(text).ok_or_else(|| Wrong::new("invalid", "not an active ISO 4217 code"))
}

fn map(value: &Value) -> Result<Map<String, Value>, Wrong> {
    value.as_object().cloned().ok_or_else(|| Wrong::new("wrong_type", "must be an object"))
}

fn stage(value: &Value) -> Result<Stage, Wrong> {
    const WORDS: &[(&str, Stage)] = &[
        ("lead", Stage::Lead),
        ("activated", Stage::Activated),
        ("customer", Stage::Customer),
        ("churned", Stage::Churned),
    ];
    rules::word(WORDS)(value)
}

fn times(value: &Value) -> Result<BTreeMap<String, u64>, Wrong> {
    let map = map(value)?;
    if map.len() > MAX_TIMES {
        return Err(Wrong::new("too_many", format!("at most {MAX_TIMES}")));
    }
    let count = |(name, value): (String, Value)| Some((name, value.as_u64()?));
    let read: Option<_> = map.into_iter().map(count).collect();
    read.ok_or_else(|| Wrong::new("invalid", "names of events, each with a whole number"))
}

impl<P: Ports> AdminApi<P> {
    pub(crate) async fn explain_rules(&self, mut call: Call<'_>) -> Answer {
        let tenant = call.tenant()?;
        let mut fields = call.fields()?;
        let source = fields.required("source_id", rules::id::<SourceId>);
        let sample = fields.object("event", Sample::take);
        if sample.is_none() && !fields.is_wrong("event") {
            fields.wrong("event", Wrong::new("required", "event is required"));
        }
        let person = fields.object("person", SamplePerson::take);
        let draft = fields.optional("rules", any);
        let draft_rules = rules_of(&mut fields, draft.as_ref());
        fields.finish()?;
        call.query.finish()?;
        let (source, sample) = (vouched(source)?, vouched(sample.flatten())?);
        let source: Revised<Source> = self.get(&tenant, &source, sources::UNKNOWN).await?;
        let set = match draft_rules {
            Some(rules) => RuleSet { version: 0, rules },
            None => self.current_rules(&tenant).await?.map(|current| current.set).unwrap_or_default(),
        };
        let version = (set.version > 0).then_some(set.version);
        let decision = decide(&set, &source.value, &sample, person.as_ref(), self.now().secs());
        ok(&explanation(version, &source.value, &sample, decision)?)
    }
}

fn decide(
    set: &RuleSet,
    source: &Source,
    sample: &Sample,
    person: Option<&SamplePerson>,
    now_s: i64,
) -> Decision {
    let mut features = Features::default();
    if let Some(person) = person {
        features.days.insert(Day::of(now_s), person.times.clone());
    }
    set.decide(&Trigger {
        source,
        event_name: &sample.event_name,
        value: sample.value.as_ref(),
        currency: sample.currency.map(Currency::as_str),
        fields: &sample.fields,
        at_s: now_s,
        person: person.map(|person| PersonView { features: &features, stage: person.stage, now_s }),
    })
}

fn explanation(
    version: Option<u64>,
    source: &Source,
    sample: &Sample,
    decision: Decision,
) -> Result<Explanation, Problem> {
    let Decision { fired, send_trigger, stage, considered } = decision;
    let mut explanation =
        Explanation { version, would_send: Vec::new(), would_not_send: Vec::new(), stage, considered };
    let trigger = send_trigger.then_some(&sample.event_name);
    let names: Vec<&EventName> =
        trigger.into_iter().chain(fired.iter().map(|fired| &fired.event_name)).collect();
    let mut ids = event_ids(&sample.event_id, &names).into_iter();
    let posted =
        Named { event_name: sample.event_name.clone(), event_id: sample.event_id.clone(), rule: None };
    if trigger.is_some() {
        ids.next();
        explanation.judge(source, posted, &sample.own_data(source), None);
    } else {
        explanation
            .would_not_send
            .push(Unsent { event: posted, reasons: vec![Reason::of("replaced_by_rules")] });
    }
    for Fired { rule, event_name, custom_data, once, .. } in fired {
        let event_id = ids.next().ok_or_else(Problem::internal)?;
        explanation.judge(source, Named { event_name, event_id, rule: Some(rule) }, &custom_data, once);
    }
    Ok(explanation)
}

impl Explanation {
    fn judge(&mut self, source: &Source, event: Named, data: &Map<String, Value>, once: Option<Once>) {
        let preview = preview_custom_data(Some(&event.event_name), data);
        let field = |field: &str| Some(field.to_owned());
        let refusals = preview.refusals.iter();
        let mut reasons: Vec<Reason> = refusals
            .map(|refusal| Reason { field: field(&refusal.field), code: refusal.code.code() })
            .collect();
        if source.pixel_ids.is_empty() {
            reasons.push(Reason::of("source_has_no_pixel"));
        }
        if !reasons.is_empty() {
            self.would_not_send.push(Unsent { event, reasons });
            return;
        }
        let warnings = preview.warnings.iter();
        let warnings =
            warnings.map(|warning| Reason { field: field(&warning.field), code: warning.code }).collect();
        let pixels = source.pixel_ids.iter().map(ToString::to_string).collect();
        self.would_send.push(Sent { event, custom_data: preview.sent, pixels, once, warnings });
    }
}

impl Reason {
    const fn of(code: &'static str) -> Self {
        Self { field: None, code }
    }
}
