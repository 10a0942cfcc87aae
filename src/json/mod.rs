//! JSON that stays text: validated, but otherwise unchanged. Here, answers; in `members`, what the caller passes in.
//!
//! `serde_json` validates a raw value without recursion and without converting strings and numbers: nesting uses no stack, lone
//! surrogates are accepted, and numbers keep all digits.

mod members;

pub(crate) use members::{members, type_of};

use serde_json::value::RawValue;

/// JSON text with a terminating NUL.
pub(crate) struct JsonText(Vec<u8>);

/// A body that is not JSON, and why.
pub(crate) struct NotJson {
    pub(crate) text: Vec<u8>,
    pub(crate) why: String,
}

impl JsonText {
    pub(crate) fn null() -> Self {
        Self(b"null\0".to_vec())
    }

    /// Validates the body of a response. An empty one, or one of whitespace only, is `null`.
    pub(crate) fn from_body(mut text: Vec<u8>) -> Result<Self, NotJson> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::null());
        }
        if let Err(error) = serde_json::from_slice::<&RawValue>(&text) {
            let why = error.to_string();
            return Err(NotJson { text, why });
        }
        // `push` alone would double the capacity of a full buffer.
        text.reserve_exact(1);
        text.push(0);
        text.shrink_to_fit();
        Ok(Self(text))
    }

    pub(crate) fn with_nul(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red with `serde_json::Value` instead of the raw text: numbers and whitespace change; the lone surrogate and the nesting fail.
    #[test]
    fn json_text_is_unchanged() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        for text in [
            r#" { "a" : 1.0e0, "a":123456789012345678901234567890.10 } "#,
            r#""\ud83d""#,
            r#""\u0000""#,
            "1e999999",
            "-0",
            "\r\nnull\t",
            &deep,
        ] {
            let small = std::thread::Builder::new().stack_size(64 * 1024);
            let sent = text.as_bytes().to_vec();
            let json = small.spawn(move || JsonText::from_body(sent)).expect("a thread").join().expect("no overflow");
            let json = json.unwrap_or_else(|error| panic!("{}", error.why));
            assert_eq!(json.with_nul().split_last(), Some((&0, text.as_bytes())));
        }
    }

    #[test]
    fn an_empty_body_is_null() {
        for text in ["", " ", "\r\n\t"] {
            assert!(JsonText::from_body(text.into()).is_ok_and(|json| json.with_nul() == b"null\0"), "{text:?}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_returned_with_the_error() {
        for text in [
            &b"<html>"[..],
            b"{",
            b"{} x",
            b"[1,]",
            b"NaN",
            b"'a'",
            b"\"\xff\"",
            b"\xef\xbb\xbf{}",
            b"\0",
            b"{}\0",
            b"01",
            b"\"\\x\"",
        ] {
            let rejected = JsonText::from_body(text.to_vec()).err().map(|error| error.text);
            assert_eq!(rejected.as_deref(), Some(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
