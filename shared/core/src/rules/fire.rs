//! What a fired event carries: what its rule maps, and nothing else.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::decide::Trigger;
use super::model::{Fire, Pick};
use crate::money::Currency;

/// Why something that a rule maps is not in the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The trigger has no such field.
    FieldAbsent,
    /// The field holds something else than is needed: no number for a value, no ISO 4217 code for a currency.
    WrongType,
}

/// Something that a rule maps and that is not in the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which of the rule's fires, from 0.
    pub fire: usize,
    /// `value`, `currency`, or `custom_data.` and a key.
    pub field: String,
    /// Why.
    pub because: Missing,
}

impl Fire {
    /// The custom_data, with value and currency.
    pub(super) fn custom_data(
        &self,
        nth: usize,
        trigger: &Trigger<'_>,
        left_out: &mut Vec<LeftOut>,
    ) -> Map<String, Value> {
        let mut data = Map::new();
        let mut put = |key: &str, field: &dyn Fn() -> String, picked: Result<Value, Missing>| match picked {
            Ok(value) => {
                data.insert(key.to_owned(), value);
                true
            }
            Err(because) => {
                left_out.push(LeftOut { fire: nth, field: field(), because });
                false
            }
        };
        for (key, pick) in &self.custom_data {
            put(key, &|| format!("custom_data.{key}"), pick.any(trigger));
        }
        let valued = self.value.as_ref().is_some_and(|pick| {
            let number = match pick {
                Pick::Constant(number) => Ok(Value::Number(number.clone())),
                Pick::Field(name) => trigger.field(name).and_then(number),
            };
            put("value", &|| "value".to_owned(), number)
        });
        let currency = match &self.currency {
            Some(Pick::Constant(currency)) => Some(Ok(*currency)),
            Some(Pick::Field(name)) => Some(trigger.field(name).and_then(currency)),
            None if valued => Some(trigger.field("currency").and_then(currency)),
            None => None,
        };
        if let Some(currency) = currency {
            put("currency", &|| "currency".to_owned(), currency.map(|code| Value::from(code.as_str())));
        }
        data
    }
}

impl Pick<Value> {
    fn any(&self, trigger: &Trigger<'_>) -> Result<Value, Missing> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Field(name) => trigger.field(name).map(Cow::into_owned),
        }
    }
}

impl Trigger<'_> {
    /// A field by its key; `value` and `currency` wherever they stand.
    pub(super) fn field(&self, name: &str) -> Result<Cow<'_, Value>, Missing> {
        let posted = self.fields.get(name).filter(|value| !value.is_null());
        let own = || match name {
            "value" => self.value.map(|value| Cow::Owned(Value::Number(value.clone()))),
            "currency" => self.currency.map(|code| Cow::Owned(Value::from(code))),
            _ => None,
        };
        // What the trigger says of itself counts more than what stands among its fields under the same name.
        own().or_else(|| posted.map(Cow::Borrowed)).ok_or(Missing::FieldAbsent)
    }
}

fn number(value: Cow<'_, Value>) -> Result<Value, Missing> {
    if value.is_number() { Ok(value.into_owned()) } else { Err(Missing::WrongType) }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that and_then takes")]
fn currency(value: Cow<'_, Value>) -> Result<Currency, Missing> {
    value.as_str().and_then(Currency::parse).ok_or(Missing::WrongType)
}
