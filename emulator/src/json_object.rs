//! JSON objects and lists whose values stay text, for documents that are served as they were given.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object, in order.
pub(crate) struct Object<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }
        deserializer.deserialize_map(Pairs).map(Object)
    }
}

/// Reads an object whose keys are among `known`, each at most once. `at` is what messages call it; empty for a document.
pub(crate) fn read_object<'a>(text: &'a RawValue, at: &str, known: &[&str]) -> Result<Object<'a>, String> {
    let object = read_open_object(text, at)?;
    let within = if at.is_empty() { String::new() } else { format!("{at}: ") };
    for (name, _) in &object.0 {
        if !known.contains(&name.as_str()) {
            return Err(format!("{within}unknown key {name:?}, expected one of {}", known.join(", ")));
        }
    }
    Ok(object)
}

/// Reads an object with any keys, each at most once.
pub(crate) fn read_open_object<'a>(text: &'a RawValue, at: &str) -> Result<Object<'a>, String> {
    let found = || expected(at, "an object", text);
    let object: Object = serde_json::from_str(text.get()).map_err(|_| found())?;
    let mut names = HashSet::with_capacity(object.0.len());
    if let Some((name, _)) = object.0.iter().find(|(name, _)| !names.insert(name)) {
        return Err(format!("{} is given twice", join(at, name)));
    }
    Ok(object)
}

/// Reads a struct from an object; an error names the field.
pub(crate) fn read_fields<T: DeserializeOwned>(text: &RawValue, at: &str) -> Result<T, String> {
    let Object(fields) = read_open_object(text, at)?;
    let why = match serde_json::from_str(text.get()) {
        Ok(read) => return Ok(read),
        Err(why) => reason(&why),
    };
    // serde does not name the field whose value is wrong: it is the first that is refused alone.
    for (name, value) in &fields {
        let alone = format!("{{{}: {}}}", Value::from(name.as_str()), value.get());
        if let Err(why) = serde_json::from_str::<T>(&alone).map_err(|why| reason(&why)) {
            if !why.starts_with("missing field") && !why.starts_with(&format!("unknown field `{name}`")) {
                return Err(format!("{}: {why}", join(at, name)));
            }
        }
    }
    Err(if at.is_empty() { why } else { format!("{at}: {why}") })
}

/// Without the line and the column, which would be those of a part of the document.
fn reason(why: &serde_json::Error) -> String {
    let text = why.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

pub(crate) fn read_list<'a>(text: &'a RawValue, at: &str, max: usize) -> Result<Vec<&'a RawValue>, String> {
    let list: Vec<&RawValue> = serde_json::from_str(text.get()).map_err(|_| expected(at, "a list", text))?;
    if list.len() > max {
        return Err(format!("{at} has {} items, the maximum is {max}", list.len()));
    }
    Ok(list)
}

/// The name of a member of an object in messages.
pub(crate) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// `members[3].email: expected a string or null, found a number`.
pub(crate) fn expected(at: &str, what: &str, found: &RawValue) -> String {
    let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
    let found = match found.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => return format!("{at}expected {what}, found {}", shortened(found.get())),
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        _ => return format!("{at}expected {what}, found the number {}", shortened(found.get())),
    };
    format!("{at}expected {what}, found {found}")
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
