//! An operation's parameters: what they may be, and the values of one call. Checked in one place, wherever they come from.

use std::collections::HashSet;
use std::fmt;

use bytes::Bytes;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Operation;
use crate::error::{Error, ErrorKind, Result};
use crate::records::parse_time_us;

/// A parameter of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// As the platform's documentation has it.
    pub name: &'static str,
    /// Which values it may have.
    pub kind: Kind,
    /// Which part of the request it becomes.
    pub place: Place,
    /// Whether a call without it is refused.
    pub required: bool,
}

/// Which part of a request a parameter becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// The body.
    Body,
    /// None: the library reads it.
    Local,
}

impl Param {
    /// A segment of the path; required.
    pub const fn path(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, place: Place::Path, required: true }
    }

    /// A parameter of the query.
    pub const fn query(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, place: Place::Query, required: false }
    }

    /// The JSON body.
    pub const fn body(name: &'static str) -> Self {
        Self { name, kind: Kind::Json, place: Place::Body, required: false }
    }

    /// What the library itself reads.
    pub const fn local(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, place: Place::Local, required: false }
    }

    /// The same, without which a call is refused.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// Which values a parameter may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer, 0 or more.
    Count,
    /// A text.
    Text,
    /// A text that is a date or a time of RFC 3339.
    Date,
    /// A list of texts.
    TextList,
    /// A JSON object.
    Object,
    /// Any JSON.
    Json,
}

impl Kind {
    /// In the words of the list of methods and of errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "integer",
            Self::Text => "string",
            Self::Date => "date",
            Self::TextList => "list of strings",
            Self::Object => "object",
            Self::Json => "JSON value",
        }
    }
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// For [`Kind::Count`].
    Count(i64),
    /// For [`Kind::Text`] and [`Kind::Date`].
    Text(String),
    /// For [`Kind::TextList`].
    TextList(Vec<String>),
    /// For [`Kind::Object`] and [`Kind::Json`]: the text as it was given.
    Json(Bytes),
}

/// The parameters of one call, checked against its operation.
#[derive(Clone, Debug)]
pub struct Params {
    operation: &'static Operation,
    /// As many as the operation has parameters, in its order.
    values: Vec<Option<Value>>,
}

impl Params {
    /// None given yet.
    pub fn new(operation: &'static Operation) -> Self {
        Self { operation, values: operation.params.iter().map(|_| None).collect() }
    }

    /// Gives a parameter its value.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let index = self.operation.params.iter().position(|param| param.name == name);
        let index = index.ok_or_else(|| unknown(self.operation, name))?;
        check(&self.operation.params[index], &value)?;
        self.values[index] = Some(value);
        Ok(())
    }

    /// The value of a parameter, if it was given one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all_given().find_map(|(given, value, _)| (given == name).then_some(value))
    }

    /// What was given of what belongs there, in the operation's order.
    pub(super) fn given(&self, place: Place) -> impl Iterator<Item = (&'static str, &Value)> {
        self.all_given().filter_map(move |(name, value, at)| (at == place).then_some((name, value)))
    }

    pub(super) fn all_given(&self) -> impl Iterator<Item = (&'static str, &Value, Place)> {
        let given = self.operation.params.iter().zip(&self.values);
        given.filter_map(|(param, value)| Some((param.name, value.as_ref()?, param.place)))
    }

    /// The operation they are for.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Says which parameter is missing, if one is, and what of a request cannot be sent.
    pub(crate) fn check_complete(&self) -> Result<()> {
        match self.operation.params.iter().zip(&self.values).find(|(param, value)| param.required && value.is_none()) {
            Some((param, _)) => Err(Error::argument(param.name, format_args!("{} needs it", self.operation.name))),
            None if self.operation.takes_part_of_path() => self.request().map(drop),
            None => Ok(()),
        }
    }

    /// From the text of a JSON object. `null` counts as not given.
    pub fn from_json(operation: &'static Operation, text: &str) -> Result<Self> {
        let mut params = Self::new(operation);
        if !text.trim().is_empty() {
            for (name, json) in members(text, "params_json")? {
                if json.get() != "null" {
                    let param = operation.params.iter().find(|param| param.name == name);
                    let kind = param.ok_or_else(|| unknown(operation, &name))?.kind;
                    let value = read(kind, json).map_err(|found| {
                        Error::argument(&name, format_args!("{} is expected, not {found}", article(kind)))
                    })?;
                    params.set(&name, value)?;
                }
            }
        }
        params.check_complete()?;
        Ok(params)
    }
}

fn check(param: &Param, value: &Value) -> Result<()> {
    match (param.kind, value) {
        (Kind::Count, Value::Count(count)) if *count < 0 => Err(Error::argument(param.name, "0 is the least")),
        (Kind::Date, Value::Text(text)) if !is_date(text) => Err(Error::argument(
            param.name,
            "this is no date; RFC 3339 is expected, such as 2026-01-31T12:00:00Z or 2026-01-31",
        )),
        (Kind::Json | Kind::Object, Value::Json(json)) => check_json(param, json),
        (Kind::Count, Value::Count(_))
        | (Kind::Text | Kind::Date, Value::Text(_))
        | (Kind::TextList, Value::TextList(_)) => Ok(()),
        (kind, _) => Err(Error::argument(param.name, format_args!("{} is expected", article(kind)))),
    }
}

/// Answers may have times that are numbers; a filter that is one is a mistake.
fn is_date(text: &str) -> bool {
    text.as_bytes().get(4) == Some(&b'-') && parse_time_us(text).is_some()
}

fn check_json(param: &Param, json: &[u8]) -> Result<()> {
    let raw: &RawValue = serde_json::from_slice(json)
        .map_err(|error| Error::argument(param.name, format_args!("this is not valid JSON: {error}")))?;
    if param.kind == Kind::Object && !raw.get().starts_with('{') {
        return Err(Error::argument(param.name, format_args!("{} is expected", article(param.kind))));
    }
    Ok(())
}

fn unknown(operation: &Operation, name: &str) -> Error {
    let known: Vec<_> = operation.params.iter().map(|param| param.name).collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    Error::argument(name, format_args!("there is no such parameter; {} takes {known}", operation.name))
}

fn article(kind: Kind) -> String {
    let name = kind.name();
    format!("{} {name}", if name.starts_with(['i', 'o']) { "an" } else { "a" })
}

/// A JSON object's members in order, each skipped over without recursion: the depth of what a caller passes costs no stack.
struct Members<'a>(Vec<(String, &'a RawValue)>);

/// The members of a JSON object that is given as `argument`.
pub(super) fn members<'a>(text: &'a str, argument: &str) -> Result<Vec<(String, &'a RawValue)>> {
    let members: Members<'a> = serde_json::from_str(text)
        .map_err(|error| Error::argument(argument, format_args!("a JSON object is expected: {error}")))?;
    Ok(members.0)
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut members, mut names) = (Self::Value::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("{name} is given twice")));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object).map(Members)
    }
}

/// A value of this kind, or what there is instead.
fn read(kind: Kind, json: &RawValue) -> Result<Value, &'static str> {
    let text = json.get();
    let value = match kind {
        Kind::Count => text.parse().ok().map(Value::Count),
        Kind::Text | Kind::Date => serde_json::from_str(text).ok().map(Value::Text),
        Kind::TextList if text.starts_with('[') => serde_json::from_str(text).ok().map(Value::TextList),
        Kind::Object if !text.starts_with('{') => None,
        Kind::TextList => None,
        Kind::Object | Kind::Json => Some(Value::Json(Bytes::copy_from_slice(text.as_bytes()))),
    };
    value.ok_or(match text.as_bytes().first() {
        Some(b'"') if matches!(kind, Kind::Text | Kind::Date) => "a string that is not UTF-8",
        Some(b'"') => "a string",
        Some(b'[') if kind == Kind::TextList => "a list of something else",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        Some(_) if kind == Kind::Count => "another number",
        _ => "a number",
    })
}

/// `KAL_UNKNOWN_METHOD`, with the names there are.
pub(crate) fn unknown_method(name: &str) -> Error {
    let known: Vec<_> = super::operations().map(|operation| operation.name).collect();
    Error::new(ErrorKind::UnknownMethod, format!("there is no method {name:?}; there are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::workspace::{GET_EVENTS, GET_MEMBERS_BY_IDS, GET_WORKSPACE};
    use super::*;

    fn refusal(operation: &'static Operation, text: &str) -> String {
        let error = Params::from_json(operation, text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        error.to_string()
    }

    #[test]
    fn a_wrong_parameter_is_refused_by_name() {
        for (text, expected) in [
            (r#"{"pages":1}"#, "pages: there is no such parameter; workspace.get_events takes page, page_size, "),
            (r#"{"page":"1"}"#, "page: an integer is expected"),
            (r#"{"page":1.5}"#, "page: an integer is expected, not another number"),
            (r#"{"page":-1}"#, "page: 0 is the least"),
            (r#"{"page":true}"#, "page: an integer is expected, not a boolean"),
            (r#"{"event_types":"create"}"#, "event_types: a list of strings is expected"),
            (r#"{"event_types":[1]}"#, "event_types: a list of strings is expected, not a list of something else"),
            (r#"{"resource_type":{"a":[]}}"#, "resource_type: a string is expected, not an object"),
            (r#"{"after_date":"yesterday"}"#, "after_date: this is no date"),
            (r#"{"after_date":"2026-02-30"}"#, "after_date: this is no date"),
            (r#"{"after_date":"1767323045"}"#, "after_date: this is no date"),
            (r#"{"page":1,"page":2}"#, "params_json: a JSON object is expected: page is given twice"),
            ("[]", "params_json: a JSON object is expected"),
            ("{", "params_json: a JSON object is expected"),
            ("{} x", "params_json: a JSON object is expected"),
        ] {
            let message = refusal(&GET_EVENTS, text);
            assert!(message.starts_with(expected), "{text} gave {message}");
        }
        assert!(refusal(&GET_WORKSPACE, r#"{"use_cache":false}"#).contains("workspace.get_workspace takes none"));
        assert_eq!(refusal(&GET_MEMBERS_BY_IDS, "{}"), "ids: workspace.get_members_by_ids needs it");
    }

    #[test]
    fn null_and_nothing_are_not_given() {
        for text in ["", "  ", "{}", r#"{"page":null}"#] {
            assert_eq!(Params::from_json(&GET_EVENTS, text).expect(text).all_given().count(), 0);
        }
    }

    #[test]
    fn a_parameter_nested_a_million_deep_costs_no_stack() {
        let deep = format!(r#"{{"event_types":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let message = small.spawn(move || refusal(&GET_EVENTS, &deep)).expect("a thread").join().expect("no overflow");
        assert!(message.contains("expected"), "{message}");
    }
}
