//! Writes JSON text by hand, because clients are tested with its exact formatting.

use std::io::Write as _;

/// How non-ASCII characters are written; servers differ, and clients must accept both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As UTF-8.
    Utf8,
    /// As `\u00e9`, and as surrogate pairs beyond the basic plane.
    Ascii,
}

/// An open JSON object; `end` closes it.
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    spelling: Spelling,
    empty: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>, spelling: Spelling) -> Self {
        out.push(b'{');
        Self { out, spelling, empty: true }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        // Names are constants that need no escaping.
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        push_string(self.out, value, self.spelling);
    }

    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        // Writing to a Vec cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// `value` must be valid JSON.
    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn strings<'s>(&mut self, name: &str, values: impl IntoIterator<Item = &'s str>) {
        self.name(name);
        self.out.push(b'[');
        for (position, value) in values.into_iter().enumerate() {
            if position > 0 {
                self.out.push(b',');
            }
            push_string(self.out, value, self.spelling);
        }
        self.out.push(b']');
    }

    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut ObjectWriter<'_>)) {
        self.name(name);
        let mut inner = ObjectWriter::begin(self.out, self.spelling);
        fill(&mut inner);
        inner.end();
    }
}

fn push_string(out: &mut Vec<u8>, text: &str, spelling: Spelling) {
    let plain = |byte: &u8| {
        let special = *byte == b'"' || *byte == b'\\' || *byte < b' ';
        !special && (byte.is_ascii() || spelling == Spelling::Utf8)
    };
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !plain(&byte)) {
        let (copied, others) = rest.split_at(at);
        out.extend_from_slice(copied.as_bytes());
        let mut others = others.chars();
        if let Some(special) = others.next() {
            push_escaped(out, special);
        }
        rest = others.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

fn push_escaped(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => push_units(out, other),
    }
}

fn push_units(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectWriter, Spelling};

    #[test]
    fn both_spellings_read_back_as_the_same_text() {
        let text = "Zoë \"Z\"\n\t\\ \u{1} 李 🧪";
        for spelling in [Spelling::Utf8, Spelling::Ascii] {
            let mut out = Vec::new();
            let mut object = ObjectWriter::begin(&mut out, spelling);
            object.string("name", text);
            object.strings("list", ["a", text]);
            object.optional("none", None);
            object.object("inner", |inner| inner.number("n", 7));
            object.end();
            assert_eq!(out.is_ascii(), spelling == Spelling::Ascii);
            let read: serde_json::Value = serde_json::from_slice(&out).expect("valid JSON");
            let want = serde_json::json!({"name": text, "list": ["a", text], "none": null, "inner": {"n": 7}});
            assert_eq!(read, want);
        }
    }
}
