//! Paths of requests: templates filled with parameters, and validation of a caller's paths.

use super::query::percent;
use super::{Params, Place, Value};
use crate::error::{Error, Result};

/// Fills a template such as `/activities/{activity_id}`: each parameter becomes one segment, percent-encoded.
pub(super) fn fill(template: &str, params: &Params) -> Result<String> {
    let mut path = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        path.push_str(before);
        let value = params.at(Place::Path).find_map(|(set, value)| (set == name).then_some(value));
        match value {
            Some(Value::Text(text)) => segment(name, text, &mut path)?,
            Some(Value::Count(count)) => path.push_str(&count.to_string()),
            _ => return Err(params.missing(name)),
        }
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// Appends a segment. Servers resolve dot segments, encoded or not, and an empty segment makes another path.
fn segment(name: &str, text: &str, path: &mut String) -> Result<()> {
    if matches!(text, "" | "." | "..") {
        return Err(Error::argument(name, format_args!("{text:?} is not a valid path segment")));
    }
    for byte in text.bytes() {
        percent(byte, path);
    }
    Ok(())
}

/// Validates a caller's path, which may be followed by a query. It is sent unchanged.
pub(super) fn check(target: &str) -> Result<()> {
    let invalid = |why: &str| Err(Error::argument("path", why));
    if !target.starts_with('/') {
        return invalid("must begin with '/', such as /activities; the client's base_url sets the host");
    }
    if target.starts_with("//") {
        return invalid("must not begin with \"//\", which names another host");
    }
    let path = target.split('?').next().unwrap_or_default();
    let bytes = target.as_bytes();
    for (at, byte) in target.bytes().enumerate() {
        let encoded =
            || matches!(bytes.get(at + 1..at + 3), Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
        let ok = match byte {
            b'%' => encoded(),
            b'?' => at >= path.len(),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte),
        };
        if !ok {
            return Err(Error::argument(
                "path",
                format_args!("the byte 0x{byte:02X} at offset {at} is not allowed; percent-encode it"),
            ));
        }
    }
    if decoded(path).split(|byte| matches!(byte, b'/' | b'\\')).any(|segment| matches!(segment, b"." | b"..")) {
        return invalid("must not contain the segments \".\" or \"..\", encoded or not");
    }
    Ok(())
}

/// Decodes a path whose percent-encoding is valid.
pub(super) fn decoded(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).unwrap_or_default();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => u8::try_from(digit(bytes.next()) * 16 + digit(bytes.next())).unwrap_or(b'%'),
            byte => byte,
        };
        decoded.push(byte);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::super::{Answers, Endpoint, Kind, Operation, Param, Source};
    use super::*;
    use crate::error::ErrorKind;

    static TASK: Operation = Operation {
        name: "tests.get_task",
        params: &[Param::path("activity", Kind::Text), Param::path("n", Kind::Count)],
        source: Source::Endpoint(Endpoint::get("/activities/{activity}/tasks/{n}")),
        answers: Answers::Json,
    };

    fn filled(activity: &str) -> Result<String> {
        let mut params = Params::new(&TASK);
        params.set("activity", Value::Text(activity.into()))?;
        params.set("n", Value::Count(7))?;
        fill("/activities/{activity}/tasks/{n}", &params)
    }

    /// Red when the text is not encoded: "/activities/a/b/tasks/7".
    #[test]
    fn any_parameter_becomes_one_segment() {
        for (text, expected) in [
            ("a-1", "a-1"),
            ("a/b", "a%2Fb"),
            ("../x", "..%2Fx"),
            ("a b+c", "a%20b%2Bc"),
            ("?q#f", "%3Fq%23f"),
            ("50%", "50%25"),
            ("%2F", "%252F"),
            ("\u{e9}\0\\", "%C3%A9%00%5C"),
            ("{n}", "%7Bn%7D"),
            ("...", "..."),
        ] {
            assert_eq!(filled(text).expect(text), format!("/activities/{expected}/tasks/7"));
        }
    }

    /// Red without the check: "/activities/../tasks/7", which is "/tasks/7".
    #[test]
    fn a_parameter_cannot_be_a_dot_segment_or_empty() {
        for text in ["", ".", ".."] {
            let error = filled(text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with("activity: "), "{error}");
        }
        assert!(fill("/{activity}", &Params::new(&TASK)).is_err(), "not set");
    }

    #[test]
    fn a_callers_path_cannot_leave_the_host_or_its_directory() {
        for good in [
            "/",
            "/a",
            "/a/",
            "/a//b",
            "/a/...",
            "/a/.b",
            "/a%2Fb",
            "/a:b@c",
            "/a?x=1&x=2",
            "/a?..",
            "/a?/../",
            "/a?b?c",
        ] {
            assert!(check(good).is_ok(), "{good}: {}", check(good).expect_err("rejected"));
        }
        for bad in [
            "",
            "a",
            "http://evil/",
            "//evil/x",
            "\\evil",
            "/a b",
            "/a\nb",
            "/a\r\nX: y",
            "/a#b",
            "/a?b#c",
            "/\u{e9}",
            "/a%",
            "/a%2",
            "/a%zz",
            "/..",
            "/../a",
            "/a/..",
            "/a/./b",
            "/a/%2e%2E/b",
            "/a/.%2e",
            "/a/%2e",
            "/a%2F..%2Fb",
            "/a%5C..%5Cb",
            "/a\\b",
            "/..?x",
            "/a\0",
            "/a\x7f",
            "/a?b c",
            "/<a>",
            "/{a}",
        ] {
            let error = check(bad).expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().starts_with("path: "), "{bad:?}: {error}");
        }
    }
}
