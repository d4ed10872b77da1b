//! Which rules match an event, what they fire, and why others do not match.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::MAX_FIRED;
use super::fire::LeftOut;
use super::model::{Condition, Range, Rule, RuleSet, Times};
use super::once::Once;
use crate::config::Source;
use crate::ids::{EventName, RuleId};
use crate::people::{Features, Stage};

/// An event as rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Trigger<'a> {
    /// Who posted it.
    pub source: &'a Source,
    /// Its name.
    pub event_name: &'a EventName,
    /// What it is worth, in major units.
    pub value: Option<&'a Number>,
    /// The currency of that.
    pub currency: Option<&'a str>,
    /// Its `metadata`, or its `custom_data`.
    pub fields: &'a Map<String, Value>,
    /// When it happened, unix seconds.
    pub at_s: i64,
    /// Whose it is; absent where nobody knows, and rules that need to know do not match.
    pub person: Option<PersonView<'a>>,
}

/// A person as rules see them.
#[derive(Debug, Clone, Copy)]
pub struct PersonView<'a> {
    /// What they did. Looked at only where [`RuleSet::needs_features`].
    pub features: &'a Features,
    /// Their stage before this event.
    pub stage: Option<Stage>,
    /// The present, unix seconds.
    pub now_s: i64,
}

/// What rules make of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Events that replace the trigger, or go out beside it; ≤ [`MAX_FIRED`].
    pub fired: Vec<Fired>,
    /// Whether the trigger itself goes out: where nothing fires, or a matching rule passes it through.
    pub send_trigger: bool,
    /// The furthest stage that a matching rule says the event speaks for.
    pub stage: Option<Stage>,
    /// What became of each rule that listens to events of this name.
    pub considered: Vec<Considered>,
}

/// An event that a rule fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Which rule.
    pub rule: RuleId,
    /// Which of its fires, from 0.
    pub nth: usize,
    /// The event's name.
    pub event_name: EventName,
    /// What it carries: what the rule maps, with `value` and `currency`.
    pub custom_data: Map<String, Value>,
    /// Whether it fires once; never where the trigger has no person.
    pub once: Option<Once>,
}

/// A rule, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Considered {
    /// Which.
    pub rule: RuleId,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It matched.
    Matched {
        /// What it maps and could not take from the event.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<LeftOut>,
    },
    /// It did not.
    NotMatched {
        /// Why.
        because: Because,
        /// Which of its conditions, from 0, where it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        condition: Option<usize>,
    },
}

/// Why a rule does not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// It is turned off.
    Disabled,
    /// It is for other sources.
    OtherSource,
    /// The source does not have the flag.
    FlagAbsent,
    /// The source has the flag.
    FlagPresent,
    /// The event has no value.
    ValueAbsent,
    /// The value is out of range.
    ValueOutOfRange,
    /// The field is absent or holds something else.
    FieldDiffers,
    /// The person did it more or less often.
    TimesOutOfRange,
    /// The person is at another stage, or at none.
    StageDiffers,
    /// It asks for the person, who is not known here.
    NeedsPerson,
    /// With what other rules fire, it would fire more than [`MAX_FIRED`].
    TooManyEvents,
}

impl RuleSet {
    /// Whether an enabled rule listens to events of this name from this source.
    #[must_use]
    pub fn names(&self, source: &Source, event_name: &EventName) -> bool {
        self.rules.iter().any(|rule| rule.enabled && rule.listens_to(source, event_name))
    }

    /// Whether a rule that listens to such events asks what the person did.
    #[must_use]
    pub fn needs_features(&self, source: &Source, event_name: &EventName) -> bool {
        let asks = |rule: &Rule| rule.when.iter().any(|test| matches!(test, Condition::PersonTimes(_)));
        self.rules.iter().any(|rule| rule.enabled && rule.listens_to(source, event_name) && asks(rule))
    }

    /// Decides on an event. The same event, person and rules give the same decision.
    #[must_use]
    pub fn decide(&self, trigger: &Trigger<'_>) -> Decision {
        let mut decision = Decision::default();
        for rule in self.rules.iter().filter(|rule| rule.events.contains(trigger.event_name)) {
            let judged = rule.judge(trigger).and_then(|()| {
                let room = decision.fired.len() + rule.fire.len() <= MAX_FIRED;
                if room { Ok(()) } else { Err((Because::TooManyEvents, None)) }
            });
            let outcome = match judged {
                Ok(()) => Outcome::Matched { left_out: decision.carry_out(rule, trigger) },
                Err((because, condition)) => Outcome::NotMatched { because, condition },
            };
            decision.considered.push(Considered { rule: rule.id.clone(), outcome });
        }
        decision.send_trigger |= decision.fired.is_empty();
        decision
    }
}

impl Decision {
    fn carry_out(&mut self, rule: &Rule, trigger: &Trigger<'_>) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for (nth, fire) in rule.fire.iter().enumerate() {
            self.fired.push(Fired {
                rule: rule.id.clone(),
                nth,
                event_name: fire.event_name.clone(),
                custom_data: fire.custom_data(nth, trigger, &mut left_out),
                once: fire.once,
            });
        }
        self.send_trigger |= rule.pass_through;
        self.stage = self.stage.max(rule.stage);
        left_out
    }
}

/// Why not, and which condition says so.
type Refusal = (Because, Option<usize>);

impl Rule {
    fn listens_to(&self, source: &Source, event_name: &EventName) -> bool {
        self.events.contains(event_name) && self.is_for(source)
    }

    fn is_for(&self, source: &Source) -> bool {
        self.sources.is_empty() || self.sources.contains(&source.id)
    }

    fn judge(&self, trigger: &Trigger<'_>) -> Result<(), Refusal> {
        if !self.enabled {
            return Err((Because::Disabled, None));
        }
        if !self.is_for(trigger.source) {
            return Err((Because::OtherSource, None));
        }
        // What the event alone decides comes first: it holds wherever the event is posted.
        for needs_person in [false, true] {
            let tests = self.when.iter().enumerate();
            for (nth, test) in tests.filter(|(_, test)| test.needs_person() == needs_person) {
                test.holds(trigger).map_err(|because| (because, Some(nth)))?;
            }
        }
        if trigger.person.is_none() && self.fire.iter().any(|fire| fire.once.is_some()) {
            return Err((Because::NeedsPerson, None));
        }
        Ok(())
    }
}

impl Condition {
    fn holds(&self, trigger: &Trigger<'_>) -> Result<(), Because> {
        let person = || trigger.person.ok_or(Because::NeedsPerson);
        let (holds, otherwise) = match self {
            Self::SourceHasFlag(flag) => (trigger.has_flag(flag), Because::FlagAbsent),
            Self::SourceHasNotFlag(flag) => (!trigger.has_flag(flag), Because::FlagPresent),
            Self::Value(range) => {
                let value = trigger.field("value").ok();
                let value = value.and_then(|value| value.as_f64()).ok_or(Because::ValueAbsent)?;
                (range.holds(value), Because::ValueOutOfRange)
            }
            Self::Field(field) => {
                let found = trigger.field(&field.name);
                (found.is_ok_and(|found| same(&found, &field.equals)), Because::FieldDiffers)
            }
            Self::PersonTimes(times) => (times.hold(person()?), Because::TimesOutOfRange),
            Self::PersonStage(stages) => {
                (person()?.stage.is_some_and(|stage| stages.contains(&stage)), Because::StageDiffers)
            }
        };
        if holds { Ok(()) } else { Err(otherwise) }
    }
}

impl Trigger<'_> {
    fn has_flag(&self, flag: &str) -> bool {
        self.source.flags.contains(flag)
    }
}

impl Range {
    /// Doubles are good enough to compare by: both sides were read from decimals by the same rounding, which keeps
    /// their order. Nothing is added up.
    fn holds(&self, value: f64) -> bool {
        let bound = |bound: &Option<Number>| bound.as_ref().and_then(Number::as_f64);
        bound(&self.at_least).is_none_or(|least| value >= least)
            && bound(&self.at_most).is_none_or(|most| value <= most)
    }
}

impl Times {
    fn hold(&self, person: PersonView<'_>) -> bool {
        let times = person.features.times(self.event_name.as_str(), i64::from(self.days), person.now_s);
        self.at_least.is_none_or(|least| times >= least) && self.at_most.is_none_or(|most| times <= most)
    }
}

/// `1` and `1.0` are the same number to whoever posts them.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}
