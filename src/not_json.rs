//! What came instead of JSON, told so that a proxy's page, or a wrong URL, is recognised.

use http::header::{CONTENT_TYPE, HeaderMap};

use crate::transport::Redaction;

/// So much of a body is shown, and of its type.
const SHOWN: usize = 80;
const TYPE_SHOWN: usize = 60;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a body that cannot be read is none of JSON; none: it begins like JSON.
pub(crate) fn describe(body: &[u8], headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    if body.starts_with(BOM) {
        return Some("it begins with a byte order mark, which JSON must not have".into());
    }
    let text = body.trim_ascii_start();
    if matches!(text.first(), Some(b'[' | b'{' | b'"' | b'-' | b'0'..=b'9')) || is_word(text) {
        return None;
    }
    let kind = content_type(headers, redaction).unwrap_or_else(|| "of no Content-Type".into());
    // Looked through before it is cut: a secret must not hide behind the cut.
    let shown = redaction.excerpt(&text[..text.len().min(16 * SHOWN)], text.len() <= 16 * SHOWN, 8 * SHOWN);
    let shown: String = String::from_utf8_lossy(&shown).chars().take(SHOWN).collect();
    let begins = shown.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
    let hint = if text.first() == Some(&b'<') { "; a proxy or a sign-in page may have answered" } else { "" };
    Some(format!("it is {kind}, not JSON, and begins: {begins}{hint}"))
}

/// The type of a body, without its parameters; none: there is none, or it is JSON's.
pub(crate) fn foreign_type(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    content_type(headers, redaction).filter(|kind| {
        let kind = kind.to_ascii_lowercase();
        kind != "application/json" && kind != "text/json" && !kind.ends_with("+json")
    })
}

fn content_type(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    let value = redaction.bytes(headers.get(CONTENT_TYPE)?.as_bytes());
    let kind = String::from_utf8_lossy(value.split(|byte| *byte == b';').next()?).trim().to_owned();
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(TYPE_SHOWN).collect();
    (!kind.is_empty()).then_some(kind)
}

fn is_word(text: &[u8]) -> bool {
    [&b"null"[..], b"true", b"false"].iter().any(|word| text.starts_with(word))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(body: &[u8], kind: Option<&'static str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.extend(kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
        let redaction = Redaction::default();
        redaction.add("canary-secret");
        describe(body, &headers, &redaction)
    }

    /// Red when the decoder alone speaks: "a value was expected (at byte 0)".
    #[test]
    fn what_is_no_json_is_told_with_its_type_and_beginning() {
        let html = "it is text/html, not JSON, and begins: <title>Sign \"in\"</title>\\n; a proxy or a sign-in page may have answered";
        assert_eq!(of(b" \n<title>Sign \"in\"</title>\n", Some("text/html; charset=utf-8")).as_deref(), Some(html));
        assert_eq!(of(b"OK", None).as_deref(), Some("it is of no Content-Type, not JSON, and begins: OK"));
        assert_eq!(of(b"\0\xff", Some("a/b")).as_deref(), Some("it is a/b, not JSON, and begins: \\0\u{fffd}"));
        assert!(of(b"\xef\xbb\xbf[]", None).expect("no JSON").contains("byte order mark"));
        for json in [&b"[{]"[..], b"{", b" \"", b"-1", b"7", b"null x", b"true"] {
            assert_eq!(of(json, Some("text/html")), None);
        }
    }

    /// Red when the body is cut before it is looked through: the beginning of the secret is shown.
    #[test]
    fn no_secret_is_in_it() {
        for padding in 0..2000 {
            let body = format!("<{}canary-secret", "x".repeat(padding));
            let told = of(body.as_bytes(), Some("canary-secret/x")).expect("no JSON");
            assert!(!told.contains("canary-s"), "{told}");
        }
    }

    #[test]
    fn the_types_of_json_are_known() {
        let of = |kind: &'static str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            foreign_type(&headers, &Redaction::default())
        };
        for kind in ["application/json", "Application/JSON; charset=utf-8", "text/json", "application/problem+json", ""]
        {
            assert_eq!(of(kind), None, "{kind}");
        }
        assert_eq!(of("text/html;charset=utf-8").as_deref(), Some("text/html"));
    }
}
