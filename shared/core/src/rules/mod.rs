//! Rules: which Meta events a source's event fires.
//!
//! ```text
//!  trigger ──► RuleSet::decide ──► Decision { fired, send_trigger, stage, considered }
//!                    │
//!                    └── where a rule matches, what it fires replaces the trigger (unless it passes it through);
//!                        where none does, the trigger goes out as it is
//! ```
//!
//! Rules see what was posted and never what was fired: a rule that fires the name it listens to is no loop.
//! `docs/rules.md` is the format, for people.
//!
//! | file | is about |
//! |---|---|
//! | `model` | a rule as it is stored |
//! | `parse`, `reader` | a rule as it is posted: everything that is wrong with it, by field and stable code |
//! | `decide` | which rules match, and why others do not |
//! | `fire` | what a fired event carries |
//! | `once` | what fires once |
//! | `ids` | event ids of what is fired |
//! | `defaults` | the set that is shipped |

mod decide;
mod defaults;
mod fire;
mod ids;
mod model;
mod once;
mod parse;
mod reader;

pub use decide::{Because, Considered, Decision, Fired, Outcome, PersonView, Trigger};
pub use defaults::default_rules;
pub use fire::{LeftOut, Missing};
pub use ids::event_ids;
pub use model::{Condition, FieldEquals, Fire, Pick, Range, Rule, RuleSet, Times};
pub use once::Once;
pub use parse::{
    MAX_CONDITIONS, MAX_EVENT_NAMES, MAX_FIRES, MAX_MAPPED, MAX_RULES, MAX_RULES_BYTES, MAX_SOURCES, parse,
};
pub use reader::RuleError;

/// Events that one trigger fires at most; rules that would fire more are told of and do not match.
pub const MAX_FIRED: usize = 20;
