//! Thousands of generated and corrupted texts, compared with `serde_json`.
//!
//! The seed is fixed, so failures are reproducible; the message contains the text.

use super::{EVERYTHING, Root, UNKNOWN};
use crate::fuzzing::records::check;

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
                "\\ud83d",
                "\\udead",
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

    /// An array of records, most of them valid, so that accepted texts are tested too.
    fn records(&mut self, out: &mut String) {
        out.push('[');
        for index in 0..self.below(6) {
            out.push_str(if index > 0 { "," } else { "" });
            out.push_str(self.space());
            if self.below(8) == 0 {
                self.object(1, out);
            } else {
                self.valid_record(out);
            }
            out.push_str(self.space());
        }
        out.push(']');
    }

    fn valid_record(&mut self, out: &mut String) {
        out.push_str("{\"id\":");
        self.string(out);
        for _ in 0..self.below(8) {
            out.push_str(self.pick(&[",", ", "]));
            let (key, values): (_, &[&str]) = match self.below(8) {
                0 => ("int", &["1", "\"2\"", "null", "3.0", "true"]),
                1 => ("bool", &["true", "0", "\"no\"", "null"]),
                2 => ("time", &["1700000000", "\"2026-01-31T10:00:00.12345Z\"", "null", "1.5"]),
                3 => ("list", &["[]", "null", "[\"a\"]", "[\"\\n\", \"b\" ]"]),
                4 => ("object", &["{}", "{\"a\":[1,\"\\\"\"]}", "{ }"]),
                5 => ("text", &["\"\"", "null", "\"\\u0000\"", "\"x\""]),
                6 => ("word", &["\"a\"", "null", "\"b\\u0063\"", "\"other\"", "7"]),
                _ => ("unknown", &["1", "{\"id\":[]}", "\"\\\\\"", "[null,true]"]),
            };
            for piece in ["\"", key, "\":", self.space(), self.pick(values)] {
                out.push_str(piece);
            }
        }
        out.push('}');
    }

    /// Corrupts `text`: changes, removes or inserts a few bytes.
    fn corrupt(&mut self, text: &mut Vec<u8>) {
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

/// Texts per test.
const TEXTS: usize = 20_000;

#[test]
fn the_decoder_accepts_what_serde_json_accepts() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut accepted = 0;
    for _ in 0..TEXTS {
        let mut text = String::new();
        random.object(0, &mut text);
        let mut text = text.into_bytes();
        if random.below(4) > 0 {
            random.corrupt(&mut text);
        }
        accepted += usize::from(check(&text, &UNKNOWN, Root::Object));
    }
    assert!((TEXTS / 10..TEXTS * 9 / 10).contains(&accepted), "{accepted}");
}

#[test]
fn records_have_the_values_that_serde_json_reads() {
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let mut accepted = 0;
    for _ in 0..TEXTS {
        let mut text = String::new();
        random.records(&mut text);
        let mut text = text.into_bytes();
        if random.below(3) == 0 {
            random.corrupt(&mut text);
        }
        accepted += usize::from(check(&text, &EVERYTHING, Root::List));
    }
    assert!((TEXTS / 10..TEXTS * 9 / 10).contains(&accepted), "{accepted}");
}
