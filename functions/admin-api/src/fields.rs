//! Reads a JSON body field by field, so that one answer names everything that is wrong with it.

use adrelay_lambda::problem::{FieldError, Problem};
use serde_json::{Map, Value};

/// Wrong fields that one answer names at most.
const MAX_ERRORS: usize = 50;

/// What is wrong with a value: a stable code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What a PATCH says of a field that may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change<T> {
    /// Nothing: the field is absent.
    Keep,
    /// `null`: it is to be empty.
    Clear,
    /// Its new value.
    Set(T),
}

impl<T> Change<T> {
    /// Carries the change out.
    pub(crate) fn apply(self, field: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *field = None,
            Self::Set(value) => *field = Some(value),
        }
    }
}

impl<T: Default> Change<T> {
    /// The new value, where there is one: for a field that is empty by having its default.
    pub(crate) fn or_default(self) -> Option<T> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(T::default()),
            Self::Set(value) => Some(value),
        }
    }
}

/// A JSON object that is being read.
#[derive(Debug)]
pub(crate) struct Fields {
    object: Map<String, Value>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Parses a body; an empty one is an empty object.
    ///
    /// # Errors
    /// 400 where it is not a JSON object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let value = if body.iter().all(u8::is_ascii_whitespace) {
            Value::Object(Map::new())
        } else {
            serde_json::from_slice(body).map_err(|error| {
                // Line and column only: serde's own text quotes the body, which may hold a token.
                let place = format!("No JSON from line {} column {}.", error.line(), error.column());
                Problem::new(400, "body_not_json", place)
            })?
        };
        match value {
            Value::Object(object) => Ok(Self { object, known: Vec::new(), errors: Vec::new() }),
            _ => Err(Problem::new(400, "body_not_an_object", "The body must be a JSON object.")),
        }
    }

    /// A field that must be there. `None` is answered only where [`Self::finish`] will refuse the body.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        match self.take(name) {
            None => {
                self.wrong(name, Wrong::new("required", format!("{name} is required")));
                None
            }
            Some(value) => self.check(name, &value, rule),
        }
    }

    /// A field that may be absent or `null`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        match self.take(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.check(name, &value, rule),
        }
    }

    /// A field of a PATCH that may become empty.
    pub(crate) fn change<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Change<T> {
        match self.take(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(value) => self.check(name, &value, rule).map_or(Change::Keep, Change::Set),
        }
    }

    /// A field of a PATCH that always has a value: `null` is refused.
    pub(crate) fn replace<T>(
        &mut self,
        name: &'static str,
        rule: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        let value = self.take(name)?;
        self.check(name, &value, rule)
    }

    /// A field that may be absent or `null` and is an object of its own, read by `rule`. Its fields' errors stand
    /// under its name.
    pub(crate) fn object<T>(&mut self, name: &'static str, rule: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let object = match self.take(name)? {
            Value::Object(object) => object,
            Value::Null => return None,
            _ => {
                self.wrong(name, Wrong::new("wrong_type", "must be an object"));
                return None;
            }
        };
        let mut inner = Self { object, known: Vec::new(), errors: Vec::new() };
        let read = rule(&mut inner);
        inner.note_unknown();
        for error in inner.errors {
            self.errors.push(FieldError { field: format!("{name}.{}", error.field), ..error });
        }
        self.errors.truncate(MAX_ERRORS);
        Some(read)
    }

    /// Whether something is wrong with a field, or with a field of it.
    pub(crate) fn is_wrong(&self, name: &str) -> bool {
        self.errors.iter().any(|error| error.field.split('.').next() == Some(name))
    }

    /// Notes a rule that a field breaks together with others.
    pub(crate) fn wrong(&mut self, name: &str, wrong: Wrong) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(field_error(name, wrong));
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 that names each wrong field, and each that is not known.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        self.note_unknown();
        invalid(self.errors)
    }

    fn note_unknown(&mut self) {
        let unknown: Vec<String> = self.object.keys().take(MAX_ERRORS).cloned().collect();
        let known = self.known.join(", ");
        for name in unknown {
            let message = format!("no such field; known are {known}");
            self.wrong(&shortened(&name), Wrong::new("unknown_field", message));
        }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.object.remove(name)
    }

    fn check<T>(
        &mut self,
        name: &str,
        value: &Value,
        rule: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Option<T> {
        match rule(value) {
            Ok(read) => Some(read),
            Err(wrong) => {
                self.wrong(name, wrong);
                None
            }
        }
    }
}

/// 422 with these errors, where there are any.
pub(crate) fn invalid(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
}

/// 422 for one field.
pub(crate) fn invalid_field(field: &str, code: &'static str, message: impl Into<String>) -> Problem {
    Problem::invalid(vec![field_error(field, Wrong::new(code, message))])
}

fn field_error(field: &str, wrong: Wrong) -> FieldError {
    FieldError { field: field.to_owned(), code: wrong.code.to_owned(), message: wrong.message }
}

/// What the answer repeats of a name that the caller chose.
pub(crate) fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// For a body whose required fields [`Fields::finish`] has vouched for.
pub(crate) fn vouched<T>(read: Option<T>) -> Result<T, Problem> {
    read.ok_or_else(Problem::internal)
}
