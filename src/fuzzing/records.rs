//! Fuzz target for the record decoder, compared with `serde_json`.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::records::{
    DecodeError, Decoder, EVENTS, Field, GROUPS, Kind, MEMBERS, Root, Schema, Table, WORKSPACE, bool_from_number,
    bool_from_text, decode, int_from_number, int_from_text, time_from_number, time_from_text,
};

/// Checks a text as the answer of each method of the service.
pub fn records(text: &[u8]) {
    check(text, &WORKSPACE, Root::Object);
    for schema in [&MEMBERS, &GROUPS, &EVENTS] {
        check(text, schema, Root::List);
    }
}

/// The decoder accepts what `serde_json` and the field conversions accept, with the values that `serde_json` reads.
/// The JSON of the answer and of each record, and the body of a rejected text, are byte for byte what was sent.
/// Returns whether the text was accepted.
///
/// Red without the escape `\/`: "refused: members[0].id: an unknown escape in a string".
pub(crate) fn check(text: &[u8], schema: &'static Schema, root: Root) -> bool {
    let shown = String::from_utf8_lossy(text);
    // Has the same length as the text, so that offsets are the same.
    let replaced = without_lone_surrogates(text);
    let expected = match serde_json::from_slice::<Value>(&replaced) {
        // A number too large for a double: whether the rest is valid is unknown.
        Err(error) if error.to_string().contains("number out of range") => None,
        Err(_) => Some(None),
        Ok(_) => Some(expected(&replaced, schema, root)),
    };
    let whole = decode(text.to_vec(), schema, root);
    for size in [1, 7, text.len() / 3 + 1] {
        assert_eq!(observe(&decode_chunks(text, size, schema, root)), observe(&whole), "in chunks of {size}: {shown}");
    }
    match whole {
        Ok(table) => {
            if let Some(expected) = expected {
                let (elements, expected_values) = expected.unwrap_or_else(|| panic!("accepted: {shown}"));
                assert_eq!(values(&table), expected_values, "{shown}");
                for (row, element) in elements.iter().enumerate() {
                    let at = element.as_ptr() as usize - replaced.as_ptr() as usize;
                    assert_eq!(table.element_json(row), &text[at..at + element.len()], "{shown}");
                }
            }
            assert_eq!(table.json(), text, "{shown}");
            assert_eq!(table.json_with_nul().split_last(), Some((&0, text)), "{shown}");
            true
        }
        Err(error) => {
            assert!(expected.flatten().is_none(), "rejected: {error}: {shown}");
            assert_eq!(error.body, text, "{shown}");
            assert!(error.offset <= text.len(), "{error}: {shown}");
            false
        }
    }
}

/// Decodes a text that arrives in chunks.
///
/// Red when the changes to a truncated record were not undone, and when its cells were not removed.
fn decode_chunks(text: &[u8], size: usize, schema: &'static Schema, root: Root) -> Result<Table, DecodeError> {
    let mut decoder = Decoder::new(schema, root, usize::MAX);
    let mut body = Vec::new();
    for chunk in text.chunks(size) {
        body.extend_from_slice(chunk);
        assert!(decoder.advance(&mut body, 0).is_continue());
    }
    decoder.finish(body, None)
}

/// Everything observable of a result.
fn observe(outcome: &Result<Table, DecodeError>) -> (Vec<Value>, Vec<u8>, String) {
    match outcome {
        Ok(table) => (values(table), table.json().to_vec(), String::new()),
        Err(error) => (Vec::new(), error.body.clone(), format!("{error} at {}", error.offset)),
    }
}

/// The values of a table, one per field.
fn values(table: &Table) -> Vec<Value> {
    let rows = (0..table.len()).map(|row| {
        let values = table.schema().fields.iter().enumerate().map(|(column, field)| {
            let text = || checked_text(table.text(row, column), table.text_with_nul(row, column));
            match field.kind {
                Kind::Id | Kind::Text => text().into(),
                Kind::Word(words) => {
                    let word = table.record(row).and_then(|record| record.word(column)).map(|word| words[word]);
                    text().map_or(Value::Null, |text| json!([text, word]))
                }
                Kind::Int => table.int(row, column).into(),
                Kind::Bool => table.boolean(row, column).into(),
                Kind::Time => text().map_or(Value::Null, |text| json!([text, table.time_us(row, column)])),
                Kind::TextList => (0..table.list_len(row, column))
                    .map(|item| {
                        checked_text(table.list_item(row, column, item), table.list_item_with_nul(row, column, item))
                    })
                    .collect(),
                Kind::Object => text().map_or(Value::Null, |text| {
                    serde_json::from_slice(&without_lone_surrogates(text.as_bytes())).expect("JSON")
                }),
            }
        });
        values.collect()
    });
    rows.collect()
}

/// Checks that the text is NUL-terminated and contains no other NUL.
fn checked_text<'a>(text: Option<&'a str>, with_nul: Option<&[u8]>) -> Option<&'a str> {
    assert_eq!(with_nul.and_then(<[u8]>::split_last), text.map(|text| (&0, text.as_bytes())));
    assert!(text.is_none_or(|text| !text.contains('\0')));
    text
}

/// The JSON of the records and the expected values of the table. None if the text must be rejected.
fn expected<'a>(text: &'a [u8], schema: &Schema, root: Root) -> Option<(Vec<&'a str>, Vec<Value>)> {
    let elements: Vec<&RawValue> = match root {
        Root::List => serde_json::from_slice(text).ok()?,
        Root::Object => vec![serde_json::from_slice(text).ok()?],
    };
    let values = elements.iter().map(|element| {
        let record: HashMap<String, &RawValue> = serde_json::from_str(element.get()).ok()?;
        let fields = schema.fields.iter();
        let values =
            fields.map(|Field { name, kind }| expected_value(*kind, record.get(*name).map_or("", |raw| raw.get())));
        values.collect()
    });
    let values = values.collect::<Option<_>>()?;
    Some((elements.into_iter().map(RawValue::get).collect(), values))
}

/// The expected value of a field whose JSON is `raw`; empty if absent. None if it must be rejected.
fn expected_value(kind: Kind, raw: &str) -> Option<Value> {
    let text = || serde_json::from_str::<String>(raw).ok().map(|text| text.replace('\0', "\u{fffd}"));
    Some(match (kind, raw.as_bytes().first()) {
        (Kind::Id | Kind::Text, Some(b'"')) => text()?.into(),
        (Kind::Word(words), Some(b'"')) => {
            let text = text()?;
            json!([text, words.iter().find(|word| **word == text)])
        }
        (Kind::Id, _) => return None,
        (Kind::TextList, None | Some(b'n')) => Value::Array(Vec::new()),
        (_, None | Some(b'n')) => Value::Null,
        (Kind::TextList, Some(b'[')) => {
            let texts = serde_json::from_str::<Vec<String>>(raw).ok()?;
            texts.iter().map(|text| text.replace('\0', "\u{fffd}")).collect()
        }
        (Kind::Object, Some(b'{')) => serde_json::from_str(raw).ok()?,
        (Kind::Int, Some(b'"')) => int_from_text(text()?.as_bytes()).into(),
        (Kind::Bool, Some(b'"')) => bool_from_text(text()?.as_bytes()).into(),
        (Kind::Time, Some(b'"')) => json!([text()?, time_from_text(text()?.as_bytes())]),
        (Kind::Int, Some(b't' | b'f')) => i64::from(raw == "true").into(),
        (Kind::Bool, Some(b't' | b'f')) => (raw == "true").into(),
        (Kind::Int, Some(b'-' | b'0'..=b'9')) => int_from_number(raw.as_bytes()).into(),
        (Kind::Bool, Some(b'-' | b'0'..=b'9')) => bool_from_number(raw.as_bytes()).into(),
        (Kind::Time, Some(b'-' | b'0'..=b'9')) => json!([raw, time_from_number(raw.as_bytes())]),
        _ => return None,
    })
}

/// Replaces lone surrogates, which `serde_json` rejects.
fn without_lone_surrogates(text: &[u8]) -> Vec<u8> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut replaced = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        at += match (text[at], unit(at)) {
            (b'\\', Some(0xD800..0xDC00)) if unit(at + 6).is_some_and(|unit| (0xDC00..0xE000).contains(&unit)) => 12,
            (b'\\', Some(0xD800..0xE000)) => {
                replaced[at..at + 6].copy_from_slice(b"\\ufffd");
                6
            }
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    replaced
}
