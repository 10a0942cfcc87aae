//! A method's parameters: what they may be, and the values of one call. Checked in one place, wherever they come from.

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

use super::Method;
use crate::error::{Error, ErrorKind, Result};
use crate::records::parse_time_us;

/// What a method takes.
#[derive(Debug)]
pub struct Param {
    /// As the platform's documentation has it.
    pub name: &'static str,
    /// Which values it may have.
    pub kind: Kind,
    /// Whether a call without it is refused.
    pub required: bool,
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
}

impl Kind {
    /// In the words of the list of methods and of errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "integer",
            Self::Text => "string",
            Self::Date => "date",
            Self::TextList => "list of strings",
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
}

/// The parameters of one call, checked against its method.
#[derive(Clone, Debug)]
pub struct Params {
    method: &'static Method,
    /// As many as the method has parameters, in its order.
    values: Vec<Option<Value>>,
}

impl Params {
    /// None given yet.
    pub fn new(method: &'static Method) -> Self {
        Self { method, values: method.params.iter().map(|_| None).collect() }
    }

    /// Gives a parameter its value.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let index = self.method.params.iter().position(|param| param.name == name);
        let index = index.ok_or_else(|| unknown(self.method, name))?;
        check(&self.method.params[index], &value)?;
        self.values[index] = Some(value);
        Ok(())
    }

    /// The value of a parameter, if it was given one.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.given().find_map(|(given, value)| (given == name).then_some(value))
    }

    /// What was given, in the method's order.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.method.params.iter().zip(&self.values).filter_map(|(param, value)| Some((param.name, value.as_ref()?)))
    }

    /// The method they are for.
    pub fn method(&self) -> &'static Method {
        self.method
    }

    /// Says which parameter is missing, if one is.
    pub(crate) fn check_complete(&self) -> Result<()> {
        match self.method.params.iter().zip(&self.values).find(|(param, value)| param.required && value.is_none()) {
            Some((param, _)) => Err(Error::argument(param.name, format_args!("{} needs it", self.method.name))),
            None => Ok(()),
        }
    }

    /// From the text of a JSON object. `null` counts as not given.
    pub fn from_json(method: &'static Method, text: &str) -> Result<Self> {
        let mut params = Self::new(method);
        if !text.trim().is_empty() {
            let Object(members) = serde_json::from_str(text)
                .map_err(|error| Error::argument("params_json", format_args!("a JSON object is expected: {error}")))?;
            for (name, value) in members {
                match value {
                    Json::Null => {}
                    Json::Value(value) => params.set(&name, value)?,
                    Json::Other(found) => return Err(mistyped(method, &name, found)),
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

fn mistyped(method: &Method, name: &str, found: &str) -> Error {
    match method.params.iter().find(|param| param.name == name) {
        Some(param) => Error::argument(name, format_args!("{} is expected, not {found}", article(param.kind))),
        None => unknown(method, name),
    }
}

fn unknown(method: &Method, name: &str) -> Error {
    let known: Vec<_> = method.params.iter().map(|param| param.name).collect();
    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
    Error::argument(name, format_args!("there is no such parameter; {} takes {known}", method.name))
}

fn article(kind: Kind) -> String {
    let name = kind.name();
    format!("{} {name}", if name.starts_with('i') { "an" } else { "a" })
}

/// A JSON object's members in order. Nothing is nested deeper than a list in them, so nothing is read deeper: the depth of
/// what a caller passes costs no stack.
struct Object(Vec<(String, Json)>);

enum Json {
    Null,
    Value(Value),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::<(String, Json)>::new();
                while let Some((name, value)) = map.next_entry::<String, Json>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format_args!("{name} is given twice")));
                    }
                    members.push((name, value));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A raw value is skipped over without recursion, and read again as the one thing it can be.
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
        let read = |value: Option<Value>, found| value.map_or(Json::Other(found), Json::Value);
        Ok(match raw.as_bytes().first() {
            Some(b'"') => read(serde_json::from_str(raw).ok().map(Value::Text), "a string that is not UTF-8"),
            Some(b'[') => read(serde_json::from_str(raw).ok().map(Value::TextList), "a list of something else"),
            Some(b'{') => Json::Other("an object"),
            Some(b't' | b'f') => Json::Other("a boolean"),
            Some(b'n') => Json::Null,
            _ => read(raw.parse().ok().map(Value::Count), "another number"),
        })
    }
}

/// `KAL_UNKNOWN_METHOD`, with the names there are.
pub(crate) fn unknown_method(name: &str) -> Error {
    let known: Vec<_> = super::methods().map(|method| method.name).collect();
    Error::new(ErrorKind::UnknownMethod, format!("there is no method {name:?}; there are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::workspace::{GET_EVENTS, GET_MEMBERS_BY_IDS, GET_WORKSPACE};
    use super::*;

    fn refusal(method: &'static Method, text: &str) -> String {
        let error = Params::from_json(method, text).expect_err(text);
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
            assert_eq!(Params::from_json(&GET_EVENTS, text).expect(text).given().count(), 0);
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
