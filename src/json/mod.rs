//! Answers that are kept as JSON: checked, and otherwise left as they were sent.
//!
//! `serde_json` skips over a raw value without recursion and without looking at what an escape or a number stands for: no depth
//! costs stack, half of a surrogate pair is no error, and no number loses a digit.

use serde_json::value::RawValue;

/// JSON text with a NUL behind it.
pub(crate) struct JsonText(Vec<u8>);

/// A text that is not JSON, and why.
pub(crate) struct NotJson {
    pub(crate) text: Vec<u8>,
    pub(crate) why: String,
}

impl JsonText {
    pub(crate) fn null() -> Self {
        Self(b"null\0".to_vec())
    }

    /// Checks an answer's body and keeps it; nothing but whitespace is `null`.
    pub(crate) fn of_body(mut text: Vec<u8>) -> Result<Self, NotJson> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::null());
        }
        if let Err(error) = serde_json::from_slice::<&RawValue>(&text) {
            let why = error.to_string();
            return Err(NotJson { text, why });
        }
        // Not `push` alone: it would double a text that fills its buffer.
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

    /// Red with `serde_json::Value` instead of the raw text: the numbers and the spaces change, the half pair and the depth fail.
    #[test]
    fn json_stays_as_it_was_sent() {
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
            let kept = small.spawn(move || JsonText::of_body(sent)).expect("a thread").join().expect("no overflow");
            let kept = kept.unwrap_or_else(|error| panic!("{}", error.why));
            assert_eq!(kept.with_nul().split_last(), Some((&0, text.as_bytes())));
        }
    }

    #[test]
    fn no_body_is_null() {
        for text in ["", " ", "\r\n\t"] {
            assert!(JsonText::of_body(text.into()).is_ok_and(|kept| kept.with_nul() == b"null\0"), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_json_is_given_back() {
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
            let refused = JsonText::of_body(text.to_vec()).err().map(|error| error.text);
            assert_eq!(refused.as_deref(), Some(text), "{}", String::from_utf8_lossy(text));
        }
    }
}
