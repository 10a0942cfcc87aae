//! Describes a body that is not JSON, so that a proxy's page or a wrong URL is easy to identify.

use http::header::{CONTENT_TYPE, HeaderMap};

use crate::redact::Redaction;

/// The maximum length of the excerpt of the body and of its type, in characters.
const MAX_EXCERPT: usize = 80;
const MAX_TYPE: usize = 60;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a body that failed to decode is not JSON. None: it starts like JSON.
pub(crate) fn describe(body: &[u8], headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    if body.starts_with(BOM) {
        return Some("it starts with a byte order mark, which JSON does not allow".into());
    }
    let text = body.trim_ascii_start();
    if matches!(text.first(), Some(b'[' | b'{' | b'"' | b'-' | b'0'..=b'9')) || starts_with_literal(text) {
        return None;
    }
    let kind = match content_type(headers, redaction) {
        None => "it has no Content-Type, is not JSON".into(),
        Some(kind) if is_json(&kind) => format!("its Content-Type is {kind}, but it is not JSON"),
        Some(kind) => format!("it is {kind}, not JSON"),
    };
    // Redacted before it is cut: otherwise part of a secret could remain at the cut.
    let shown =
        redaction.excerpt(&text[..text.len().min(16 * MAX_EXCERPT)], text.len() <= 16 * MAX_EXCERPT, 8 * MAX_EXCERPT);
    let shown: String = String::from_utf8_lossy(&shown).chars().take(MAX_EXCERPT).collect();
    let excerpt = shown.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'");
    let hint = if text.first() == Some(&b'<') { "; a proxy or a sign-in page may have answered" } else { "" };
    Some(format!("{kind}, and begins: {excerpt}{hint}"))
}

/// The media type of a body without its parameters. None: missing, or a JSON type.
pub(crate) fn foreign_type(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    content_type(headers, redaction).filter(|kind| !is_json(kind))
}

fn is_json(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind == "application/json" || kind == "text/json" || kind.ends_with("+json")
}

fn content_type(headers: &HeaderMap, redaction: &Redaction) -> Option<String> {
    let value = redaction.bytes(headers.get(CONTENT_TYPE)?.as_bytes());
    let kind = String::from_utf8_lossy(value.split(|byte| *byte == b';').next()?).trim().to_owned();
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(MAX_TYPE).collect();
    (!kind.is_empty()).then_some(kind)
}

fn starts_with_literal(text: &[u8]) -> bool {
    [&b"null"[..], b"true", b"false"].iter().any(|literal| text.starts_with(literal))
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

    /// Red when only the error of the decoder is reported: "a value was expected (at byte 0)".
    #[test]
    fn a_body_that_is_not_json_is_described_by_type_and_excerpt() {
        let html = "it is text/html, not JSON, and begins: <title>Sign \"in\"</title>\\n; a proxy or a sign-in page may have answered";
        assert_eq!(of(b" \n<title>Sign \"in\"</title>\n", Some("text/html; charset=utf-8")).as_deref(), Some(html));
        assert_eq!(of(b"OK", None).as_deref(), Some("it has no Content-Type, is not JSON, and begins: OK"));
        assert_eq!(of(b"\0\xff", Some("a/b")).as_deref(), Some("it is a/b, not JSON, and begins: \\0\u{fffd}"));
        // Red when a JSON type is named like another one: "it is application/json, not JSON, and begins: OK".
        let json = "its Content-Type is application/json, but it is not JSON, and begins: OK";
        assert_eq!(of(b"OK", Some("application/json; charset=utf-8")).as_deref(), Some(json));
        assert!(of(b"\xef\xbb\xbf[]", None).expect("not JSON").contains("byte order mark"));
        for json in [&b"[{]"[..], b"{", b" \"", b"-1", b"7", b"null x", b"true"] {
            assert_eq!(of(json, Some("text/html")), None);
        }
    }

    /// Red when the body is cut before it is redacted: the start of the secret is shown.
    #[test]
    fn the_description_contains_no_secret() {
        for padding in 0..2000 {
            let body = format!("<{}canary-secret", "x".repeat(padding));
            let description = of(body.as_bytes(), Some("canary-secret/x")).expect("not JSON");
            assert!(!description.contains("canary-s"), "{description}");
        }
    }

    #[test]
    fn json_types_are_recognized() {
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
