//! Thousands of generated and damaged texts, each judged by `serde_json` too.
//!
//! The generator is seeded, so a failure can be repeated; the text is in its message.

use serde_json::Value;

use super::super::convert::{bool_from_number, bool_from_text, int_from_number, int_from_text};
use super::super::time;
use super::{EVERYTHING, Field, Kind, Table, UNKNOWN, items, list, one};

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    fn space(&mut self) -> &'static str {
        self.pick(&["", "", "", "", " ", "\n", "\t\r\n  "])
    }

    fn string(&mut self, out: &mut String) {
        out.push('"');
        for _ in 0..self.below(6) {
            let pieces = [
                "a",
                "bc",
                "plain text here",
                "é",
                "😀",
                "\\n",
                "\\\"",
                "\\\\",
                "\\/",
                "\\u0041",
                "\\u0000",
                "\\ud83d\\ude00",
                "\\u00e9",
                "1",
                "true",
                "2026-01-31",
                "T10:00Z",
                "\u{7f}",
                "0123456789abcdef0123456789abcdef",
            ];
            out.push_str(self.pick(&pieces));
        }
        out.push('"');
    }

    fn number(&mut self) -> &'static str {
        self.pick(&[
            "0",
            "-0",
            "1",
            "2",
            "-3",
            "1.0",
            "2.5",
            "1e2",
            "25E-1",
            "1700000000",
            "1700000000.123456",
            "9223372036854775807",
        ])
    }

    fn value(&mut self, depth: usize, out: &mut String) {
        match self.below(if depth > 3 { 5 } else { 7 }) {
            0 | 1 => self.string(out),
            2 => out.push_str(self.number()),
            3 => out.push_str(self.pick(&["true", "false", "null"])),
            4 => out.push_str(self.pick(&["[]", "{}", "\"yes\"", "\"12\"", "\"2026-01-31 10:00\"", "\"\""])),
            5 => {
                out.push('[');
                for index in 0..self.below(4) {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(self.space());
                    self.value(depth + 1, out);
                    out.push_str(self.space());
                }
                out.push(']');
            }
            _ => self.object(depth + 1, out),
        }
    }

    fn object(&mut self, depth: usize, out: &mut String) {
        out.push('{');
        for index in 0..self.below(9) {
            out.push_str(if index > 0 { "," } else { "" });
            out.push_str(self.space());
            if self.below(5) == 0 {
                self.string(out);
            } else {
                let keys = [
                    "\"id\"",
                    "\"id\"",
                    "\"text\"",
                    "\"int\"",
                    "\"bool\"",
                    "\"time\"",
                    "\"list\"",
                    "\"object\"",
                    "\"\\u0069d\"",
                ];
                out.push_str(self.pick(&keys));
            }
            out.push_str(self.space());
            out.push(':');
            out.push_str(self.space());
            self.value(depth, out);
            out.push_str(self.space());
        }
        out.push('}');
    }

    /// A list of records most of which are good, so that what is accepted is seen too.
    fn records(&mut self, out: &mut String) {
        out.push('[');
        for index in 0..self.below(6) {
            out.push_str(if index > 0 { "," } else { "" });
            out.push_str(self.space());
            if self.below(8) == 0 {
                self.object(1, out);
            } else {
                self.good_record(out);
            }
            out.push_str(self.space());
        }
        out.push(']');
    }

    fn good_record(&mut self, out: &mut String) {
        out.push_str("{\"id\":");
        self.string(out);
        for _ in 0..self.below(8) {
            out.push_str(self.pick(&[",", ", "]));
            let (key, values): (_, &[&str]) = match self.below(7) {
                0 => ("int", &["1", "\"2\"", "null", "3.0", "true"]),
                1 => ("bool", &["true", "0", "\"no\"", "null"]),
                2 => ("time", &["1700000000", "\"2026-01-31T10:00:00.12345Z\"", "null", "1.5"]),
                3 => ("list", &["[]", "null", "[\"a\"]", "[\"\\n\", \"b\" ]"]),
                4 => ("object", &["{}", "{\"a\":[1,\"\\\"\"]}", "{ }"]),
                5 => ("text", &["\"\"", "null", "\"\\u0000\"", "\"x\""]),
                _ => ("unknown", &["1", "{\"id\":[]}", "\"\\\\\"", "[null,true]"]),
            };
            for piece in ["\"", key, "\":", self.space(), self.pick(values)] {
                out.push_str(piece);
            }
        }
        out.push('}');
    }

    /// Changes, removes or inserts a few bytes.
    fn damage(&mut self, text: &mut Vec<u8>) {
        const BYTES: &[u8] = b"\"\"\\{}[],:0129.-+eEtfnul \n\0\x1f\x80\xc3\xff";
        for _ in 0..=self.below(3) {
            let byte = BYTES[self.below(BYTES.len())];
            let place = self.below(text.len() + 1);
            match self.below(3) {
                0 => text.insert(place, byte),
                1 if place < text.len() => drop(text.remove(place)),
                _ if place < text.len() => text[place] = byte,
                _ => text.truncate(place / 2),
            }
        }
    }
}

/// The text as `serde_json` understands it. It refuses numbers that no double holds; such texts are not judged.
fn reference(text: &[u8]) -> Option<Result<Value, String>> {
    match serde_json::from_slice(text).map_err(|error| error.to_string()) {
        Err(reason) if reason.contains("number out of range") => None,
        result => Some(result),
    }
}

/// How many texts each test tries.
const TEXTS: usize = 20_000;

#[test]
fn what_is_accepted_is_what_serde_json_accepts() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..TEXTS {
        let mut text = String::new();
        random.object(0, &mut text);
        let mut text = text.into_bytes();
        if random.below(4) > 0 {
            random.damage(&mut text);
        }
        let Some(expected) = reference(&text) else { continue };
        let expected = expected.is_ok_and(|value| value.is_object());
        let shown = String::from_utf8_lossy(&text);
        match one(&UNKNOWN, &text) {
            Ok(table) => {
                assert!(expected, "accepted: {shown}");
                assert_eq!(table.json(), text, "{shown}");
                accepted += 1;
            }
            Err(error) => {
                assert!(!expected, "refused: {error}: {shown}");
                assert_eq!(error.body, text, "{shown}");
                refused += 1;
            }
        }
    }
    assert!(accepted > TEXTS / 10 && refused > TEXTS / 10, "{accepted} {refused}");
}

#[test]
fn records_are_what_serde_json_reads() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..TEXTS {
        let mut text = String::new();
        random.records(&mut text);
        let mut text = text.into_bytes();
        if random.below(3) == 0 {
            random.damage(&mut text);
        }
        let Some(expected) = reference(&text) else { continue };
        let shown = String::from_utf8_lossy(&text);
        match list(&EVERYTHING, &text) {
            Ok(table) => {
                let expected = expected.expect(&shown);
                assert_eq!(Some(read(&table)), model(&expected), "{shown}");
                assert_eq!(table.json(), text, "{shown}");
                for (row, record) in expected.as_array().unwrap().iter().enumerate() {
                    let own: Value = serde_json::from_slice(table.element_json(row)).expect(&shown);
                    assert_eq!(own, *record, "{shown}");
                }
                accepted += 1;
            }
            Err(error) => {
                let expected = expected.ok().and_then(|value| model(&value));
                assert_eq!(expected, None, "refused: {error}: {shown}");
                assert_eq!(error.body, text, "{shown}");
                refused += 1;
            }
        }
    }
    assert!(accepted > TEXTS / 10 && refused > TEXTS / 10, "{accepted} {refused}");
}

/// What a table says, one value a field.
fn read(table: &Table) -> Vec<Value> {
    let rows = (0..table.len()).map(|row| {
        let fields = EVERYTHING.fields.iter().enumerate();
        let values = fields.map(|(column, Field { kind, .. })| match kind {
            Kind::Id | Kind::Text => Value::from(table.text(row, column)),
            Kind::Int => Value::from(table.int(row, column)),
            Kind::Bool => Value::from(table.boolean(row, column)),
            Kind::Time => Value::from(table.time_us(row, column)),
            Kind::TextList => Value::from(items(table, row, column)),
            Kind::Object => table.text(row, column).map_or(Value::Null, |text| serde_json::from_str(text).unwrap()),
        });
        values.collect()
    });
    rows.collect()
}

/// What the table should say according to what `serde_json` read; none if it should have been refused.
fn model(text: &Value) -> Option<Vec<Value>> {
    let records = text.as_array()?.iter().map(|record| {
        let record = record.as_object()?;
        let fields = EVERYTHING.fields.iter();
        let values = fields.map(|Field { name, kind }| convert(*kind, record.get(*name)));
        values.collect::<Option<Vec<_>>>().map(Value::from)
    });
    records.collect()
}

fn convert(kind: Kind, value: Option<&Value>) -> Option<Value> {
    let plain = |text: &str| Value::from(text.replace('\0', "\u{fffd}"));
    Some(match (kind, value) {
        (Kind::Id | Kind::Text, Some(Value::String(text))) => plain(text),
        (Kind::Id, _) | (Kind::Object, Some(Value::Null)) => return None,
        (Kind::TextList, None | Some(Value::Null)) => Value::Array(Vec::new()),
        (_, None | Some(Value::Null)) => Value::Null,
        (Kind::TextList, Some(Value::Array(list))) => {
            let list: Option<Vec<_>> = list.iter().map(|item| Some(plain(item.as_str()?))).collect();
            list?.into()
        }
        (Kind::Object, Some(object @ Value::Object(_))) => object.clone(),
        (Kind::Int, Some(Value::String(text))) => int_from_text(text.as_bytes())?.into(),
        (Kind::Int, Some(Value::Number(number))) => int_from_number(number.to_string().as_bytes())?.into(),
        (Kind::Int, Some(Value::Bool(value))) => i64::from(*value).into(),
        (Kind::Bool, Some(Value::String(text))) => bool_from_text(text.as_bytes())?.into(),
        (Kind::Bool, Some(Value::Number(number))) => bool_from_number(number.to_string().as_bytes())?.into(),
        (Kind::Bool, Some(Value::Bool(value))) => (*value).into(),
        (Kind::Time, Some(Value::String(text))) => time::from_text(text.as_bytes())?.into(),
        (Kind::Time, Some(Value::Number(number))) => time::from_number(number.to_string().as_bytes())?.into(),
        _ => return None,
    })
}
