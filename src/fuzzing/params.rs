//! Fuzz target for the JSON parameters of the generic call.

use std::collections::HashMap;

use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::error::{ErrorKind, printable};
use crate::records::parse_time_us;
use crate::service::{Kind, Param, Params, Value, operations};

/// A text results in the parameters that `serde_json` reads from it, or in an error that starts with the name of a
/// parameter or of the whole text. Valid parameters are never rejected. The first byte selects the operation; the
/// values of `request` are checked elsewhere.
///
/// Red when `null` is a value: "page: expected an integer, not null".
pub fn params(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let operations: Vec<_> = operations().filter(|operation| operation.name != "request").collect();
    let operation = operations[usize::from(*choice) % operations.len()];
    let text_or_none = if text.trim().is_empty() { "{}" } else { text };
    let members = match serde_json::from_str(text_or_none) {
        Ok(Json::Object(members)) => Some(members),
        _ => None,
    };
    // `serde_json` does not read a negative zero as an integer.
    if members
        .iter()
        .flatten()
        .any(|(_, value)| value.as_f64().is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()))
    {
        return;
    }
    let valid = members.as_ref().and_then(|members| {
        let fits = |(name, value): (&String, &Json)| {
            value.is_null() || operation.params.iter().any(|param| param.name == name && is_valid(param, value))
        };
        let is_present =
            |param: &Param| !param.required || members.get(param.name).is_some_and(|value| !value.is_null());
        (members.iter().all(fits) && operation.params.iter().all(is_present)).then_some(members)
    });
    match Params::from_json(operation, text) {
        Ok(params) => {
            let members = valid.unwrap_or_else(|| panic!("accepted: {text}"));
            for param in operation.params {
                let given = members.get(param.name).filter(|value| !value.is_null());
                assert_eq!(params.get(param.name).map(json), given.cloned(), "{}: {text}", param.name);
            }
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
            let message = error.to_string();
            let about = |name: &str| message.strip_prefix(&*printable(name)).is_some_and(|rest| rest.starts_with(": "));
            // Also for a text that is invalid within a value.
            let named: HashMap<String, &RawValue> = serde_json::from_str(text_or_none).unwrap_or_default();
            let names = named.keys().map(String::as_str);
            let mut names = names.chain(operation.params.iter().map(|param| param.name)).chain(["params_json"]);
            assert!(names.any(about), "{message}: {text}");
            // Of duplicate names, `serde_json` reads the last.
            assert!(valid.is_none() || message.contains("duplicate member "), "{message}: {text}");
        }
    }
}

fn is_valid(param: &Param, value: &Json) -> bool {
    match param.kind {
        Kind::Count => value.as_i64().is_some_and(|count| count >= 0),
        Kind::Text => value.is_string(),
        Kind::Date => value.as_str().is_some_and(|text| parse_time_us(text).is_some()),
        Kind::Object => value.is_object(),
        Kind::Json => true,
        Kind::TextList => value.as_array().is_some_and(|texts| texts.iter().all(Json::is_string)),
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Count(count) => (*count).into(),
        Value::Text(text) => text.as_str().into(),
        Value::TextList(texts) => texts.as_slice().into(),
        Value::Json(json) => serde_json::from_slice(json).unwrap_or_default(),
    }
}
