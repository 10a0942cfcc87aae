//! Query strings, encoded as by the platform's own client (`quote_plus`).

use super::params::members;
use super::{Params, Place, Source, Value};
use crate::error::{Error, Result, printable};

/// Appends the query parameters that are set to the path.
pub(super) fn path_and_query(mut path: String, params: &Params) -> String {
    append(params.at(Place::Query), '?', &mut path);
    path
}

impl Params {
    /// All parameters that are set, in a canonical form.
    pub(super) fn encoded(&self) -> String {
        let mut text = String::new();
        append(self.all_set().map(|(name, value, _)| (name, value)), '?', &mut text);
        text
    }
}

fn append<'a>(params: impl Iterator<Item = (&'static str, &'a Value)>, mut before: char, target: &mut String) {
    for (name, value) in params {
        target.push(before);
        before = '&';
        target.push_str(name);
        target.push('=');
        match value {
            Value::Count(count) => target.push_str(&count.to_string()),
            Value::Text(text) => quote(text, target),
            // One parameter that holds a JSON array.
            Value::TextList(texts) => quote(&serde_json::Value::from(texts.as_slice()).to_string(), target),
            Value::Json(json) => quote(&String::from_utf8_lossy(json), target),
        }
    }
}

/// Appends the members of a JSON object: strings without quotes, any other value as its JSON text.
pub(super) fn append_json(object: &[u8], target: &mut String) -> Result<()> {
    let mut before = '?';
    for (name, json) in members(std::str::from_utf8(object).unwrap_or_default(), "query")? {
        target.push(before);
        before = '&';
        quote(&name, target);
        target.push('=');
        if json.get().starts_with('"') {
            let text: String = serde_json::from_str(json.get()).map_err(|_| {
                Error::argument("query", format_args!("the value of {} is not valid Unicode", printable(name.as_ref())))
            })?;
            quote(&text, target);
        } else {
            quote(json.get(), target);
        }
    }
    Ok(())
}

/// The maximum length of a request target, including the path of the base URL: that of `http::Uri`. Servers allow far less.
const MAX_TARGET: usize = u16::MAX as usize - 1;

/// Fails if a request target is too long. The error names its longest parameter; for [`Source::Request`], whose query is one parameter,
/// that one.
pub(crate) fn check_length(params: &Params, target: &str, base: &str) -> Result<()> {
    let base = base.trim_end_matches('/');
    let length = base.len() + target.len();
    if length <= MAX_TARGET {
        return Ok(());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let longest = match params.operation().source {
        Source::Request => query,
        _ => query.split('&').max_by_key(|parameter| parameter.len()).unwrap_or_default(),
    };
    let name = match longest.split_once('=') {
        _ if base.len() > target.len() => "base_url",
        _ if longest.len() < path.len() => "path",
        _ if params.get("query").is_some() => "query",
        Some((name, _)) if !matches!(params.operation().source, Source::Request) => name,
        _ => "path",
    };
    Err(Error::argument(
        name,
        format_args!("too long: the request target has {length} bytes; the maximum is {MAX_TARGET}"),
    ))
}

fn quote(text: &str, target: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => target.push('+'),
            _ => percent(byte, target),
        }
    }
}

/// Appends a byte, percent-encoded unless it is unreserved.
pub(super) fn percent(byte: u8, target: &mut String) {
    if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) {
        target.push(byte.into());
        return;
    }
    target.push('%');
    for digit in [byte >> 4, byte & 15] {
        target.push(char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase());
    }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::GET_EVENTS;
    use super::*;

    fn query(json: &str) -> String {
        path_and_query("/e".into(), &Params::from_json(&GET_EVENTS, json).expect(json))
    }

    #[test]
    fn values_are_encoded_as_by_the_python_client() {
        assert_eq!(query("{}"), "/e");
        let json = r#"{"page":2,"page_size":50,"event_types":["create","update é"],"resource_type":"task & \"x\"",
                       "event_user_ids":["u-1"],"after_date":"2026-01-02T03:04:05Z","before_date":"2026-02-03T04:05:06+00:00"}"#;
        assert_eq!(
            query(json),
            "/e?page=2&page_size=50&event_types=%5B%22create%22%2C%22update+%C3%A9%22%5D&resource_type=task+%26+%22x%22\
             &event_user_ids=%5B%22u-1%22%5D&after_date=2026-01-02T03%3A04%3A05Z&before_date=2026-02-03T04%3A05%3A06%2B00%3A00"
        );
    }

    #[test]
    fn parameters_are_in_the_order_of_the_operation() {
        assert_eq!(query(r#"{"page_size":1,"page":0}"#), "/e?page=0&page_size=1");
    }

    #[test]
    fn only_unreserved_bytes_are_not_encoded() {
        assert_eq!(query(r#"{"resource_type":"aZ09_.-~ /%+\u0000"}"#), "/e?resource_type=aZ09_.-~+%2F%25%2B%00");
    }

    #[test]
    fn a_target_that_is_too_long_is_rejected_by_its_longest_parameter() {
        let long = "x".repeat(40_000);
        let json = format!(r#"{{"page":2,"resource_type":"{long}","event_user_ids":["u"]}}"#);
        let params = Params::from_json(&GET_EVENTS, &json).expect("parameters");
        let target = query(&json);
        assert!(check_length(&params, &target, "/api").is_ok());
        let message =
            check_length(&params, &target, &format!("/{}", &long[..30_000])).expect_err("too long").to_string();
        assert!(message.contains("resource_type: "), "{message}");
        let room = MAX_TARGET - target.len();
        assert!(check_length(&params, &target, &long[..room]).is_ok());
        assert!(check_length(&params, &target, &format!("{}/", &long[..room])).is_ok(), "the slash is not sent");
        assert!(check_length(&params, &target, &long[..=room]).is_err());
    }

    /// Red when a member of the query is named like a parameter: "xxx…: too long", or "path: too long" for one named so.
    #[test]
    fn the_long_query_of_any_request_is_rejected_as_query_or_path() {
        let long = "x".repeat(MAX_TARGET);
        for (json, base, name) in [
            (format!(r#"{{"verb":"GET","path":"/a","query":{{"path":"{long}","b":1}}}}"#), "/", "query: "),
            (format!(r#"{{"verb":"GET","path":"/a","query":{{"{long}":1}}}}"#), "/", "query: "),
            (format!(r#"{{"verb":"GET","path":"/a","query":{{"b":[{}1]}}}}"#, "1,".repeat(MAX_TARGET)), "/", "query: "),
            (format!(r#"{{"verb":"GET","path":"/a?b={long}"}}"#), "/", "path: "),
            (format!(r#"{{"verb":"GET","path":"/{long}","query":{{"b":1}}}}"#), "/", "path: "),
            (r#"{"verb":"GET","path":"/a","query":{"b":1}}"#.to_owned(), &*long, "base_url: "),
        ] {
            let params = Params::from_json(&super::super::REQUEST, &json).expect("parameters");
            let target = params.request().expect("a request").target;
            let message = check_length(&params, &target, base).expect_err("too long").to_string();
            assert!(message.starts_with(name), "{}", &message[..80.min(message.len())]);
        }
    }
}
