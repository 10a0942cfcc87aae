//! JSON objects that the caller passes in: their members, each as the text that it is.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::printable;

/// The members of a JSON object, in order. Each value is validated without recursion, so nesting uses no stack.
struct Members<'a>(Vec<(String, &'a RawValue)>);

/// Parses `text` as a JSON object. The error quotes no value, which may be a secret.
pub(crate) fn members(text: &str) -> Result<Vec<(String, &RawValue)>, String> {
    serde_json::from_str(text).map(|members: Members<'_>| members.0).map_err(|error| {
        let begins_an_object = text.trim_ascii_start().starts_with('{');
        let reason = if begins_an_object || !error.is_data() { error.to_string() } else { "expected an object".into() };
        format!("not a valid JSON object: {reason}")
    })
}

/// The type of a JSON value, for errors.
pub(crate) fn type_of(json: &RawValue) -> &'static str {
    match json.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
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
                        return Err(A::Error::custom(format_args!("duplicate member {}", printable(&name))));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object).map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red with the errors of `serde_json`: `invalid type: string "s3cret", expected a JSON object`.
    #[test]
    fn an_error_quotes_no_value() {
        for text in
            [r#""s3cret""#, r#"["s3cret"]"#, r#"{"a":"s3cret" x}"#, r#"{"a" "s3cret"}"#, r#"{"a":"s3cret"#, "s3cret"]
        {
            let error = members(text).expect_err(text);
            assert!(error.starts_with("not a valid JSON object: ") && !error.contains("s3cret"), "{error}");
        }
        let error = members(r#"{"a":"s3cret","a":1}"#).expect_err("twice");
        assert!(
            error.starts_with("not a valid JSON object: duplicate member a") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
