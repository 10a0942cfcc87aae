//! The parameters of an operation, and their values in one call. Validated here, whether they come from a typed call or from JSON.

use bytes::Bytes;
use serde_json::value::RawValue;

use super::Operation;
use crate::error::{Error, ErrorKind, Result, printable};
use crate::json;
use crate::records::parse_time_us;

/// A parameter of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// As in the platform's documentation.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Its place in the request.
    pub place: Place,
    /// Whether a call without it fails.
    pub required: bool,
}

/// The place of a parameter in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// The body.
    Body,
    /// None: the library itself uses it.
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

    /// A parameter that the library itself uses.
    pub const fn local(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, place: Place::Local, required: false }
    }

    /// Makes the parameter required.
    #[must_use]
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer, 0 or more.
    Count,
    /// A string.
    Text,
    /// A string with a date or a time of RFC 3339; see DATES in the header.
    Date,
    /// A list of strings.
    TextList,
    /// A JSON object.
    Object,
    /// Any JSON.
    Json,
}

impl Kind {
    /// As in the list of methods and in errors.
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
    /// For [`Kind::Object`] and [`Kind::Json`]: the text, unchanged.
    Json(Bytes),
}

/// The parameters of one call, validated against its operation.
#[derive(Clone, Debug)]
pub struct Params {
    operation: &'static Operation,
    /// One for each parameter of the operation, in its order.
    values: Vec<Option<Value>>,
}

impl Params {
    /// No parameter is set.
    pub fn new(operation: &'static Operation) -> Self {
        Self { operation, values: operation.params.iter().map(|_| None).collect() }
    }

    /// Sets the value of a parameter.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let index = self.operation.params.iter().position(|param| param.name == name);
        let index = index.ok_or_else(|| unknown(self.operation, name))?;
        check(&self.operation.params[index], &value)?;
        self.values[index] = Some(value);
        Ok(())
    }

    /// The value of a parameter, if it is set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all_set().find_map(|(set, value, _)| (set == name).then_some(value))
    }

    /// The parameters that are set and have this place, in the operation's order.
    pub(super) fn at(&self, place: Place) -> impl Iterator<Item = (&'static str, &Value)> {
        self.all_set().filter_map(move |(name, value, at)| (at == place).then_some((name, value)))
    }

    pub(super) fn all_set(&self) -> impl Iterator<Item = (&'static str, &Value, Place)> {
        let all = self.operation.params.iter().zip(&self.values);
        all.filter_map(|(param, value)| Some((param.name, value.as_ref()?, param.place)))
    }

    /// The operation of the call.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// Fails if a required parameter is missing, or if the request cannot be built.
    #[inline]
    pub(crate) fn check_complete(&self) -> Result<()> {
        if self.values.is_empty() {
            return Ok(());
        }
        match self.operation.params.iter().zip(&self.values).find(|(param, value)| param.required && value.is_none()) {
            Some((param, _)) => Err(self.missing(param.name)),
            None if self.operation.takes_part_of_path() => self.request().map(drop),
            None => Ok(()),
        }
    }

    /// The error of a required parameter that is not set.
    pub(super) fn missing(&self, name: &str) -> Error {
        Error::argument(name, format_args!("missing; {} requires it", self.operation.name))
    }

    /// Parses the text of a JSON object. `null` counts as not set.
    pub fn from_json(operation: &'static Operation, text: &str) -> Result<Self> {
        let mut params = Self::new(operation);
        if !text.trim().is_empty() {
            for (name, json) in members(text, "params_json")? {
                if json.get() != "null" {
                    let param = operation.params.iter().find(|param| param.name == name);
                    let kind = param.ok_or_else(|| unknown(operation, &name))?.kind;
                    let value = parse(kind, json).map_err(|found| {
                        Error::argument(&name, format_args!("expected {}, not {found}", article(kind)))
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
        (Kind::Count, Value::Count(count)) if *count < 0 => Err(Error::argument(param.name, "must not be negative")),
        (Kind::Date, Value::Text(text)) if parse_time_us(text).is_none() => Err(Error::argument(
            param.name,
            format_args!(
                "\"{}\" is not a date; expected RFC 3339, such as 2026-01-31T12:00:00Z or 2026-01-31",
                printable(text)
            ),
        )),
        (Kind::Json | Kind::Object, Value::Json(json)) => check_json(param, json),
        (Kind::Count, Value::Count(_))
        | (Kind::Text | Kind::Date, Value::Text(_))
        | (Kind::TextList, Value::TextList(_)) => Ok(()),
        (kind, _) => Err(Error::argument(param.name, format_args!("expected {}", article(kind)))),
    }
}

fn check_json(param: &Param, json: &[u8]) -> Result<()> {
    let raw: &RawValue = serde_json::from_slice(json)
        .map_err(|error| Error::argument(param.name, format_args!("not valid JSON: {error}")))?;
    if param.kind == Kind::Object && !raw.get().starts_with('{') {
        return Err(Error::argument(param.name, format_args!("expected {}", article(param.kind))));
    }
    Ok(())
}

fn unknown(operation: &Operation, name: &str) -> Error {
    let known: Vec<_> = operation.params.iter().map(|param| param.name).collect();
    let known = if known.is_empty() { "no parameters".into() } else { known.join(", ") };
    Error::argument(name, format_args!("unknown parameter; {} takes {known}", operation.name))
}

fn article(kind: Kind) -> String {
    let name = kind.name();
    format!("{} {name}", if name.starts_with(['i', 'o']) { "an" } else { "a" })
}

/// Parses `text` as a JSON object. `argument` names it in errors.
pub(super) fn members<'a>(text: &'a str, argument: &str) -> Result<Vec<(String, &'a RawValue)>> {
    json::members(text).map_err(|reason| Error::argument(argument, reason))
}

/// Parses a value of this kind. The error describes the value instead.
fn parse(kind: Kind, json: &RawValue) -> Result<Value, &'static str> {
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
        Some(b'"') if matches!(kind, Kind::Text | Kind::Date) => "a string that is not valid Unicode",
        Some(b'[') if kind == Kind::TextList => "a list of other values",
        Some(b'-' | b'0'..=b'9') if kind == Kind::Count => "a number with a fraction, an exponent or more than 64 bits",
        _ => json::type_of(json),
    })
}

/// `KAL_UNKNOWN_METHOD`, with the known names.
pub(crate) fn unknown_method(name: &str) -> Error {
    let known: Vec<_> = super::operations().map(|operation| operation.name).collect();
    Error::new(ErrorKind::UnknownMethod, format!("unknown method {name:?}; the methods are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::workspace::{GET_EVENTS, GET_MEMBERS_BY_IDS, GET_WORKSPACE};
    use super::*;

    fn rejection(operation: &'static Operation, text: &str) -> String {
        let error = Params::from_json(operation, text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        error.to_string()
    }

    #[test]
    fn an_invalid_parameter_is_rejected_by_name() {
        for (text, expected) in [
            (r#"{"pages":1}"#, "pages: unknown parameter; workspace.get_events takes page, page_size, "),
            (r#"{"page":"1"}"#, "page: expected an integer, not a string"),
            (r#"{"page":1.5}"#, "page: expected an integer, not a number with a fraction"),
            (r#"{"page":-1}"#, "page: must not be negative"),
            (r#"{"page":true}"#, "page: expected an integer, not a boolean"),
            (r#"{"event_types":"create"}"#, "event_types: expected a list of strings, not a string"),
            (r#"{"event_types":[1]}"#, "event_types: expected a list of strings, not a list of other values"),
            (r#"{"resource_type":{"a":[]}}"#, "resource_type: expected a string, not an object"),
            (r#"{"after_date":"yesterday"}"#, "after_date: \"yesterday\" is not a date; expected RFC 3339"),
            (r#"{"after_date":"2026-02-30"}"#, "after_date: \"2026-02-30\" is not a date; expected RFC 3339"),
            (r#"{"after_date":"1767323045"}"#, "after_date: \"1767323045\" is not a date; expected RFC 3339"),
            ("{\"a\\u001b\\n\":1}", "a\\u{1b}\\n: unknown parameter"),
            (r#"{"page":1,"page":2}"#, "params_json: not a valid JSON object: duplicate member page"),
            ("[]", "params_json: not a valid JSON object"),
            ("{", "params_json: not a valid JSON object"),
            ("{} x", "params_json: not a valid JSON object"),
        ] {
            let message = rejection(&GET_EVENTS, text);
            assert!(message.starts_with(expected), "{text}: {message}");
        }
        assert!(
            rejection(&GET_WORKSPACE, r#"{"use_cache":false}"#).contains("workspace.get_workspace takes no parameters")
        );
        assert_eq!(rejection(&GET_MEMBERS_BY_IDS, "{}"), "ids: missing; workspace.get_members_by_ids requires it");
    }

    #[test]
    fn null_and_absent_parameters_are_not_set() {
        for text in ["", "  ", "{}", r#"{"page":null}"#] {
            assert_eq!(Params::from_json(&GET_EVENTS, text).expect(text).all_set().count(), 0);
        }
    }

    #[test]
    fn a_parameter_nested_a_million_deep_uses_no_stack() {
        let deep = format!(r#"{{"event_types":{}{}}}"#, "[".repeat(1_000_000), "]".repeat(1_000_000));
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let message =
            small.spawn(move || rejection(&GET_EVENTS, &deep)).expect("a thread").join().expect("no overflow");
        assert!(message.contains("expected"), "{message}");
    }
}
